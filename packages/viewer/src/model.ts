import type { OtlpLogRecord, OtlpMetric, OtlpSpan } from './otlp.ts'

/**
 * AnyValue as a JavaScript value: string, boolean, number (a double, or an int in the safe range), bigint (an int outside the
 * safe range), Uint8Array, array, object without a prototype, or null for the empty value.
 */
export type ReceivedValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | ReceivedValue[]
  | { [key: string]: ReceivedValue }

/** Attributes by key, in an object without a prototype, so that any key is safe. Of two equal keys, the last value is kept. */
export type ReceivedAttributes = Record<string, ReceivedValue>

export interface ReceivedResource {
  attributes: ReceivedAttributes
  droppedAttributesCount: number
  schemaUrl: string
}

export interface ReceivedScope {
  /** Empty when unknown. */
  name: string
  version: string
  attributes: ReceivedAttributes
  droppedAttributesCount: number
  schemaUrl: string
}

interface Received<Raw> {
  /** Resource, one object for all of its records in a request. */
  resource: ReceivedResource
  /** Scope, one object for all of its records in a request. */
  scope: ReceivedScope
  /** Decoded OTLP message, which distinguishes an int from a double and keeps all of several equal keys. */
  raw: Raw
}

export interface ReceivedLogRecord extends Received<OtlpLogRecord> {
  /** Nanoseconds since the epoch; `0n` when unknown. */
  timeUnixNano: bigint
  /** Nanoseconds since the epoch; `0n` when unknown. */
  observedTimeUnixNano: bigint
  /** 1-24, or 0 when unspecified. */
  severityNumber: number
  severityText: string
  body: ReceivedValue
  attributes: ReceivedAttributes
  droppedAttributesCount: number
  /** Trace flags in the low 8 bits. */
  flags: number
  /** 32 lower-case hex digits, or `''` for a record outside of a span. */
  traceId: string
  /** 16 lower-case hex digits, or `''` for a record outside of a span. */
  spanId: string
  eventName: string
}

export type ReceivedSpanKind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer'

export interface ReceivedSpan extends Received<OtlpSpan> {
  name: string
  kind: ReceivedSpanKind
  /** 32 lower-case hex digits. */
  traceId: string
  /** 16 lower-case hex digits. */
  spanId: string
  /** 16 lower-case hex digits, or `''` for a root span. */
  parentSpanId: string
  /** Value of the W3C `tracestate` header. */
  traceState: string
  flags: number
  /** Nanoseconds since the epoch. */
  startTimeUnixNano: bigint
  /** Nanoseconds since the epoch. */
  endTimeUnixNano: bigint
  attributes: ReceivedAttributes
  droppedAttributesCount: number
  events: ReceivedSpanEvent[]
  droppedEventsCount: number
  links: ReceivedSpanLink[]
  droppedLinksCount: number
  status: { code: 'unset' | 'ok' | 'error'; message: string }
}

export interface ReceivedSpanEvent {
  name: string
  timeUnixNano: bigint
  attributes: ReceivedAttributes
  droppedAttributesCount: number
}

export interface ReceivedSpanLink {
  traceId: string
  spanId: string
  traceState: string
  flags: number
  attributes: ReceivedAttributes
  droppedAttributesCount: number
}

export type AggregationTemporality = 'unspecified' | 'delta' | 'cumulative'

interface ReceivedMetricBase extends Received<OtlpMetric> {
  name: string
  description: string
  unit: string
  metadata: ReceivedAttributes
}

export interface ReceivedGauge extends ReceivedMetricBase {
  type: 'gauge'
  dataPoints: ReceivedNumberDataPoint[]
}

export interface ReceivedSum extends ReceivedMetricBase {
  type: 'sum'
  aggregationTemporality: AggregationTemporality
  isMonotonic: boolean
  dataPoints: ReceivedNumberDataPoint[]
}

export interface ReceivedHistogram extends ReceivedMetricBase {
  type: 'histogram'
  aggregationTemporality: AggregationTemporality
  dataPoints: ReceivedHistogramDataPoint[]
}

export interface ReceivedExponentialHistogram extends ReceivedMetricBase {
  type: 'exponentialHistogram'
  aggregationTemporality: AggregationTemporality
  dataPoints: ReceivedExponentialHistogramDataPoint[]
}

export interface ReceivedSummary extends ReceivedMetricBase {
  type: 'summary'
  dataPoints: ReceivedSummaryDataPoint[]
}

/** Metric without data, or of a type that this version does not know. */
export interface ReceivedUnknownMetric extends ReceivedMetricBase {
  type: 'unknown'
  dataPoints: never[]
}

export type ReceivedMetric =
  | ReceivedGauge
  | ReceivedSum
  | ReceivedHistogram
  | ReceivedExponentialHistogram
  | ReceivedSummary
  | ReceivedUnknownMetric

export interface ReceivedDataPoint {
  attributes: ReceivedAttributes
  /** Nanoseconds since the epoch; `0n` when unknown. */
  startTimeUnixNano: bigint
  /** Nanoseconds since the epoch. */
  timeUnixNano: bigint
  flags: number
}

export interface ReceivedNumberDataPoint extends ReceivedDataPoint {
  /** Number, or bigint for an int outside the safe range; null when the point has no value. */
  value: number | bigint | null
  exemplars: ReceivedExemplar[]
}

export interface ReceivedHistogramDataPoint extends ReceivedDataPoint {
  count: number | bigint
  /** Null when not recorded, like `min` and `max`. */
  sum: number | null
  min: number | null
  max: number | null
  /** Counts of the buckets: one more than `explicitBounds`, or none. */
  bucketCounts: (number | bigint)[]
  /** Inclusive upper bounds of the buckets. */
  explicitBounds: number[]
  exemplars: ReceivedExemplar[]
}

export interface ReceivedBuckets {
  /** Index of the first bucket of `bucketCounts`. */
  offset: number
  bucketCounts: (number | bigint)[]
}

export interface ReceivedExponentialHistogramDataPoint extends ReceivedDataPoint {
  count: number | bigint
  /** Null when not recorded, like `min` and `max`. */
  sum: number | null
  min: number | null
  max: number | null
  scale: number
  zeroCount: number | bigint
  zeroThreshold: number
  positive: ReceivedBuckets
  negative: ReceivedBuckets
  exemplars: ReceivedExemplar[]
}

export interface ReceivedSummaryDataPoint extends ReceivedDataPoint {
  count: number | bigint
  sum: number
  quantileValues: { quantile: number; value: number }[]
}

export interface ReceivedExemplar {
  timeUnixNano: bigint
  value: number | bigint | null
  filteredAttributes: ReceivedAttributes
  traceId: string
  spanId: string
}
