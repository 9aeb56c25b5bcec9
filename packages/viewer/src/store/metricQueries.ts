import type { MetricSeries, MetricSummary, Reader } from './answers.ts'
import { ANSWER_SIZE, bounded, from, SAMPLED, takeRows, where, type Select } from './select.ts'

const SPARKLINE_POINTS = 60

/** Creates the queries about metrics. */
export function createMetricQueries({ all, each }: Select): Pick<Reader, 'metrics' | 'metric'> {
  return {
    metrics({ query, limit } = {}) {
      const { text, parameters } = where('metrics', query)
      const rows = all<Omit<MetricSummary, 'values' | 'last'> & { values: string }>(
        `SELECT name, unit, type, description, service, scope, count(DISTINCT attributes) AS series, CAST(max(time) AS TEXT) AS lastTime,
           json_group_array(json_array(time, value)) AS "values"
         FROM (
           SELECT record.name AS name, record.unit AS unit, record.type AS type, record.description AS description,
             resource.service AS service, scope.name AS scope, record.attributes AS attributes, record.time AS time, record.value AS value,
             row_number() OVER (PARTITION BY record.name, record.resource, record.scope ORDER BY record.time DESC) AS nth
           FROM ${from('metrics')} WHERE ${text}
         ) WHERE nth <= ${SPARKLINE_POINTS * 20} GROUP BY name, unit, type, service, scope ORDER BY name, service LIMIT ?`,
        ...parameters,
        bounded(limit),
      )
      return rows.map(({ values, ...row }) => {
        const sums = sumByTime(JSON.parse(values) as [number, number | null][])
        return { ...row, values: sums, last: sums.at(-1) ?? null }
      })
    },

    metric({ name, service, limit }) {
      const rows = each<{ attributes: string; time: string; value: number | null; point: string }>(
        `SELECT record.attributes AS attributes, CAST(record.time AS TEXT) AS time, record.value AS value, record.point AS point
         FROM ${from('metrics')} WHERE record.name = ? AND (? IS NULL OR resource.service = ?) ORDER BY record.time DESC LIMIT ?`,
        name,
        service ?? null,
        service ?? null,
        Math.min(limit ?? 5000, SAMPLED),
      )
      const bySeries = new Map<string, MetricSeries>()
      for (const { attributes, ...point } of takeRows(rows, ANSWER_SIZE).toReversed()) {
        let series = bySeries.get(attributes)
        if (series === undefined) bySeries.set(attributes, (series = { attributes, points: [] }))
        series.points.push(point)
      }
      return [...bySeries.values()]
    },
  }
}

/** Adds up the values of all series at each time, oldest first. */
function sumByTime(points: readonly [time: number, value: number | null][]): (number | null)[] {
  const sums = new Map<number, number | null>()
  for (const [time, value] of points) {
    const sum = sums.get(time)
    sums.set(time, value === null ? (sum ?? null) : (sum ?? 0) + value)
  }
  return [...sums]
    .sort(([a], [b]) => a - b)
    .slice(-SPARKLINE_POINTS)
    .map(([, sum]) => sum)
}
