import { toMillis, valueText } from '../format.ts'
import type { MetricPoint, MetricSeries, MetricSummary } from '../model.ts'

/** Ways to show the points of a metric. */
export type Mode = 'value' | 'rate' | 'average'

/** Most series in a chart. */
const MAX_SERIES = 12

export interface ShownSeries {
  readonly name: string
  readonly values: readonly (number | null)[]
}

export interface ChartData {
  /** Seconds since the epoch. */
  readonly times: readonly number[]
  readonly series: readonly ShownSeries[]
  /** Number of series that are left out. */
  readonly hidden: number
}

/** Returns true for a metric whose value is the count of its points. */
export function isCounted(type: string): boolean {
  return type === 'histogram' || type === 'exponentialHistogram' || type === 'summary'
}

/** Returns the modes that fit the points of a metric, the default first. */
export function modesOf({ type }: MetricSummary, series: readonly MetricSeries[]): Mode[] {
  const point = series[0]?.points.at(-1)?.point
  const isCumulative = point?.['temporality'] === 'cumulative'
  const modes: Mode[] = ['value']
  if (isCumulative && (isCounted(type) || point?.['isMonotonic'] === true)) modes.push('rate')
  if (point !== undefined && typeof point['sum'] === 'number' && 'count' in point) modes.unshift('average')
  return modes
}

/** Lays the points of all series along one axis of times. The series with the highest last values are kept. */
export function chartData(all: readonly MetricSeries[], mode: Mode): ChartData {
  const series = [...all]
    .sort((a, b) => (b.points.at(-1)?.value ?? 0) - (a.points.at(-1)?.value ?? 0))
    .slice(0, MAX_SERIES)
  const times = [...new Set(series.flatMap(({ points }) => points.map(({ time }) => toMillis(time))))].sort(
    (a, b) => a - b,
  )
  return {
    times: times.map((time) => time / 1000),
    hidden: all.length - series.length,
    series: series.map(({ attributes, points }) => {
      const values = new Map(valuesOf(points, mode))
      return { name: nameOf(attributes), values: times.map((time) => values.get(time) ?? null) }
    }),
  }
}

function valuesOf(points: readonly MetricPoint[], mode: Mode): [time: number, value: number | null][] {
  switch (mode) {
    case 'value':
      return points.map(({ time, value }) => [toMillis(time), value])
    case 'average':
      return points.map(({ time, point }) => {
        const { sum, count } = point
        return [toMillis(time), Number(count) > 0 ? Number(sum) / Number(count) : null]
      })
    case 'rate':
      return points.slice(1).map(({ time, value }, index) => {
        const before = points[index]!
        const seconds = (toMillis(time) - toMillis(before.time)) / 1000
        const change = (value ?? 0) - (before.value ?? 0)
        // A counter that starts again counts from zero.
        return [toMillis(time), seconds > 0 ? (change < 0 ? (value ?? 0) : change) / seconds : null]
      })
  }
}

/** Names a series by its attributes. */
export function nameOf(attributes: MetricSeries['attributes']): string {
  const entries = Object.entries(attributes)
  if (entries.length === 0) return 'value'
  return entries.map(([key, value]) => `${key}=${valueText(value)}`).join(' ')
}
