import type { JSX } from 'preact'
import { address, setParams } from '../address.ts'
import { readJson } from '../api.ts'
import { formatCount, formatNumber } from '../format.ts'
import type { MetricSummary } from '../model.ts'
import { Nothing } from '../parts/nothing.tsx'
import { QueryBar, useQuery } from '../parts/queryBar.tsx'
import { useArrivals } from '../parts/useArrivals.ts'
import { useLoaded } from '../parts/useLoaded.ts'
import { MetricPanel } from './metricPanel.tsx'
import { isCounted } from './series.ts'
import { Sparkline } from './sparkline.tsx'

const LIMIT = 200
const REFRESH_MILLIS = 1000

/** Metrics that match, with their last values. */
export function MetricsView(): JSX.Element {
  const query = useQuery()
  const arrived = useArrivals(['metrics'], REFRESH_MILLIS)
  const { value: metrics, error } = useLoaded(
    (signal) => readJson<MetricSummary[]>('metrics', { q: query || undefined, limit: LIMIT }, signal),
    [query, arrived],
  )
  const { params } = address.value
  const name = params.get('metric')
  const service = params.get('service') ?? ''
  const open = metrics?.find((each) => each.name === name && each.service === service)
  return (
    <div class="metrics">
      <h1 class="hidden">Metrics</h1>
      <QueryBar
        placeholder="name~http service=shop type=histogram"
        error={error}
        suggestions={[
          'name~http',
          'name~nodejs',
          'name~otel.sdk',
          'type=histogram',
          'type=sum',
          'type=gauge',
        ]}
      />
      {open !== undefined && (
        <MetricPanel
          key={`${open.service} ${open.name}`}
          metric={open}
          arrived={arrived}
          onClose={() => setParams({ metric: null, service: null })}
        />
      )}
      <section class="table-view" aria-label="Metrics" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <th scope="col" class="number">
                Last
              </th>
              <th scope="col">Trend</th>
              <th scope="col">Service</th>
              <th scope="col">Type</th>
              <th scope="col" class="number">
                Series
              </th>
            </tr>
          </thead>
          <tbody>
            {(metrics ?? []).map((metric) => (
              <MetricRow
                key={`${metric.service} ${metric.scope} ${metric.name} ${metric.type} ${metric.unit}`}
                metric={metric}
                isOpen={metric === open}
              />
            ))}
          </tbody>
        </table>
        {metrics?.length === 0 && <Nothing noun="metric" signal="metrics" />}
      </section>
    </div>
  )
}

function MetricRow({ metric, isOpen }: { metric: MetricSummary; isOpen: boolean }): JSX.Element {
  const { name, unit, type, description, service, series, last, values } = metric
  return (
    <tr class={isOpen ? 'is-open' : ''}>
      <td class="wide">
        <button
          type="button"
          class="link"
          data-row
          aria-pressed={isOpen}
          title={description}
          onClick={() => setParams(isOpen ? { metric: null, service: null } : { metric: name, service })}
        >
          {name}
        </button>
        <span class="muted metric-description"> {description}</span>
      </td>
      <td class="number">
        {formatNumber(last)} <span class="muted">{isCounted(type) ? 'recorded' : unit}</span>
      </td>
      <td>
        <Sparkline values={values} />
      </td>
      <td class="muted">{service}</td>
      <td class="muted">{type}</td>
      <td class="number">{formatCount(series)}</td>
    </tr>
  )
}
