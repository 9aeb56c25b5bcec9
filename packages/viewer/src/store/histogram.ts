import { cappedNanos } from '../query/values.ts'
import type { Bucket, Reader } from './answers.ts'
import { RANGE_OF_SEVERITY } from './schema.ts'
import { from, where, type Select } from './select.ts'

/** Milliseconds after all times that a column holds. */
const MAX_MILLIS = 1e13

const BUCKETS = [
  1, 10, 100, 1000, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000, 21_600_000,
  86_400_000,
]

/** Creates the query that counts log records by time. */
export function createHistogram({ all }: Select): Pick<Reader, 'histogram'> {
  return {
    histogram({ query = '', from: start, to: end, buckets = 60 }) {
      const isAll = query.trim() === ''
      const { text, parameters } = where('logs', query)
      const [range] = all<{ first: number | null; last: number | null }>(
        'SELECT min(second) AS first, max(second) AS last FROM log_counts',
      )
      const first = cappedMillis(start ?? (range?.first ?? 0) * 1000)
      const last = cappedMillis(end ?? ((range?.last ?? 0) + 1) * 1000)
      const bucketMillis = bucketSize((last - first) / Math.max(1, Math.min(buckets, 500)), isAll)
      const begin = Math.floor(first / bucketMillis) * bucketMillis
      const rows = isAll
        ? all<{ at: number; severity: number; count: number }>(
            `SELECT second * 1000 / ?1 * ?1 AS at, severity, sum(count) AS count FROM log_counts
             WHERE second BETWEEN ?2 AND ?3 GROUP BY 1, 2`,
            BigInt(bucketMillis),
            Math.floor(begin / 1000),
            Math.ceil(last / 1000) - 1,
          )
        : all<{ at: number; severity: number; count: number }>(
            `SELECT record.time / 1000000 / ? * ? AS at, ${RANGE_OF_SEVERITY} AS severity, count(*) AS count FROM ${from('logs')}
             WHERE record.time >= ? AND record.time <= ? AND ${text} GROUP BY 1, 2`,
            BigInt(bucketMillis),
            BigInt(bucketMillis),
            cappedNanos(BigInt(begin) * 1_000_000n),
            cappedNanos(BigInt(Math.ceil(last)) * 1_000_000n - 1n),
            ...parameters,
          )
      const byStart = new Map<number, Bucket>()
      for (let at = begin; at < last && byStart.size < 1000; at += bucketMillis)
        byStart.set(at, { start: at, counts: {} })
      for (const { at, severity, count } of rows) {
        const bucket = byStart.get(at)
        if (bucket !== undefined) bucket.counts[severity] = count
      }
      return { bucketMillis, buckets: [...byStart.values()] }
    },
  }
}

function cappedMillis(millis: number): number {
  return Math.min(Math.max(millis, 0), MAX_MILLIS)
}

/** Returns the smallest usual bucket of at least the given size. Counts by second allow none below a second. */
function bucketSize(millis: number, isBySecond: boolean): number {
  const allowed = isBySecond ? BUCKETS.filter((each) => each >= 1000) : BUCKETS
  return allowed.find((each) => each >= millis) ?? Math.ceil(millis / 86_400_000) * 86_400_000
}
