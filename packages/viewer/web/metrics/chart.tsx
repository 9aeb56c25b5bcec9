import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type uPlot from 'uplot'
import { formatClock, formatTime } from '../format.ts'
import { isDark } from '../theme.ts'
import type { ChartData } from './series.ts'

const HEIGHT = 220
const COLORS = 8

/** Returns the color of the series with an index, as CSS. */
export function seriesColor(index: number): string {
  return `var(--series-${index % COLORS})`
}

/** Loads the charting library, which no other view needs. */
const loadLibrary = async (): Promise<typeof uPlot> => {
  const [library] = await Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')])
  return library.default
}

/** Line chart. The table beside it has the same numbers for screen readers. */
export function Chart({ data, label }: { data: ChartData; label: string }): JSX.Element {
  const element = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | undefined>(undefined)
  const [library, setLibrary] = useState<typeof uPlot | undefined>(undefined)
  const names = data.series.map(({ name }) => name).join('\n')
  const dark = isDark.value

  useEffect(() => {
    void loadLibrary().then((loaded) => setLibrary(() => loaded))
  }, [])

  useEffect(() => {
    if (library === undefined) return
    const root = element.current!
    const drawn = new library(optionsOf(data, root), aligned(data), root)
    chart.current = drawn
    const observer = new ResizeObserver(() => drawn.setSize({ width: root.clientWidth, height: HEIGHT }))
    observer.observe(root)
    return () => {
      observer.disconnect()
      drawn.destroy()
      chart.current = undefined
    }
    // Points that arrive change the data of the chart, not the chart.
  }, [library, names, dark])

  useEffect(() => {
    chart.current?.setData(aligned(data))
  }, [data])

  return <div class="chart" role="img" aria-label={label} ref={element} style={{ height: `${HEIGHT}px` }} />
}

function aligned({ times, series }: ChartData): uPlot.AlignedData {
  return [times as number[], ...series.map(({ values }) => values as (number | null)[])]
}

/** Formats the times of an axis: with milliseconds when they are near, and with the date when they are far apart. */
function clocksOf(seconds: readonly number[]): string[] {
  const length = (seconds.at(-1) ?? 0) - (seconds[0] ?? 0)
  return seconds.map((each) =>
    length < 10
      ? formatTime(BigInt(Math.round(each * 1000)) * 1_000_000n, 'local')
      : formatClock(each * 1000, length > 86_400),
  )
}

function optionsOf({ series }: ChartData, root: HTMLElement): uPlot.Options {
  const style = getComputedStyle(root)
  const color = (name: string): string => style.getPropertyValue(name)
  const axis: uPlot.Axis = {
    stroke: color('--muted'),
    grid: { stroke: color('--border'), width: 1 },
    ticks: { stroke: color('--border'), width: 1 },
    font: `11px ${color('--sans')}`,
  }
  return {
    width: root.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { points: { size: 6 } },
    axes: [
      { ...axis, space: 130, values: (_chart, seconds) => clocksOf(seconds) },
      { ...axis, size: 64 },
    ],
    series: [
      {},
      ...series.map(({ name }, index) => ({
        label: name,
        stroke: color(`--series-${index % COLORS}`),
        width: 1.5,
        points: { size: 4 },
        spanGaps: true,
      })),
    ],
  }
}
