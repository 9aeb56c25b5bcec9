import type { JSX } from 'preact'
import { followLink, hrefOf } from '../address.ts'
import { readLines } from '../api.ts'
import { formatCount, formatDuration, formatTime } from '../format.ts'
import type { TraceSummary } from '../model.ts'
import { Nothing } from '../parts/nothing.tsx'
import { QueryBar, useQuery } from '../parts/queryBar.tsx'
import { useArrivals } from '../parts/useArrivals.ts'
import { useLoaded } from '../parts/useLoaded.ts'
import { settings } from '../settings.ts'

const LIMIT = 200
const REFRESH_MILLIS = 1000

/** Newest traces with a span that matches. */
export function TracesView(): JSX.Element {
  const query = useQuery()
  const arrived = useArrivals(['spans'], REFRESH_MILLIS)
  const { value: traces, error } = useLoaded(
    (signal) => readLines<TraceSummary>('traces', { q: query || undefined, limit: LIMIT }, signal),
    [query, arrived],
  )
  const longest = Math.max(1, ...(traces ?? []).map(({ duration }) => Number(duration)))
  return (
    <div class="traces">
      <h1 class="hidden">Traces</h1>
      <QueryBar
        placeholder="duration>100ms status=error service=shop name~checkout"
        error={error}
        suggestions={['status=error', 'duration>100ms', 'duration>1s', 'kind=server', 'since=15m']}
      />
      <section class="table-view" aria-label="Traces" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Trace</th>
              <th scope="col">Duration</th>
              <th scope="col" class="number">
                Spans
              </th>
              <th scope="col" class="number">
                Errors
              </th>
              <th scope="col" class="number">
                Logs
              </th>
              <th scope="col">Services</th>
            </tr>
          </thead>
          <tbody>
            {(traces ?? []).map((trace) => (
              <TraceRow key={trace.traceId} trace={trace} longest={longest} />
            ))}
          </tbody>
        </table>
        {traces?.length === 0 && <Nothing noun="trace" signal="spans" />}
        {traces?.length === LIMIT && (
          <p class="nothing">The newest {LIMIT} traces are shown. Narrow the query to see others.</p>
        )}
      </section>
    </div>
  )
}

function TraceRow({ trace, longest }: { trace: TraceSummary; longest: number }): JSX.Element {
  const { traceId, time, name, service, duration, spans, errors, logs, services } = trace
  return (
    <tr>
      <td class="muted">{formatTime(time, settings.value.time)}</td>
      <td class="wide">
        <a data-row href={hrefOf(`/traces/${traceId}`)} onClick={followLink}>
          {name || traceId}
        </a>{' '}
        <span class="muted">{service}</span>
      </td>
      <td>
        <span class="meter">
          <span class="meter-bar" style={{ width: `${(Number(duration) / longest) * 100}%` }} />
          <span>{formatDuration(duration)}</span>
        </span>
      </td>
      <td class="number">{formatCount(spans)}</td>
      <td class={`number ${errors > 0 ? 'is-error' : 'muted'}`}>{formatCount(errors)}</td>
      <td class="number">{formatCount(logs)}</td>
      <td class="muted">{services.filter((each) => each !== '').join(', ')}</td>
    </tr>
  )
}
