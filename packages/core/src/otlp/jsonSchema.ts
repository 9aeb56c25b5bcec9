import type { Signal } from '../config/optionTable.ts'
import {
  ANY_VALUE,
  ARRAY_VALUE,
  BUCKETS,
  ENTITY_REF,
  EXEMPLAR,
  EXPONENTIAL_HISTOGRAM_DATA_POINT,
  EXPORT_LOGS_REQUEST,
  EXPORT_METRICS_REQUEST,
  EXPORT_TRACE_REQUEST,
  GAUGE,
  HISTOGRAM,
  HISTOGRAM_DATA_POINT,
  KEY_VALUE,
  KEY_VALUE_LIST,
  LOG_RECORD,
  METRIC,
  NUMBER_DATA_POINT,
  RESOURCE,
  RESOURCE_LOGS,
  RESOURCE_METRICS,
  RESOURCE_SPANS,
  SCOPE,
  SCOPE_LOGS,
  SCOPE_METRICS,
  SCOPE_SPANS,
  SPAN,
  SPAN_EVENT,
  SPAN_LINK,
  SPAN_STATUS,
  SUM,
  SUMMARY,
  SUMMARY_DATA_POINT,
  VALUE_AT_QUANTILE,
} from './fields.ts'

// The type of each field of OTLP, which decides on its form in JSON: integers of 64 bits are strings, enums are numbers, ids are
// hexadecimal. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding

/** Protobuf type of a field, with ids apart from other bytes. */
type ScalarType =
  | 'string'
  | 'bool'
  | 'uint32'
  | 'sint32'
  | 'int64'
  | 'uint64'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed64'
  | 'double'
  | 'bytes'
  | 'id'

/** ASCII text in words of four bytes, in little-endian order, because copying words is faster than copying bytes (`pnpm bench file`). */
export interface Words {
  readonly length: number
  readonly words: Int32Array
}

/** Field of a message. */
export interface FieldSchema {
  readonly name: string
  /** `"name":` of the first field of a message. */
  readonly first: Words
  /** `,"name":` of any other field. */
  readonly next: Words
  readonly type: ScalarType | 'message'
  /** Message of a field of type `message`. */
  readonly message: MessageSchema | undefined
  readonly isRepeated: boolean
}

/** Fields of a message by their numbers. */
export type MessageSchema = (FieldSchema | undefined)[]

/** Types whose repeated values a protobuf encoder may pack into one field. */
export const PACKABLE: ReadonlySet<string> = new Set(['fixed64', 'uint64', 'double'])

type FieldType = ScalarType | MessageSchema

interface Repeated {
  readonly each: FieldType
}

const repeated = (each: FieldType): Repeated => ({ each })

/**
 * Joins the numbers and the types of the fields of a message.
 * @param message empty message that other messages refer to already
 */
function messageOf<Name extends string>(
  numbers: Readonly<Record<Name, number>>,
  types: Readonly<Record<NoInfer<Name>, FieldType | Repeated>>,
  message: MessageSchema = [],
): MessageSchema {
  for (const [name, number] of Object.entries<number>(numbers)) {
    const given: FieldType | Repeated = types[name as Name]
    const isRepeated = typeof given === 'object' && !Array.isArray(given)
    const type = isRepeated ? given.each : given
    message[number] = {
      name,
      first: wordsOf(`${JSON.stringify(name)}:`),
      next: wordsOf(`,${JSON.stringify(name)}:`),
      type: typeof type === 'string' ? type : 'message',
      message: typeof type === 'string' ? undefined : type,
      isRepeated,
    }
  }
  return message
}

function wordsOf(text: string): Words {
  const words = new Int32Array(Math.ceil(text.length / 4))
  const bytes = Buffer.alloc(words.length * 4)
  bytes.write(text, 'latin1')
  for (let index = 0; index < words.length; index += 1) words[index] = bytes.readInt32LE(index * 4)
  return { length: text.length, words }
}

/** Returns the schema of the export request of a signal. */
export function requestSchema(signal: Signal): MessageSchema {
  return { logs: logsRequest, traces: traceRequest, metrics: metricsRequest }[signal](commonMessages())
}

interface CommonMessages {
  readonly resource: MessageSchema
  readonly scope: MessageSchema
  readonly anyValue: MessageSchema
  readonly attributes: Repeated
}

function commonMessages(): CommonMessages {
  const anyValue: MessageSchema = []
  const keyValue = messageOf(KEY_VALUE, { key: 'string', value: anyValue })
  messageOf(
    ANY_VALUE,
    {
      stringValue: 'string',
      boolValue: 'bool',
      intValue: 'int64',
      doubleValue: 'double',
      arrayValue: messageOf(ARRAY_VALUE, { values: repeated(anyValue) }),
      kvlistValue: messageOf(KEY_VALUE_LIST, { values: repeated(keyValue) }),
      bytesValue: 'bytes',
    },
    anyValue,
  )
  const attributes = repeated(keyValue)
  const resource = messageOf(RESOURCE, {
    attributes,
    droppedAttributesCount: 'uint32',
    entityRefs: repeated(
      messageOf(ENTITY_REF, {
        schemaUrl: 'string',
        type: 'string',
        idKeys: repeated('string'),
        descriptionKeys: repeated('string'),
      }),
    ),
  })
  const scope = messageOf(SCOPE, {
    name: 'string',
    version: 'string',
    attributes,
    droppedAttributesCount: 'uint32',
  })
  return { resource, scope, anyValue, attributes }
}

