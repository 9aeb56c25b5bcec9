import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { readJson } from '../api.ts'
import { formatNumber } from '../format.ts'
import type { MetricSeries, MetricSummary } from '../model.ts'
import { useLoaded } from '../parts/useLoaded.ts'
import { Chart, seriesColor } from './chart.tsx'
import { chartData, isCounted, modesOf, type Mode } from './series.ts'

/** Names the mode of a metric. */
function modeName(mode: Mode, type: string): string {
  if (mode === 'value') return isCounted(type) ? 'Count' : 'Value'
  return mode === 'rate' ? 'Per second' : 'Average'
}

export interface MetricPanelProps {
  metric: MetricSummary
  /** Changes when data points have arrived. */
  arrived: number
  onClose(): void
}

/** Chart of a metric with one line a series, and a table of the same numbers. */
export function MetricPanel({ metric, arrived, onClose }: MetricPanelProps): JSX.Element {
  const { name, service, unit, type, description } = metric
  const { value: series = [], error } = useLoaded(
    (signal) => readJson<MetricSeries[]>('metric', { name, service }, signal),
    [name, service, arrived],
  )
  const modes = modesOf(metric, series)
  const [chosen, setChosen] = useState<Mode | undefined>(undefined)
  const mode = chosen ?? modes[0]!
  const data = chartData(series, mode)
  return (
    <section class="metric-panel" aria-label={`Metric ${name}`}>
      <header>
        <h2>{name}</h2>
        <span class="muted">
          {service} {description}
        </span>
        <span class="metric-actions">
          {modes.length > 1 &&
            modes.map((each) => (
              <button type="button" key={each} aria-pressed={each === mode} onClick={() => setChosen(each)}>
                {modeName(each, type)}
              </button>
            ))}
          <button type="button" class="panel-close" aria-label="Close the metric" onClick={onClose}>
            ×
          </button>
        </span>
      </header>
      {error !== undefined && <p class="error">{error.message}</p>}
      <div class="metric-content">
        <Chart data={data} label={`${name}, ${modeName(mode, type)}`} />
        <div class="metric-series" tabIndex={0} role="region" aria-label="Series">
          <table>
            <thead>
              <tr>
                <th scope="col">Series</th>
                <th scope="col" class="number">
                  Last
                </th>
                <th scope="col" class="number">
                  Highest
                </th>
              </tr>
            </thead>
            <tbody>
              {data.series.map(({ name: seriesName, values }, index) => {
                const numbers = values.filter((value) => value !== null)
                return (
                  <tr key={seriesName}>
                    <td>
                      <span class="swatch" style={{ background: seriesColor(index) }} />
                      {seriesName}
                    </td>
                    <td class="number">
                      {formatNumber(numbers.at(-1))}{' '}
                      {unitOf(isCounted(type) && mode !== 'average' ? '' : unit, mode)}
                    </td>
                    <td class="number">{formatNumber(numbers.length === 0 ? null : Math.max(...numbers))}</td>
                  </tr>
                )
              })}
            </tbody>
          </table>
          {data.hidden > 0 && <p class="muted">{data.hidden} series with lower values are left out.</p>}
        </div>
      </div>
    </section>
  )
}

function unitOf(unit: string, mode: Mode): string {
  return mode === 'rate' ? `${unit}/s` : unit
}
