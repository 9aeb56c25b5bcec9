import type { JSX } from 'preact'
import { followLink, hrefOf } from '../address.ts'
import { readJson } from '../api.ts'
import { formatCount, formatCounted, formatNumber, formatTime } from '../format.ts'
import type { MetricSeries, MetricSummary, Status } from '../model.ts'
import { isCounted, nameOf } from '../metrics/series.ts'
import { Sparkline } from '../metrics/sparkline.tsx'
import { useArrivals } from '../parts/useArrivals.ts'
import { useLoaded } from '../parts/useLoaded.ts'
import { settings } from '../settings.ts'

const REFRESH_MILLIS = 2000
/** Most metrics of senders whose series are read. */
const MAX_METRICS = 40

interface SenderMetric {
  metric: MetricSummary
  series: MetricSeries[]
}

/** Numbers of received and dropped records of the viewer, and the metrics that senders report of their SDK. */
export function HealthView(): JSX.Element {
  const arrived = useArrivals(['logs', 'spans', 'metrics'], REFRESH_MILLIS)
  const { value: status } = useLoaded((signal) => readJson<Status>('status', {}, signal), [arrived])
  const { value: senders } = useLoaded(readSenders, [arrived])
  const services = [...Map.groupBy(senders ?? [], ({ metric }) => metric.service)]
  return (
    <div class="health" tabIndex={0} role="region" aria-label="Health">
      <h1 class="hidden">Health</h1>
      <h2>This viewer</h2>
      {status !== undefined && <ViewerNumbers status={status} />}
      <h2>Senders</h2>
      {senders?.length === 0 && (
        <p class="muted">
          No sender has reported metrics of its SDK, <code>otel.sdk.*</code>. logbridge reports them with
          metrics enabled; so do other SDKs that follow the semantic conventions.
        </p>
      )}
      {services.map(([service, metrics]) => (
        <section key={service} class="sender">
          <h3>{service || '(no service name)'}</h3>
          <table>
            <thead>
              <tr>
                <th scope="col">Metric</th>
                <th scope="col" class="number">
                  Last
                </th>
                <th scope="col">Trend</th>
                <th scope="col">Time</th>
              </tr>
            </thead>
            <tbody>
              {metrics.map((each) => (
                <SenderRows key={`${each.metric.scope} ${each.metric.name}`} {...each} />
              ))}
            </tbody>
          </table>
        </section>
      ))}
    </div>
  )
}

async function readSenders(signal: AbortSignal): Promise<SenderMetric[]> {
  const metrics = await readJson<MetricSummary[]>(
    'metrics',
    { q: 'name=~/^otel[.]sdk[.]/', limit: MAX_METRICS },
    signal,
  )
  return Promise.all(
    metrics.map(async (metric) => ({
      metric,
      series: await readJson<MetricSeries[]>(
        'metric',
        { name: metric.name, service: metric.service, limit: 200 },
        signal,
      ),
    })),
  )
}

function SenderRows({ metric, series }: SenderMetric): JSX.Element {
  const { name, service, unit, type, last, lastTime, values, description } = metric
  const failed = series.filter(({ attributes }) => 'error.type' in attributes)
  return (
    <>
      <tr>
        <td>
          <a
            href={hrefOf('/metrics', new URLSearchParams({ metric: name, service }))}
            title={description}
            onClick={followLink}
          >
            {name}
          </a>
        </td>
        <td class="number">
          {formatNumber(last)} <span class="muted">{isCounted(type) ? 'recorded' : unit}</span>
        </td>
        <td>
          <Sparkline values={values} />
        </td>
        <td class="muted">{formatTime(lastTime, settings.value.time)}</td>
      </tr>
      {failed.map(({ attributes, points }) => (
        <tr key={nameOf(attributes)} class="is-error">
          <td class="failure">{nameOf(attributes)}</td>
          <td class="number">{formatNumber(points.at(-1)?.value)}</td>
          <td />
          <td />
        </tr>
      ))}
    </>
  )
}

function ViewerNumbers({ status }: { status: Status }): JSX.Element {
  const { inserted, dropped, stored, refused, forwarded, grpcUrl, httpUrl } = status
  const signals = [
    ['Logs', 'logs'],
    ['Spans', 'spans'],
    ['Data points', 'metrics'],
  ] as const
  return (
    <section>
      <table>
        <thead>
          <tr>
            <td />
            <th scope="col" class="number">
              Received
            </th>
            <th scope="col" class="number">
              Stored
            </th>
            <th scope="col" class="number">
              Dropped
            </th>
          </tr>
        </thead>
        <tbody>
          {signals.map(([name, signal]) => (
            <tr key={signal}>
              <th scope="row">{name}</th>
              <td class="number">{formatCount(inserted[signal])}</td>
              <td class="number">{formatCount(stored[signal])}</td>
              <td class={`number ${dropped[signal] > 0 ? 'is-warn' : 'muted'}`}>
                {formatCount(dropped[signal])}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <dl class="values">
        <Line name="Refused requests" value={formatCount(refused)} isBad={refused > 0} />
        {forwarded !== undefined && (
          <>
            <Line name={`Forwarded to ${forwarded.url}`} value={formatCounted(forwarded.sent, 'request')} />
            <Line
              name="Failed to forward"
              value={`${formatCount(forwarded.failed)}${forwarded.lastError === '' ? '' : `: ${forwarded.lastError}`}`}
              isBad={forwarded.failed > 0}
            />
          </>
        )}
        <Line name="OTLP/gRPC" value={grpcUrl} />
        <Line name="OTLP/HTTP" value={httpUrl} />
      </dl>
    </section>
  )
}

function Line({ name, value, isBad = false }: { name: string; value: string; isBad?: boolean }): JSX.Element {
  return (
    <div class="value">
      <dt>{name}</dt>
      <dd class={isBad ? 'is-error' : ''}>{value}</dd>
    </div>
  )
}
