import type { ComponentChildren, CSSProperties, JSX, RefObject } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

/** Rows above and below the visible ones. */
const OVERSCAN = 10
/** Largest number of rows in the document. */
const MAX_ROWS = 200

export interface VirtualListProps {
  /** Name for screen readers. */
  label: string
  count: number
  rowHeight: number
  /** Returns a row of the given index, which has the given style. */
  row(index: number, style: CSSProperties): ComponentChildren
  /** Row of column headings. */
  head?: ComponentChildren
  /** Id of the selected row. */
  activeId?: string | undefined
  scroller: RefObject<HTMLDivElement | null>
  class?: string
  /** Called after the user or the list has scrolled. */
  onScroll?(scroller: HTMLDivElement): void
  /** Runs after each change of the rows, for example to keep the last row in view. */
  onLayout?(scroller: HTMLDivElement): void
  onKeyDown?(event: KeyboardEvent): void
}

/** List of rows of one height, of which only the visible ones are in the document. */
export function VirtualList(props: VirtualListProps): JSX.Element {
  const { count, rowHeight, row, scroller, onScroll, onLayout } = props
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(600)
  const frame = useRef(0)

  useLayoutEffect(() => {
    const element = scroller.current!
    const observer = new ResizeObserver(() => setHeight(element.clientHeight))
    observer.observe(element)
    setHeight(element.clientHeight)
    return () => {
      observer.disconnect()
      cancelAnimationFrame(frame.current)
    }
  }, [scroller])

  useLayoutEffect(() => {
    onLayout?.(scroller.current!)
    setTop(scroller.current!.scrollTop)
  })

  function scrolled(): void {
    cancelAnimationFrame(frame.current)
    frame.current = requestAnimationFrame(() => {
      if (scroller.current === null) return
      setTop(scroller.current.scrollTop)
      onScroll?.(scroller.current)
    })
  }

  const first = Math.max(0, Math.min(Math.floor(top / rowHeight), count) - OVERSCAN)
  const last = Math.min(count, first + Math.min(MAX_ROWS, Math.ceil(height / rowHeight) + 2 * OVERSCAN))
  const rows: ComponentChildren[] = []
  for (let index = first; index < last; index += 1) {
    rows.push(row(index, { transform: `translateY(${index * rowHeight}px)`, height: `${rowHeight}px` }))
  }
  return (
    <div
      class={`list ${props.class ?? ''}`}
      role="grid"
      aria-label={props.label}
      aria-rowcount={count}
      aria-activedescendant={props.activeId}
      tabIndex={0}
      ref={scroller}
      onScroll={scrolled}
      onKeyDown={props.onKeyDown}
    >
      {props.head}
      <div role="rowgroup" class="list-rows" style={{ height: `${count * rowHeight}px` }}>
        {rows}
      </div>
    </div>
  )
}
