import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { addFilter } from '../address.ts'
import { readJson } from '../api.ts'
import { formatClock, formatCounted, LEVELS } from '../format.ts'
import type { Histogram as Counts } from '../model.ts'
import { useLoaded } from '../parts/useLoaded.ts'
import { rangeTerm } from '../terms.ts'

const BUCKETS = 80
const HEIGHT = 100

export interface HistogramProps {
  query: string
  /** Changes when records have arrived. */
  counted: number
}

/** Buckets between two ends that are selected. */
interface Selection {
  from: number
  to: number
}

/** Records by time and level. Dragging, or the arrow keys with Enter, narrow the time. */
export function Histogram({ query, counted }: HistogramProps): JSX.Element {
  const { value } = useLoaded(
    (signal) => readJson<Counts>('histogram', { q: query || undefined, buckets: BUCKETS }, signal),
    [query, counted],
  )
  const chart = useRef<HTMLDivElement>(null)
  const [selection, setSelection] = useState<Selection | undefined>(undefined)
  const isDragging = useRef(false)
  const buckets = shownBuckets(value)
  const millis = value?.bucketMillis ?? 1000
  const highest = Math.max(1, ...buckets.map(sumOf))

  function bucketAt(event: PointerEvent): number {
    const { left, width } = chart.current!.getBoundingClientRect()
    return Math.max(
      0,
      Math.min(buckets.length - 1, Math.floor(((event.clientX - left) / width) * buckets.length)),
    )
  }

  function zoom({ from, to }: Selection): void {
    setSelection(undefined)
    const [first, last] = [buckets[Math.min(from, to)], buckets[Math.max(from, to)]]
    if (first !== undefined && last !== undefined) addFilter(rangeTerm(first.start, last.start + millis))
  }

  function keyDown(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (step !== undefined) {
      const to = Math.max(
        0,
        Math.min(buckets.length - 1, (selection?.to ?? (step < 0 ? buckets.length : -1)) + step),
      )
      setSelection({ from: event.shiftKey ? (selection?.from ?? to) : to, to })
    } else if (event.key === 'Enter' && selection !== undefined) {
      zoom(selection)
    } else if (event.key === 'Escape' && selection !== undefined) {
      event.stopPropagation()
      setSelection(undefined)
    } else {
      return
    }
    event.preventDefault()
  }

  const isLong = buckets.length * millis > 86_400_000
  const [first, last] = [buckets[0], buckets.at(-1)]
  return (
    <div class="histogram">
      <div
        ref={chart}
        class="histogram-chart"
        role="slider"
        tabIndex={0}
        aria-label="Records by time: arrow keys select, Shift extends, Enter narrows the time"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, buckets.length - 1)}
        aria-valuenow={selection?.to ?? 0}
        aria-valuetext={describe(buckets, selection, millis, isLong)}
        onKeyDown={keyDown}
        onBlur={() => setSelection(undefined)}
        onPointerDown={(event) => {
          if (event.button !== 0 || buckets.length === 0) return
          isDragging.current = true
          chart.current!.setPointerCapture(event.pointerId)
          const at = bucketAt(event)
          setSelection({ from: at, to: at })
        }}
        onPointerMove={(event) => {
          if (isDragging.current && selection !== undefined)
            setSelection({ ...selection, to: bucketAt(event) })
        }}
        onPointerUp={() => {
          isDragging.current = false
          if (selection === undefined) return
          // A click selects for the keys. Dragging narrows.
          if (selection.from === selection.to) return
          zoom(selection)
        }}
      >
        <svg
          viewBox={`0 0 ${Math.max(1, buckets.length)} ${HEIGHT}`}
          preserveAspectRatio="none"
          aria-hidden="true"
        >
          {buckets.map((bucket, at) => (
            <Bar key={bucket.start} bucket={bucket} at={at} highest={highest} />
          ))}
        </svg>
        {selection !== undefined && <SelectionMark selection={selection} count={buckets.length} />}
      </div>
      <p class="histogram-axis">
        <span>{first !== undefined && formatClock(first.start, isLong)}</span>
        <span aria-live="polite">
          {selection !== undefined && describe(buckets, selection, millis, isLong)}
        </span>
        <span>{last !== undefined && formatClock(last.start + millis, isLong)}</span>
      </p>
    </div>
  )
}

type Bucket = Counts['buckets'][number]

function Bar({ bucket, at, highest }: { bucket: Bucket; at: number; highest: number }): JSX.Element {
  let top = HEIGHT
  return (
    <g>
      {LEVELS.toReversed().map(({ first, name }) => {
        const count = bucket.counts[first]
        if (count === undefined) return null
        // The smallest count stays visible.
        const height = Math.max(2, (count / highest) * HEIGHT)
        top -= height
        return <rect key={name} class={`bar is-${name}`} x={at + 0.06} y={top} width={0.88} height={height} />
      })}
    </g>
  )
}

function SelectionMark({ selection, count }: { selection: Selection; count: number }): JSX.Element {
  const [from, to] = [Math.min(selection.from, selection.to), Math.max(selection.from, selection.to)]
  const style = { left: `${(from / count) * 100}%`, width: `${((to - from + 1) / count) * 100}%` }
  return <div class="histogram-selection" style={style} />
}

/** Cuts empty buckets off both ends, but keeps some, so that a few records do not fill the width. */
function shownBuckets(histogram: Counts | undefined): readonly Bucket[] {
  const buckets = histogram?.buckets ?? []
  const first = buckets.findIndex((bucket) => sumOf(bucket) > 0)
  return first < 0 ? [] : buckets.slice(Math.max(0, Math.min(first - 1, buckets.length - BUCKETS / 2)))
}

function sumOf(bucket: Bucket): number {
  return Object.values(bucket.counts).reduce((sum, count) => sum + count, 0)
}

function describe(
  buckets: readonly Bucket[],
  selection: Selection | undefined,
  millis: number,
  isLong: boolean,
): string {
  if (selection === undefined) return 'nothing selected'
  const chosen = buckets.slice(
    Math.min(selection.from, selection.to),
    Math.max(selection.from, selection.to) + 1,
  )
  const [first, last] = [chosen[0], chosen.at(-1)]
  if (first === undefined || last === undefined) return 'nothing selected'
  const count = chosen.reduce((sum, bucket) => sum + sumOf(bucket), 0)
  return `${formatClock(first.start, isLong)} – ${formatClock(last.start + millis, isLong)}: ${formatCounted(count, 'record')}`
}
