import { checkJson, checkMessage } from './memory.ts'
import type {
  ExportLogsServiceRequest,
  ExportMetricsServiceRequest,
  ExportTraceServiceRequest,
  OtlpLogRecord,
  OtlpMetric,
  OtlpResource,
  OtlpScope,
  OtlpSpan,
} from './otlp.ts'
import { schema } from './schema.ts'
import { protobuf, protojson } from './vendor/protobuf.ts'

export type Encoding = 'protobuf' | 'json'

export interface ExportRequests {
  logs: ExportLogsServiceRequest
  traces: ExportTraceServiceRequest
  metrics: ExportMetricsServiceRequest
}

export type Signal = keyof ExportRequests

/**
 * Largest nesting of messages in a request. The default of protobufjs is 100, but one level of a map takes three messages
 * (AnyValue, KeyValueList, KeyValue), and the Logs SDK accepts values that nest 64 levels deep.
 */
const recursionLimit = 512

const { root } = protobuf.parse(schema)
const requestTypes = {
  logs: root.lookupType('ExportLogsServiceRequest'),
  traces: root.lookupType('ExportTraceServiceRequest'),
  metrics: root.lookupType('ExportMetricsServiceRequest'),
}
const rpcStatus = root.lookupType('RpcStatus')

/** Messages inside of a request. */
export interface Messages {
  LogRecord: OtlpLogRecord
  Span: OtlpSpan
  Metric: OtlpMetric
  Resource: OtlpResource
  InstrumentationScope: OtlpScope
}
const messageTypes = {
  LogRecord: root.lookupType('LogRecord'),
  Span: root.lookupType('Span'),
  Metric: root.lookupType('Metric'),
  Resource: root.lookupType('Resource'),
  InstrumentationScope: root.lookupType('InstrumentationScope'),
}

/**
 * Decodes the body of an Export call.
 *
 * @throws TooLargeError when the decoded request would take too much memory
 * @throws Error when the bytes are malformed
 */
export function decodeRequest<S extends Signal>(
  signal: S,
  encoding: Encoding,
  bytes: Uint8Array,
  maxMessageBytes: number,
): ExportRequests[S] {
  const message = toProtobuf(signal, encoding, bytes, maxMessageBytes)
  return decode(requestTypes[signal], message) as ExportRequests[S]
}

/**
 * Checks the body of an Export call, and returns it as protobuf.
 *
 * @throws TooLargeError when the decoded request would take too much memory
 * @throws Error when the bytes are malformed
 */
export function toProtobuf(
  signal: Signal,
  encoding: Encoding,
  bytes: Uint8Array,
  maxMessageBytes: number,
): Uint8Array {
  return withRecursionLimit(() => {
    const type = requestTypes[signal]
    if (encoding === 'json') checkJson(bytes, maxMessageBytes)
    const message = encoding === 'json' ? type.encode(fromOtlpJson(type, bytes)).finish() : bytes
    checkMessage(type, message, maxMessageBytes)
    return message
  })
}

/** Decodes a message inside of a checked request. */
export function decodeMessage<T extends keyof Messages>(type: T, bytes: Uint8Array): Messages[T] {
  return decode(messageTypes[type], bytes) as Messages[T]
}

/** Encodes a message, such as a metric with some of its data points. */
export function encodeMessage<T extends keyof Messages>(type: T, message: Messages[T]): Uint8Array {
  return messageTypes[type].encode(message).finish()
}

/** Formats a request as OTLP/JSON on one line. */
export function toOtlpJson(signal: Signal, request: Uint8Array): string {
  return withRecursionLimit(() => {
    const type = requestTypes[signal]
    // Enums are numbers in OTLP/JSON, so ProtoJSON, which has their names, does not serve.
    const object = type.toObject(type.decode(request), { longs: String, bytes: String, json: true })
    return JSON.stringify(object, otlpJsonId)
  })
}

function decode(type: protobuf.Type, bytes: Uint8Array): unknown {
  return withRecursionLimit(() => {
    const reader = protobuf.Reader.create(bytes)
    // An unknown field would be a view that keeps the whole request in memory.
    reader.discardUnknown = true
    return type.decode(reader)
  })
}

/**
 * Encodes a google.rpc.Status, the body that OTLP specifies for every HTTP error.
 *
 * @param code value of google.rpc.Code
 */
export function encodeStatus(encoding: Encoding, code: number, message: string): Uint8Array {
  return encoding === 'json'
    ? Buffer.from(JSON.stringify({ code, message }))
    : rpcStatus.encode({ code, message }).finish()
}

/**
 * Parses OTLP/JSON: ProtoJSON with trace and span ids in hex instead of base64.
 * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
function fromOtlpJson(type: protobuf.Type, bytes: Uint8Array): protobuf.Message {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  return protojson.fromJson(type, JSON.parse(text, otlpJsonField), { ignoreUnknownFields: true })
}

/** Names of id fields. They are always fields of the schema, because OTLP/JSON has attribute names as values of `key`. */
const idFields = new Set(['traceId', 'spanId', 'parentSpanId', 'trace_id', 'span_id', 'parent_span_id'])

function otlpJsonField(name: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === 'number') {
    // A 64-bit integer can be a JSON number. Its source text has all digits, which a double loses.
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? (context?.source ?? value) : value
  }
  if (typeof value === 'string' && idFields.has(name)) {
    if (value.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(value)) throw new Error(`${name}: expected hex digits`)
    return Buffer.from(value, 'hex').toString('base64')
  }
  return value
}

/** Formats ids in hex instead of base64, as OTLP/JSON has them. */
function otlpJsonId(name: string, value: unknown): unknown {
  return typeof value === 'string' && idFields.has(name)
    ? Buffer.from(value, 'base64').toString('hex')
    : value
}

/** Raises the global limits of protobufjs for one synchronous call, so that other users of protobufjs keep their limits. */
function withRecursionLimit<T>(decode: () => T): T {
  const { Reader, util } = protobuf
  const before = [Reader.recursionLimit, util.recursionLimit] as const
  Reader.recursionLimit = util.recursionLimit = recursionLimit
  try {
    return decode()
  } finally {
    Reader.recursionLimit = before[0]
    util.recursionLimit = before[1]
  }
}
