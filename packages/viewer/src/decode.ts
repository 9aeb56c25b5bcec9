import protobuf from 'protobufjs'
import protojson from 'protobufjs/ext/protojson.js'
import { checkJson, checkMessage } from './memory.ts'
import type {
  ExportLogsServiceRequest,
  ExportMetricsServiceRequest,
  ExportTraceServiceRequest,
} from './otlp.ts'
import { schema } from './schema.ts'

export type Encoding = 'protobuf' | 'json'

export interface ExportRequests {
  logs: ExportLogsServiceRequest
  traces: ExportTraceServiceRequest
  metrics: ExportMetricsServiceRequest
}

export type Signal = keyof ExportRequests

/**
 * Nesting of messages a request may have. protobufjs stops at 100, but one level of a map costs three messages
 * (AnyValue, KeyValueList, KeyValue), and the Logs SDK lets values nest 64 deep.
 */
const recursionLimit = 512

const { root } = protobuf.parse(schema)
const requestTypes = {
  logs: root.lookupType('ExportLogsServiceRequest'),
  traces: root.lookupType('ExportTraceServiceRequest'),
  metrics: root.lookupType('ExportMetricsServiceRequest'),
}
const rpcStatus = root.lookupType('RpcStatus')

/**
 * Decodes the body of an Export call.
 *
 * @throws TooLargeError when the request would take more memory than the limit allows for
 * @throws Error when the bytes are not such a message
 */
export function decodeRequest<S extends Signal>(
  signal: S,
  encoding: Encoding,
  bytes: Uint8Array,
  maxMessageBytes: number,
): ExportRequests[S] {
  return withRecursionLimit(() => {
    const type = requestTypes[signal]
    if (encoding === 'json') checkJson(bytes, maxMessageBytes)
    const wire = encoding === 'json' ? type.encode(fromOtlpJson(type, bytes)).finish() : bytes
    checkMessage(type, wire, maxMessageBytes)
    const reader = protobuf.Reader.create(wire)
    // Kept, each unknown field would be a view of the request.
    reader.discardUnknown = true
    return type.decode(reader) as unknown as ExportRequests[S]
  })
}

/**
 * The google.rpc.Status that OTLP asks for in the body of every HTTP error.
 *
 * @param code a google.rpc.Code
 */
export function encodeStatus(encoding: Encoding, code: number, message: string): Uint8Array {
  return encoding === 'json'
    ? Buffer.from(JSON.stringify({ code, message }))
    : rpcStatus.encode({ code, message }).finish()
}

/**
 * OTLP/JSON is ProtoJSON except that trace and span ids are hex, where ProtoJSON's bytes are base64.
 * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
function fromOtlpJson(type: protobuf.Type, bytes: Uint8Array): protobuf.Message {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  return protojson.fromJson(type, JSON.parse(text, otlpJsonField), { ignoreUnknownFields: true })
}

/** In OTLP/JSON a user's own keys are values of `key`, so these names are always the schema's. */
const idFields = new Set(['traceId', 'spanId', 'parentSpanId', 'trace_id', 'span_id', 'parent_span_id'])

function otlpJsonField(name: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === 'number') {
    // 64-bit integers may also come as JSON numbers: keep their digits, a double has lost some of them.
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? (context?.source ?? value) : value
  }
  if (typeof value === 'string' && idFields.has(name)) {
    if (value.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(value)) throw new Error(`${name}: expected hex digits`)
    return Buffer.from(value, 'hex').toString('base64')
  }
  return value
}

/** protobufjs keeps its limits in globals: raised for this synchronous call only, they change nothing for others. */
function withRecursionLimit<T>(work: () => T): T {
  const { Reader, util } = protobuf
  const before = [Reader.recursionLimit, util.recursionLimit] as const
  Reader.recursionLimit = util.recursionLimit = recursionLimit
  try {
    return work()
  } finally {
    Reader.recursionLimit = before[0]
    util.recursionLimit = before[1]
  }
}
