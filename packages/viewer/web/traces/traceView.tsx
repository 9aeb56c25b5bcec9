import type { JSX } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { address, followLink, go, hrefOf, setParams } from '../address.ts'
import { readJson } from '../api.ts'
import { ERROR, formatCount, formatDuration, formatWholeTime } from '../format.ts'
import { RecordPanel } from '../logs/recordPanel.tsx'
import type { Log, Span } from '../model.ts'
import { commands } from '../parts/commands.ts'
import { useArrivals } from '../parts/useArrivals.ts'
import { useLoaded } from '../parts/useLoaded.ts'
import { extentOf, itemsOf, type Item, type Trace } from './spanTree.ts'
import { SpanPanel } from './spanPanel.tsx'
import { Waterfall } from './waterfall.tsx'

const REFRESH_MILLIS = 1000
const NO_TRACE: Trace = { spans: [], logs: [] }

/** One trace: waterfall with the logs in place, and the span or record that is open. */
export function TraceView({ id }: { id: string }): JSX.Element {
  const arrived = useArrivals(['spans', 'logs'], REFRESH_MILLIS)
  const { value, error } = useLoaded(
    (signal) =>
      readJson<{ spans: Span[]; logs: Log[]; total: { spans: number; logs: number } }>(
        'trace',
        { id },
        signal,
      ),
    [id, arrived],
  )
  const trace = value ?? NO_TRACE
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set())
  const [showsLogs, setShowsLogs] = useState(true)
  const items = useMemo(() => itemsOf(trace, { collapsed, showsLogs }), [trace, collapsed, showsLogs])
  const extent = useMemo(() => extentOf(trace), [trace])
  const { params } = address.value
  const spanId = params.get('span') ?? undefined
  const recordId = params.get('record') === null ? undefined : Number(params.get('record'))
  const active = items.findIndex((item) =>
    item.type === 'log' ? item.log.id === recordId : recordId === undefined && item.span.spanId === spanId,
  )
  const span = recordId === undefined ? trace.spans.find((each) => each.spanId === spanId) : undefined

  function open(item: Item | undefined): void {
    if (item === undefined) return
    if (item.type === 'span') setParams({ span: item.span.spanId, record: null }, { replace: true })
    else setParams({ record: item.log.id }, { replace: true })
  }

  useEffect(() => {
    commands.value = {
      move: (by) => open(items[Math.max(0, Math.min(items.length - 1, active + by))]),
      open: () => open(items[active]),
      nextError: () => open(items.find((item, index) => index > active && isFailed(item))),
    }
    return () => {
      commands.value = undefined
    }
  })

  const [root] = items.flatMap((item) => (item.type === 'span' ? [item.span] : []))
  const isPart = value !== undefined && value.total.spans > trace.spans.length
  const errors = trace.spans.filter(({ status }) => status === 'error').length
  return (
    <div class="trace">
      <header class="trace-header">
        <p>
          <a href="/traces" onClick={followLink}>
            Traces
          </a>{' '}
          / <code title={id}>{id.slice(0, 16)}</code>
        </p>
        <h1>{root?.name ?? 'Trace'}</h1>
        {value !== undefined && (
          <p class="muted">
            {root !== undefined && `${formatWholeTime(root.time)} · `}
            {formatDuration(extent.nanos)} · {isPart && `the first ${formatCount(trace.spans.length)} of `}
            {formatCount(value.total.spans)} spans
            {errors > 0 && <span class="is-error"> · {formatCount(errors)} failed</span>} ·{' '}
            <a href={hrefOf('/logs', new URLSearchParams({ q: `trace=${id}` }))} onClick={followLink}>
              {formatCount(value.total.logs)} logs
            </a>
          </p>
        )}
        <label>
          <input type="checkbox" checked={showsLogs} onChange={() => setShowsLogs(!showsLogs)} /> Logs in
          place
        </label>
      </header>
      {error !== undefined && <p class="error notice">{error.message}</p>}
      <div class="trace-main">
        <Waterfall
          items={items}
          extent={extent}
          logs={trace.logs}
          active={active}
          collapsed={collapsed}
          onOpen={open}
          onToggle={(toggled) => {
            const next = new Set(collapsed)
            if (!next.delete(toggled)) next.add(toggled)
            setCollapsed(next)
          }}
        />
        {span !== undefined && (
          <SpanPanel
            span={span}
            logs={trace.logs}
            extent={extent}
            onClose={() => setParams({ span: null })}
          />
        )}
        {recordId !== undefined && (
          <RecordPanel
            id={recordId}
            path="/logs"
            onClose={() => setParams({ record: null })}
            onAround={(around) =>
              go('/logs', new URLSearchParams({ around: String(around), record: String(around) }))
            }
          />
        )}
      </div>
    </div>
  )
}

function isFailed(item: Item): boolean {
  return item.type === 'span' ? item.span.status === 'error' : item.log.severity >= ERROR
}
