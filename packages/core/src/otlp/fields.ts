// Field numbers of the protobuf messages that core writes and reads.
// OTLP: https://github.com/open-telemetry/opentelemetry-proto/tree/main/opentelemetry/proto
// Status and its details: https://github.com/googleapis/googleapis/tree/master/google/rpc

export const EXPORT_LOGS_REQUEST = { resourceLogs: 1 } as const
export const RESOURCE_LOGS = { resource: 1, scopeLogs: 2, schemaUrl: 3 } as const
export const SCOPE_LOGS = { scope: 1, logRecords: 2, schemaUrl: 3 } as const
export const LOG_RECORD = {
  timeUnixNano: 1,
  severityNumber: 2,
  severityText: 3,
  body: 5,
  attributes: 6,
  droppedAttributesCount: 7,
  flags: 8,
  traceId: 9,
  spanId: 10,
  observedTimeUnixNano: 11,
  eventName: 12,
} as const

export const RESOURCE = { attributes: 1, droppedAttributesCount: 2, entityRefs: 3 } as const
export const ENTITY_REF = { schemaUrl: 1, type: 2, idKeys: 3, descriptionKeys: 4 } as const
export const SCOPE = { name: 1, version: 2, attributes: 3, droppedAttributesCount: 4 } as const
export const KEY_VALUE = { key: 1, value: 2 } as const
export const ANY_VALUE = {
  stringValue: 1,
  boolValue: 2,
  intValue: 3,
  doubleValue: 4,
  arrayValue: 5,
  kvlistValue: 6,
  bytesValue: 7,
} as const
export const ARRAY_VALUE = { values: 1 } as const
export const KEY_VALUE_LIST = { values: 1 } as const

export const EXPORT_TRACE_REQUEST = { resourceSpans: 1 } as const
export const RESOURCE_SPANS = { resource: 1, scopeSpans: 2, schemaUrl: 3 } as const
export const SCOPE_SPANS = { scope: 1, spans: 2, schemaUrl: 3 } as const
export const SPAN = {
  traceId: 1,
  spanId: 2,
  traceState: 3,
  parentSpanId: 4,
  name: 5,
  kind: 6,
  startTimeUnixNano: 7,
  endTimeUnixNano: 8,
  attributes: 9,
  droppedAttributesCount: 10,
  events: 11,
  droppedEventsCount: 12,
  links: 13,
  droppedLinksCount: 14,
  status: 15,
  flags: 16,
} as const
export const SPAN_EVENT = { timeUnixNano: 1, name: 2, attributes: 3, droppedAttributesCount: 4 } as const
export const SPAN_LINK = {
  traceId: 1,
  spanId: 2,
  traceState: 3,
  attributes: 4,
  droppedAttributesCount: 5,
  flags: 6,
} as const
export const SPAN_STATUS = { message: 2, code: 3 } as const

export const EXPORT_METRICS_REQUEST = { resourceMetrics: 1 } as const
export const RESOURCE_METRICS = { resource: 1, scopeMetrics: 2, schemaUrl: 3 } as const
export const SCOPE_METRICS = { scope: 1, metrics: 2, schemaUrl: 3 } as const
export const METRIC = {
  name: 1,
  description: 2,
  unit: 3,
  gauge: 5,
  sum: 7,
  histogram: 9,
  exponentialHistogram: 10,
  summary: 11,
  metadata: 12,
} as const
export const GAUGE = { dataPoints: 1 } as const
export const SUM = { dataPoints: 1, aggregationTemporality: 2, isMonotonic: 3 } as const
/** Fields of `Histogram` and `ExponentialHistogram`. */
export const HISTOGRAM = { dataPoints: 1, aggregationTemporality: 2 } as const
export const SUMMARY = { dataPoints: 1 } as const
export const NUMBER_DATA_POINT = {
  startTimeUnixNano: 2,
  timeUnixNano: 3,
  asDouble: 4,
  exemplars: 5,
  asInt: 6,
  attributes: 7,
  flags: 8,
} as const
export const HISTOGRAM_DATA_POINT = {
  startTimeUnixNano: 2,
  timeUnixNano: 3,
  count: 4,
  sum: 5,
  bucketCounts: 6,
  explicitBounds: 7,
  exemplars: 8,
  attributes: 9,
  flags: 10,
  min: 11,
  max: 12,
} as const
export const EXPONENTIAL_HISTOGRAM_DATA_POINT = {
  attributes: 1,
  startTimeUnixNano: 2,
  timeUnixNano: 3,
  count: 4,
  sum: 5,
  scale: 6,
  zeroCount: 7,
  positive: 8,
  negative: 9,
  flags: 10,
  exemplars: 11,
  min: 12,
  max: 13,
  zeroThreshold: 14,
} as const
export const BUCKETS = { offset: 1, bucketCounts: 2 } as const
export const SUMMARY_DATA_POINT = {
  startTimeUnixNano: 2,
  timeUnixNano: 3,
  count: 4,
  sum: 5,
  quantileValues: 6,
  attributes: 7,
  flags: 8,
} as const
export const VALUE_AT_QUANTILE = { quantile: 1, value: 2 } as const
export const EXEMPLAR = {
  timeUnixNano: 2,
  asDouble: 3,
  spanId: 4,
  traceId: 5,
  asInt: 6,
  filteredAttributes: 7,
} as const

/** Response to a request of any signal. */
export const EXPORT_RESPONSE = { partialSuccess: 1 } as const
export const PARTIAL_SUCCESS = { rejected: 1, errorMessage: 2 } as const
export const STATUS = { message: 2, details: 3 } as const
/** `google.protobuf.Any`, a detail of a status. */
export const ANY = { typeUrl: 1, value: 2 } as const
export const RETRY_INFO = { retryDelay: 1 } as const
export const DURATION = { seconds: 1, nanos: 2 } as const

/** Numbers of the wire types. https://protobuf.dev/programming-guides/encoding/#structure */
export const WIRE_TYPE = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const

// Tags of one byte, which all fields up to number 15 have.

export function varintTag(field: number): number {
  return (field << 3) | WIRE_TYPE.varint
}
export function fixed64Tag(field: number): number {
  return (field << 3) | WIRE_TYPE.fixed64
}
/** Returns the tag of a text, of bytes, or of a nested message. */
export function lengthTag(field: number): number {
  return (field << 3) | WIRE_TYPE.lengthDelimited
}
export function fixed32Tag(field: number): number {
  return (field << 3) | WIRE_TYPE.fixed32
}
