import { formatDuration } from './format.ts'
import type { LogRow, SpanRow, TraceTotal } from './store/answers.ts'
import { counted } from './text.ts'

type Span = Pick<
  SpanRow,
  | 'traceId'
  | 'spanId'
  | 'parentSpanId'
  | 'time'
  | 'duration'
  | 'name'
  | 'service'
  | 'status'
  | 'statusMessage'
>

/**
 * Describes a trace in a few lines: its spans, services, logs, errors, and slowest spans.
 *
 * @param total numbers of all spans and logs, of which a long trace has only the first here
 */
export function describeTrace(
  spans: readonly Span[],
  logs: readonly Pick<LogRow, 'severity' | 'traceId'>[],
  total: TraceTotal,
): string[] {
  const services = [...new Set(spans.map(({ service }) => service || '(no name)'))]
  const errors = spans.filter(({ status }) => status === 'error')
  const start = spans.reduce((min, { time }) => smaller(min, BigInt(time)), BigInt(spans[0]?.time ?? 0))
  const end = spans.reduce(
    (max, { time, duration }) => -smaller(-max, -(BigInt(time) + BigInt(duration))),
    start,
  )
  // The self time leaves out the child spans, so that the slowest span is not always the root.
  const children = Map.groupBy(spans, ({ parentSpanId }) => parentSpanId)
  const own = spans
    .map((span) => ({ span, nanos: ownNanos(span, children.get(span.spanId) ?? []) }))
    .toSorted((a, b) => Number(b.nanos - a.nanos))
  return [
    `trace ${spans[0]?.traceId ?? logs[0]?.traceId ?? ''}`,
    `${counted(spans.length, 'span')} of ${counted(services.length, 'service')}${services.length > 0 ? ` (${services.join(', ')})` : ''}, ` +
      `${counted(logs.length, 'log record')}, ${counted(errors.length, 'error')}, ${formatDuration(end - start)}`,
    ...(total.spans > spans.length || total.logs > logs.length
      ? [`the first of ${counted(total.spans, 'span')} and ${counted(total.logs, 'log record')}`]
      : []),
    ...own
      .slice(0, 3)
      .map(
        ({ span, nanos }, at) =>
          `${at === 0 ? 'slowest' : '       '}: ${label(span)} ${formatDuration(nanos)} self time`,
      ),
    ...errors
      .slice(0, 5)
      .map((span) => `error: ${label(span)}${span.statusMessage === '' ? '' : `: ${span.statusMessage}`}`),
  ]
}

/** Orders spans as a tree: each span after its parent, children by time. A span without its parent is a root. */
export function orderSpans<T extends Span>(spans: readonly T[]): { span: T; depth: number }[] {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  const children = Map.groupBy(spans, ({ parentSpanId }) => (ids.has(parentSpanId) ? parentSpanId : ''))
  const ordered: { span: T; depth: number }[] = []
  const visited = new Set<T>()
  // A stack rather than recursion, because received spans can nest deeply.
  const add = (roots: readonly T[]): void => {
    const stack = roots.map((span) => ({ span, depth: 0 })).toReversed()
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const { span, depth } = next
      if (visited.has(span)) continue
      visited.add(span)
      ordered.push(next)
      const inside = (children.get(span.spanId) ?? []).map((child) => ({ span: child, depth: depth + 1 }))
      stack.push(...inside.toReversed())
    }
  }
  add(children.get('') ?? [])
  // Spans that are parents of each other have no root.
  add(spans)
  return ordered
}

function ownNanos({ time, duration }: Span, children: readonly Span[]): bigint {
  const start = BigInt(time)
  const end = start + BigInt(duration)
  let covered = 0n
  let at = start
  for (const child of children.toSorted((a, b) => Number(BigInt(a.time) - BigInt(b.time)))) {
    const from = -smaller(-at, -BigInt(child.time))
    const to = smaller(end, BigInt(child.time) + BigInt(child.duration))
    if (to > from) {
      covered += to - from
      at = to
    }
  }
  return end - start - covered
}

function label({ service, name }: Span): string {
  return service === '' ? name : `${service} ${name}`
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
