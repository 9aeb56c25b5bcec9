import type { Log, Span } from '../model.ts'

/** Row of a waterfall: a span, or a record that was logged in it. */
export type Item =
  | { readonly type: 'span'; readonly span: Span; readonly depth: number; readonly hasChildren: boolean }
  | { readonly type: 'log'; readonly log: Log; readonly depth: number }

export interface Trace {
  readonly spans: readonly Span[]
  readonly logs: readonly Log[]
}

export interface ItemsOptions {
  /** Ids of spans whose contents are hidden. */
  collapsed: ReadonlySet<string>
  showsLogs: boolean
}

/** Orders the spans of a trace as a tree, each with its logs in place. A span whose parent is missing is a root. */
export function itemsOf({ spans, logs }: Trace, { collapsed, showsLogs }: ItemsOptions): Item[] {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  const children = Map.groupBy(spans, ({ spanId, parentSpanId }) =>
    ids.has(parentSpanId) && parentSpanId !== spanId ? parentSpanId : '',
  )
  const logsBySpan = Map.groupBy(showsLogs ? logs : [], ({ spanId }) => (ids.has(spanId) ? spanId : ''))
  const items: Item[] = []
  // Ids that form a circle have no root, and a stack bounds no depth.
  const seen = new Set<Span>()
  const pending: Item[] = []

  function push(parent: string, depth: number): void {
    const contents: Item[] = [
      ...(children.get(parent) ?? []).map((span) => ({
        type: 'span' as const,
        span,
        depth,
        hasChildren: children.has(span.spanId) || logsBySpan.has(span.spanId),
      })),
      ...(logsBySpan.get(parent) ?? []).map((log) => ({ type: 'log' as const, log, depth })),
    ]
    contents.sort((a, b) => compareTimes(timeOf(a), timeOf(b)))
    pending.push(...contents.toReversed())
  }

  function drain(): void {
    for (let item = pending.pop(); item !== undefined; item = pending.pop()) {
      if (item.type === 'span' && seen.has(item.span)) continue
      items.push(item)
      if (item.type === 'log') continue
      seen.add(item.span)
      if (!collapsed.has(item.span.spanId)) push(item.span.spanId, item.depth + 1)
      else markSeen(item.span.spanId, children, seen)
    }
  }

  push('', 0)
  drain()
  for (const span of spans) {
    if (seen.has(span)) continue
    pending.push({ type: 'span', span, depth: 0, hasChildren: children.has(span.spanId) })
    drain()
  }
  return items
}

/** Marks all spans below a collapsed one, so that they are not taken for roots. */
function markSeen(id: string, children: ReadonlyMap<string, readonly Span[]>, seen: Set<Span>): void {
  const pending = [id]
  for (let parent = pending.pop(); parent !== undefined; parent = pending.pop()) {
    for (const span of children.get(parent) ?? []) {
      if (seen.has(span)) continue
      seen.add(span)
      pending.push(span.spanId)
    }
  }
}

function timeOf(item: Item): string {
  return item.type === 'span' ? item.span.time : item.log.time
}

function compareTimes(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)
}

/** Times of a trace in nanoseconds. */
export interface Extent {
  readonly start: bigint
  readonly nanos: number
}

/** Returns the time from the first to the last moment of a trace. */
export function extentOf({ spans, logs }: Trace): Extent {
  const starts = [...spans, ...logs].map(({ time }) => BigInt(time))
  const ends = [...spans.map(({ time, duration }) => BigInt(time) + BigInt(duration)), ...starts]
  const start = starts.reduce((a, b) => (b < a ? b : a), starts[0] ?? 0n)
  const end = ends.reduce((a, b) => (b > a ? b : a), start)
  return { start, nanos: Math.max(1, Number(end - start)) }
}

/** Returns the place of a time in a trace, from 0 to 1. */
export function placeOf(time: string, { start, nanos }: Extent): number {
  return Math.max(0, Math.min(1, Number(BigInt(time) - start) / nanos))
}
