import type { CSSProperties, JSX } from 'preact'
import { useMemo, useRef } from 'preact/hooks'
import { formatDuration, levelOf } from '../format.ts'
import { messageOf } from '../logs/columns.ts'
import type { Log, Span } from '../model.ts'
import { VirtualList } from '../parts/virtualList.tsx'
import { revealRow } from '../parts/revealRow.ts'
import { placeOf, type Extent, type Item } from './spanTree.ts'

const ROW_HEIGHT = 24
const INDENT = 14
const MAX_DEPTH = 14
/** Most dots on the bar of one span. */
const MAX_DOTS = 50
const TICKS = [0, 0.25, 0.5, 0.75] as const
/** Number of colors of services in the style sheet. */
const SERVICE_COLORS = 8

export interface WaterfallProps {
  items: readonly Item[]
  extent: Extent
  logs: readonly Log[]
  /** Index of the selected row. */
  active: number
  collapsed: ReadonlySet<string>
  onOpen(item: Item | undefined): void
  onToggle(spanId: string): void
}

/** Spans and logs of a trace along its time. */
export function Waterfall(props: WaterfallProps): JSX.Element {
  const { items, extent, logs, active, collapsed, onOpen, onToggle } = props
  const scroller = useRef<HTMLDivElement>(null)
  const lastActive = useRef(-1)
  const logsBySpan = useMemo(() => Map.groupBy(logs, ({ spanId }) => spanId), [logs])
  const colors = useMemo(() => colorsOf(items), [items])

  function keyDown(event: KeyboardEvent): void {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const item = items[active]
    if (by !== undefined) onOpen(items[Math.max(0, Math.min(items.length - 1, active + by))])
    else if (item?.type === 'span' && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) {
      if (collapsed.has(item.span.spanId) === (event.key === 'ArrowRight')) onToggle(item.span.spanId)
    } else return
    event.preventDefault()
  }

  return (
    <VirtualList
      label="Spans and logs"
      class="waterfall"
      count={items.length}
      rowHeight={ROW_HEIGHT}
      scroller={scroller}
      activeId={active < 0 ? undefined : `item-${active}`}
      onKeyDown={keyDown}
      onLayout={(element) => {
        if (active >= 0 && active !== lastActive.current) revealRow(element, active, ROW_HEIGHT)
        lastActive.current = active
      }}
      head={
        <div role="rowgroup" class="list-head">
          <div role="row" class="row">
            <span role="columnheader">span</span>
            <span role="columnheader" class="ticks">
              {TICKS.map((tick) => (
                <span key={tick} style={{ left: `${tick * 100}%` }}>
                  {formatDuration(Math.round(tick * extent.nanos))}
                </span>
              ))}
            </span>
          </div>
        </div>
      }
      row={(index, style) => {
        const item = items[index]!
        const shared = { index, style, isActive: index === active, extent, onOpen: () => onOpen(item) }
        return item.type === 'span' ? (
          <SpanRow
            key={`span-${item.span.id}`}
            {...shared}
            item={item}
            color={colors.get(item.span.service)!}
            logs={logsBySpan.get(item.span.spanId) ?? []}
            isCollapsed={collapsed.has(item.span.spanId)}
            onToggle={() => onToggle(item.span.spanId)}
          />
        ) : (
          <LogItem key={`log-${item.log.id}`} {...shared} item={item} />
        )
      }}
    />
  )
}

interface RowProps {
  index: number
  style: CSSProperties
  isActive: boolean
  extent: Extent
  onOpen(): void
}

interface SpanRowProps extends RowProps {
  item: Item & { type: 'span' }
  color: number
  logs: readonly Log[]
  isCollapsed: boolean
  onToggle(): void
}

