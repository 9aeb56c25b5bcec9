import type { Signal } from '../decode.ts'
import type { Signal as Table } from '../query/fields.ts'
import type { Pattern } from './patterns.ts'

/** Log record as the page and the API have it. */
export interface LogRow {
  id: number
  time: string
  severity: number
  severityText: string
  service: string
  scope: string
  eventName: string
  traceId: string
  spanId: string
  /** JSON text. */
  body: string
  /** JSON text of an object. */
  attributes: string
}

export interface SpanRow {
  id: number
  time: string
  /** Nanoseconds. */
  duration: string
  name: string
  kind: string
  status: string
  statusMessage: string
  service: string
  scope: string
  traceId: string
  spanId: string
  parentSpanId: string
  attributes: string
  /** JSON text of an array of `{ name, time, attributes }`. */
  events: string
  /** JSON text of an array of `{ traceId, spanId, attributes }`. */
  links: string
}

export interface RecordDetails extends LogRow {
  scopeVersion: string
  scopeAttributes: string
  resourceAttributes: string
}

export interface Bucket {
  /** Start in milliseconds since the epoch. */
  start: number
  /** Number of records by the first severity number of their range. */
  counts: Record<number, number>
}

export interface Histogram {
  bucketMillis: number
  buckets: Bucket[]
}

export interface Facets {
  /** Number of records that the facets count: the newest of those that match. */
  sampled: number
  fields: { field: string; values: { value: string; count: number }[] }[]
}

export interface TraceSummary {
  traceId: string
  time: string
  duration: string
  /** Name of the root span, else of the first span. */
  name: string
  service: string
  services: string[]
  spans: number
  errors: number
  logs: number
}

export interface MetricSummary {
  name: string
  unit: string
  type: string
  description: string
  service: string
  scope: string
  series: number
  last: number | null
  lastTime: string
  /** Last values of all series added up, oldest first. */
  values: (number | null)[]
}

export interface MetricSeries {
  attributes: string
  points: { time: string; value: number | null; point: string }[]
}

export interface ServiceSummary {
  service: string
  logs: number
  errors: number
  spans: number
  lastTime: string
}

/** Bounds of an answer of several rows. */
export interface Page {
  query?: string | undefined
  /** @default 100, at most 1000 */
  limit?: number | undefined
}

/** Numbers of the stored spans and logs of a trace. */
export interface TraceTotal {
  spans: number
  logs: number
}

/** Answers queries. One thread has it; a query that takes too long ends with its thread. */
export interface Reader {
  /** Returns the ids of log records, newest first. `before` and `after` are ids of records. */
  logIds(options?: Page & { before?: number | undefined; after?: number | undefined }): number[]
  /** Returns the first of the log records with the given ids, as many as a page holds, and the ids of the rest. */
  logs(options: { ids: readonly number[] }): { rows: LogRow[]; rest: number[] }
  /** Returns the newest of the records that were stored after a record, as many as a page holds, and the number of all. */
  newLogs(options: Page & { after: number }): { count: number; last: number; rows: LogRow[] }
  /** Returns the ids of the oldest records that were stored after a record, oldest first, and the id to go on after. */
  nextLogIds(options: Page & { after: number }): { last: number; ids: number[] }
  log(options: { id: number }): RecordDetails | undefined
  /** Returns the ids of a record and of those around it, whatever the query, newest first. */
  contextIds(options: { id: number; count?: number | undefined }): number[]
  /** Counts records by time and severity. `from` and `to` are milliseconds since the epoch. */
  histogram(options: {
    query?: string | undefined
    from?: number | undefined
    to?: number | undefined
    buckets?: number | undefined
  }): Histogram
  /** Counts the values of fields and attributes among the newest records that match. */
  facets(options?: { query?: string | undefined }): Facets
  /** Groups the newest records that match by the pattern of their message. */
  patterns(options?: Page): Pattern[]
  /** Returns the newest traces with a span that matches. */
  traces(options?: Page): TraceSummary[]
  /**
   * Returns the first 10,000 spans and logs of a trace in the order of their times, 16 MiB of each at most, and the numbers of all.
   * `traceId` can be the beginning of an id.
   *
   * @throws QueryError when several traces begin with `traceId`
   */
  trace(options: { traceId: string }): { spans: SpanRow[]; logs: LogRow[]; total: TraceTotal }
  services(): ServiceSummary[]
  /** Counts the log records that match by the values of a field, the most frequent first. Values are JSON text, or null without the field. */
  countBy(options: Page & { field: string }): { value: string | null; count: number }[]
  /** Returns the metrics that match, with their last values. */
  metrics(options?: Page): MetricSummary[]
  /** Returns the newest points of each series of a metric, oldest first. */
  metric(options: { name: string; service?: string | undefined; limit?: number | undefined }): MetricSeries[]
  /** Returns the OTLP/JSON lines of the records that match after an id, and the last id; no lines at the end. */
  exportPage(options: { signal: Signal; query?: string | undefined; after?: number | undefined }): {
    lines: string[]
    last: number
  }
  /** Returns the number of stored records. */
  counts(): Record<Table, number>
  close(): void
}
