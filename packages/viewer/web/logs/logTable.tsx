import type { CSSProperties, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { address } from '../address.ts'
import { ERROR, formatTime, levelOf } from '../format.ts'
import type { Log } from '../model.ts'
import { Nothing } from '../parts/nothing.tsx'
import { revealRow } from '../parts/revealRow.ts'
import { useRowHeight } from '../parts/rowHeight.ts'
import { VirtualList } from '../parts/virtualList.tsx'
import { settings } from '../settings.ts'
import { columnsOf, textOf, titleOf, widthsOf } from './columns.ts'
import type { LogList } from './logList.ts'

export interface LogTableProps {
  list: LogList
  activeId: number | undefined
  onOpen(id: number): void
  onMove(by: number): void
}

/** Distance from the end at which more records are read, in rows. */
const READ_AHEAD = 60

/** List of records that follows new ones, and keeps its place when it does not. */
export function LogTable({ list, activeId, onOpen, onMove }: LogTableProps): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null)
  const rowHeight = useRowHeight()
  const columns = columnsOf(address.value.params)
  const { order } = settings.value
  const isNewestFirst = order === 'newest first'
  const rows = list.rows.value
  const at = (index: number): Log | undefined => rows[isNewestFirst ? index : rows.length - 1 - index]
  const indexOf = (id: number): number => {
    const index = rows.findIndex((row) => row.id === id)
    return index < 0 || isNewestFirst ? index : rows.length - 1 - index
  }
  /** Row at the top of the view, and the pixels of it that are above. */
  const anchor = useRef<{ id: number; offset: number } | undefined>(undefined)
  const lastActive = useRef<number | undefined>(undefined)

  function keepPlace(element: HTMLDivElement): void {
    if (list.isFollowing.value) {
      const edge = isNewestFirst ? 0 : element.scrollHeight
      if (element.scrollTop !== edge) element.scrollTop = edge
    } else if (activeId !== undefined && lastActive.current !== activeId && indexOf(activeId) >= 0) {
      lastActive.current = activeId
      revealRow(element, indexOf(activeId), rowHeight)
    } else if (anchor.current !== undefined) {
      const index = indexOf(anchor.current.id)
      const top = index * rowHeight + anchor.current.offset
      if (index >= 0 && Math.abs(element.scrollTop - top) >= 1) element.scrollTop = top
    }
    note(element)
  }

  function note(element: HTMLDivElement): void {
    const top = Math.floor(element.scrollTop / rowHeight)
    const row = at(top)
    anchor.current = row && { id: row.id, offset: element.scrollTop - top * rowHeight }
  }

  function scrolled(element: HTMLDivElement): void {
    note(element)
    const above = element.scrollTop
    const below = element.scrollHeight - element.clientHeight - above
    const [toNewest, toOldest] = isNewestFirst ? [above, below] : [below, above]
    if (list.isFollowing.value && toNewest > rowHeight) list.stopFollowing()
    if (toOldest < READ_AHEAD * rowHeight) void list.loadOlder()
    if (!list.isFollowing.value && toNewest < READ_AHEAD * rowHeight && toOldest > toNewest)
      void list.loadNewer()
  }

  useEffect(() => {
    anchor.current = undefined
  }, [list, order])

  function keyDown(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(scroller.current!.clientHeight / rowHeight) - 2)
    const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page }
    const by = moves[event.key]
    if (by !== undefined) onMove(by)
    else if (event.key === 'Enter' && activeId !== undefined) onOpen(activeId)
    else return
    event.preventDefault()
  }

  const { template, least } = widthsOf(columns)
  const style = { '--columns': template, '--least-width': least } as CSSProperties
  return (
    <div class="log-table" style={style}>
      <VirtualList
        label="Log records"
        class={`time-${settings.value.time}`}
        count={rows.length}
        rowHeight={rowHeight}
        scroller={scroller}
        activeId={activeId === undefined ? undefined : `log-${activeId}`}
        onScroll={scrolled}
        onLayout={keepPlace}
        onKeyDown={keyDown}
        head={
          <div role="rowgroup" class="list-head">
            <div role="row" class="row">
              {columns.map((column) => (
                <span role="columnheader" key={column} class={`cell-${column}`}>
                  {titleOf(column)}
                </span>
              ))}
            </div>
          </div>
        }
        row={(index, rowStyle) => {
          const log = at(index)!
          return (
            <LogRow
              key={log.id}
              log={log}
              index={index}
              style={rowStyle}
              columns={columns}
              isActive={log.id === activeId}
              onOpen={onOpen}
            />
          )
        }}
      />
      {rows.length === 0 && !list.isLoading.value && list.error.value === undefined && (
        <Nothing noun="record" signal="logs" />
      )}
    </div>
  )
}

interface LogRowProps {
  log: Log
  index: number
  style: CSSProperties
  columns: readonly string[]
  isActive: boolean
  onOpen(id: number): void
}

function LogRow({ log, index, style, columns, isActive, onOpen }: LogRowProps): JSX.Element {
  const level = levelOf(log.severity)
  return (
    <div
      role="row"
      id={`log-${log.id}`}
      aria-rowindex={index + 1}
      aria-selected={isActive}
      class={`row is-${level.name} ${log.severity >= ERROR ? 'is-failed' : ''}`}
      style={style}
      onClick={() => onOpen(log.id)}
    >
      {columns.map((column) => (
        <span role="gridcell" key={column} class={`cell-${FIXED.has(column) ? column : 'attribute'}`}>
          {cellText(log, column, level.name)}
        </span>
      ))}
    </div>
  )
}

const FIXED = new Set(['time', 'level', 'service', 'scope', 'event', 'trace', 'message'])

function cellText(log: Log, column: string, level: string): string {
  if (column === 'time') return formatTime(log.time, settings.value.time)
  if (column === 'level') return log.severityText || (level === 'unset' ? '' : level)
  return textOf(log, column)
}