function SpanRow(props: SpanRowProps): JSX.Element {
  const { item, index, style, isActive, extent, color, logs, isCollapsed, onOpen, onToggle } = props
  const { span, depth, hasChildren } = item
  const left = placeOf(span.time, extent)
  const width = Math.min(1 - left, Number(span.duration) / extent.nanos)
  const isFailed = span.status === 'error'
  const shown = logs.slice(0, MAX_DOTS)
  const dots = shown.map((log) => placeOf(log.time, extent))
  return (
    <div
      role="row"
      id={`item-${index}`}
      aria-rowindex={index + 1}
      aria-selected={isActive}
      class={`row ${isFailed ? 'is-failed' : ''}`}
      style={style}
      onClick={onOpen}
    >
      <span role="gridcell" class="item-name" style={indentOf(depth)}>
        {hasChildren ? (
          <button
            type="button"
            class="fold"
            tabIndex={-1}
            aria-expanded={!isCollapsed}
            aria-label={isCollapsed ? `Expand ${span.name}` : `Collapse ${span.name}`}
            onClick={(event) => {
              event.stopPropagation()
              onToggle()
            }}
          >
            {isCollapsed ? '▸' : '▾'}
          </button>
        ) : (
          <span class="fold" />
        )}
        {isFailed && <span class="is-error">✕ </span>}
        {span.name || '(no name)'} <span class="muted">{span.service}</span>
      </span>
      <span role="gridcell" class="timeline">
        <span
          class={`span-bar service-${color} ${isFailed ? 'is-failed' : ''}`}
          style={{ left: `${left * 100}%`, width: `max(2px, ${width * 100}%)` }}
        />
        {shown.map((log, at) => (
          <span
            key={log.id}
            class={`log-dot is-${levelOf(log.severity).name}`}
            style={{ left: `${dots[at]! * 100}%` }}
            title={messageOf(log)}
          />
        ))}
        <Duration span={span} left={left} width={width} dots={dots} />
      </span>
    </div>
  )
}

interface DurationProps {
  span: Span
  left: number
  width: number
  /** Places of the logs. */
  dots: readonly number[]
}

/** Part of the timeline that a duration takes. */
const DURATION_WIDTH = 0.16
/** Places of a duration in a bar that fills the timeline. */
const PLACES_INSIDE = [0.5, 0.35, 0.65, 0.2, 0.8]

/** Duration beside the bar: behind the bar where there is space, otherwise before it, otherwise in the bar between the logs. */
function Duration({ span, left, width, dots }: DurationProps): JSX.Element {
  const isBehind = left + width < 1 - DURATION_WIDTH
  const isBefore = !isBehind && left > DURATION_WIDTH
  const isFree = (place: number): boolean => dots.every((dot) => Math.abs(dot - place) > DURATION_WIDTH / 2)
  const style = isBehind
    ? { left: `calc(${(left + width) * 100}% + 8px)` }
    : isBefore
      ? { right: `calc(${(1 - left) * 100}% + 8px)` }
      : { left: `${(PLACES_INSIDE.find(isFree) ?? 0.5) * 100}%` }
  return (
    <span class={`span-duration ${isBehind || isBefore ? '' : 'is-inside'}`} style={style}>
      {formatDuration(span.duration)}
    </span>
  )
}

function LogItem({
  item,
  index,
  style,
  isActive,
  extent,
  onOpen,
}: RowProps & { item: Item & { type: 'log' } }) {
  const { log, depth } = item
  const { name } = levelOf(log.severity)
  return (
    <div
      role="row"
      id={`item-${index}`}
      aria-rowindex={index + 1}
      aria-selected={isActive}
      class={`row is-log is-${name}`}
      style={style}
      onClick={onOpen}
    >
      <span role="gridcell" class="item-name" style={indentOf(depth)}>
        <span class="fold" />
        <span class="cell-level">{log.severityText || (name === 'unset' ? 'log' : name)}</span>{' '}
        <span class="log-text">{messageOf(log)}</span>
      </span>
      <span role="gridcell" class="timeline">
        <span class={`log-dot is-${name}`} style={{ left: `${placeOf(log.time, extent) * 100}%` }} />
      </span>
    </div>
  )
}

function indentOf(depth: number): CSSProperties {
  return { paddingInlineStart: `${Math.min(depth, MAX_DEPTH) * INDENT}px` }
}

/** Numbers the colors of the services, in the order of their spans. */
function colorsOf(items: readonly Item[]): ReadonlyMap<string, number> {
  const colors = new Map<string, number>()
  for (const item of items) {
    if (item.type === 'span' && !colors.has(item.span.service))
      colors.set(item.span.service, colors.size % SERVICE_COLORS)
  }
  return colors
}