function logsRequest({ resource, scope, anyValue, attributes }: CommonMessages): MessageSchema {
  const logRecord = messageOf(LOG_RECORD, {
    timeUnixNano: 'fixed64',
    severityNumber: 'uint32',
    severityText: 'string',
    body: anyValue,
    attributes,
    droppedAttributesCount: 'uint32',
    flags: 'fixed32',
    traceId: 'id',
    spanId: 'id',
    observedTimeUnixNano: 'fixed64',
    eventName: 'string',
  })
  const scopeLogs = messageOf(SCOPE_LOGS, { scope, logRecords: repeated(logRecord), schemaUrl: 'string' })
  const resourceLogs = messageOf(RESOURCE_LOGS, {
    resource,
    scopeLogs: repeated(scopeLogs),
    schemaUrl: 'string',
  })
  return messageOf(EXPORT_LOGS_REQUEST, { resourceLogs: repeated(resourceLogs) })
}

function traceRequest({ resource, scope, attributes }: CommonMessages): MessageSchema {
  const span = messageOf(SPAN, {
    traceId: 'id',
    spanId: 'id',
    traceState: 'string',
    parentSpanId: 'id',
    name: 'string',
    kind: 'uint32',
    startTimeUnixNano: 'fixed64',
    endTimeUnixNano: 'fixed64',
    attributes,
    droppedAttributesCount: 'uint32',
    events: repeated(
      messageOf(SPAN_EVENT, {
        timeUnixNano: 'fixed64',
        name: 'string',
        attributes,
        droppedAttributesCount: 'uint32',
      }),
    ),
    droppedEventsCount: 'uint32',
    links: repeated(
      messageOf(SPAN_LINK, {
        traceId: 'id',
        spanId: 'id',
        traceState: 'string',
        attributes,
        droppedAttributesCount: 'uint32',
        flags: 'fixed32',
      }),
    ),
    droppedLinksCount: 'uint32',
    status: messageOf(SPAN_STATUS, { message: 'string', code: 'uint32' }),
    flags: 'fixed32',
  })
  const scopeSpans = messageOf(SCOPE_SPANS, { scope, spans: repeated(span), schemaUrl: 'string' })
  const resourceSpans = messageOf(RESOURCE_SPANS, {
    resource,
    scopeSpans: repeated(scopeSpans),
    schemaUrl: 'string',
  })
  return messageOf(EXPORT_TRACE_REQUEST, { resourceSpans: repeated(resourceSpans) })
}

function metricsRequest({ resource, scope, attributes }: CommonMessages): MessageSchema {
  const exemplar = messageOf(EXEMPLAR, {
    timeUnixNano: 'fixed64',
    asDouble: 'double',
    spanId: 'id',
    traceId: 'id',
    asInt: 'sfixed64',
    filteredAttributes: attributes,
  })
  const timesAndCounts = {
    attributes,
    startTimeUnixNano: 'fixed64',
    timeUnixNano: 'fixed64',
    count: 'fixed64',
    sum: 'double',
    flags: 'uint32',
  } as const
  const numberDataPoints = repeated(
    messageOf(NUMBER_DATA_POINT, {
      startTimeUnixNano: 'fixed64',
      timeUnixNano: 'fixed64',
      asDouble: 'double',
      exemplars: repeated(exemplar),
      asInt: 'sfixed64',
      attributes,
      flags: 'uint32',
    }),
  )
  const buckets = messageOf(BUCKETS, { offset: 'sint32', bucketCounts: repeated('uint64') })
  const metric = messageOf(METRIC, {
    name: 'string',
    description: 'string',
    unit: 'string',
    gauge: messageOf(GAUGE, { dataPoints: numberDataPoints }),
    sum: messageOf(SUM, {
      dataPoints: numberDataPoints,
      aggregationTemporality: 'uint32',
      isMonotonic: 'bool',
    }),
    histogram: messageOf(HISTOGRAM, {
      dataPoints: repeated(
        messageOf(HISTOGRAM_DATA_POINT, {
          ...timesAndCounts,
          bucketCounts: repeated('fixed64'),
          explicitBounds: repeated('double'),
          exemplars: repeated(exemplar),
          min: 'double',
          max: 'double',
        }),
      ),
      aggregationTemporality: 'uint32',
    }),
    exponentialHistogram: messageOf(HISTOGRAM, {
      dataPoints: repeated(
        messageOf(EXPONENTIAL_HISTOGRAM_DATA_POINT, {
          ...timesAndCounts,
          scale: 'sint32',
          zeroCount: 'fixed64',
          positive: buckets,
          negative: buckets,
          exemplars: repeated(exemplar),
          min: 'double',
          max: 'double',
          zeroThreshold: 'double',
        }),
      ),
      aggregationTemporality: 'uint32',
    }),
    summary: messageOf(SUMMARY, {
      dataPoints: repeated(
        messageOf(SUMMARY_DATA_POINT, {
          ...timesAndCounts,
          quantileValues: repeated(messageOf(VALUE_AT_QUANTILE, { quantile: 'double', value: 'double' })),
        }),
      ),
    }),
    metadata: attributes,
  })
  const scopeMetrics = messageOf(SCOPE_METRICS, { scope, metrics: repeated(metric), schemaUrl: 'string' })
  const resourceMetrics = messageOf(RESOURCE_METRICS, {
    resource,
    scopeMetrics: repeated(scopeMetrics),
    schemaUrl: 'string',
  })
  return messageOf(EXPORT_METRICS_REQUEST, { resourceMetrics: repeated(resourceMetrics) })
}
