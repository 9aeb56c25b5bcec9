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

export const RESOURCE = { attributes: 1 } as const
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
