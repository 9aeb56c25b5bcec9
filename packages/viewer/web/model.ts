/** Answers of the HTTP API. They are the rows of the store, with values instead of JSON text. */
import type { LogRow, MetricSeries as Series, RecordDetails, SpanRow } from '../src/store/answers.ts'
import type { Status as ViewerStatus } from '../src/server/api.ts'
import type { Written } from '../src/store/writer.ts'

export type { Facets, Histogram, MetricSummary, TraceSummary } from '../src/store/answers.ts'
export type { Pattern } from '../src/store/patterns.ts'

/** Value of a record. Integers outside the safe range are bigints. */
export type Value = string | number | bigint | boolean | null | readonly Value[] | Attributes
export interface Attributes {
  readonly [key: string]: Value
}

export type Log = Omit<LogRow, 'body' | 'attributes'> & { body: Value; attributes: Attributes }
export type LogDetails = Omit<
  RecordDetails,
  'body' | 'attributes' | 'scopeAttributes' | 'resourceAttributes'
> & { body: Value; attributes: Attributes; scopeAttributes: Attributes; resourceAttributes: Attributes }

export interface SpanEvent {
  name: string
  time: number | bigint
  attributes: Attributes
}
export interface SpanLink {
  traceId: string
  spanId: string
  attributes: Attributes
}
export type Span = Omit<SpanRow, 'attributes' | 'events' | 'links'> & {
  attributes: Attributes
  events: SpanEvent[]
  links: SpanLink[]
}

export interface MetricPoint {
  time: string
  value: number | null
  point: Attributes
}
export type MetricSeries = Omit<Series, 'attributes' | 'points'> & {
  attributes: Attributes
  points: MetricPoint[]
}

export type Status = ViewerStatus & Written & { stored: Record<'logs' | 'spans' | 'metrics', number> }

/** Server-sent update. */
export interface Update {
  /** Number of new records that match. */
  count: number
  /** Id of the newest record of the store. */
  last: number
  /** Newest of the new records, newest first. */
  rows: Log[]
  written: Written
}
