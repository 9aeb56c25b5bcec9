import { decodeMessage, encodeMessage } from '../decode.ts'
import type { ReceivedMetric, ReceivedValue } from '../model.ts'
import { toMetrics } from '../metrics.ts'
import type { OtlpMetric } from '../otlp.ts'
import { toJsonText } from '../query/jsonText.ts'
import { cappedNanos } from '../query/values.ts'
import { toSpan } from '../spans.ts'
import { toAttributes, toHex, toNanos, toResource, toScope, toValue } from '../value.ts'

export type Row = readonly (string | number | bigint | Uint8Array | null)[]

export const COLUMNS = {
  logs: [
    'time',
    'severity',
    'severity_text',
    'body',
    'event_name',
    'trace_id',
    'span_id',
    'attributes',
    'raw',
    'resource',
    'scope',
  ],
  spans: [
    'time',
    'duration',
    'name',
    'kind',
    'status',
    'status_message',
    'trace_id',
    'span_id',
    'parent_id',
    'attributes',
    'events',
    'raw',
    'resource',
    'scope',
  ],
  metrics: [
    'time',
    'name',
    'unit',
    'type',
    'description',
    'attributes',
    'value',
    'point',
    'raw',
    'resource',
    'scope',
  ],
} as const

/**
 * Builds the row of a log record, without the ids of its resource and scope. A record without a time has the observed time, and a
 * record without both the time of its arrival, because a list by time would hide it at its end.
 */
export function logRow(bytes: Uint8Array): Row {
  const record = decodeMessage('LogRecord', bytes)
  const time = toNanos(record.timeUnixNano) || toNanos(record.observedTimeUnixNano)
  return [
    time === 0n ? BigInt(Date.now()) * 1_000_000n : cappedNanos(time),
    record.severityNumber,
    record.severityText,
    toJsonText(toValue(record.body)),
    record.eventName,
    toHex(record.traceId),
    toHex(record.spanId),
    toJsonText(toAttributes(record.attributes)),
    bytes,
  ]
}

/** Builds the row of a span, without the ids of its resource and scope. */
export function spanRow(bytes: Uint8Array): Row {
  const span = toSpan(decodeMessage('Span', bytes), toResource(null, ''), toScope(null, ''))
  const start = cappedNanos(span.startTimeUnixNano)
  const duration = cappedNanos(span.endTimeUnixNano) - start
  const events = span.events.map(({ name, timeUnixNano, attributes }) => ({
    name,
    time: timeUnixNano,
    attributes,
  }))
  return [
    start,
    duration < 0n ? 0n : duration,
    span.name,
    span.kind,
    span.status.code,
    span.status.message,
    span.traceId,
    span.spanId,
    span.parentSpanId,
    toJsonText(span.attributes),
    toJsonText(events),
    bytes,
  ]
}

/** Returns the JSON text of the links of a span. */
export function linksText(bytes: Uint8Array): string {
  const { links } = decodeMessage('Span', bytes)
  return toJsonText(
    links.map(({ traceId, spanId, attributes }) => ({
      traceId: toHex(traceId),
      spanId: toHex(spanId),
      attributes: toAttributes(attributes),
    })),
  )
}

/** Builds a row for each data point of a metric. `value` is the number of a gauge or sum, otherwise the count of the point. */
export function* metricRows(bytes: Uint8Array): Generator<Row> {
  const raw = decodeMessage('Metric', bytes)
  const request = {
    resourceMetrics: [
      { resource: null, schemaUrl: '', scopeMetrics: [{ scope: null, schemaUrl: '', metrics: [raw] }] },
    ],
  }
  const [metric] = toMetrics(request) as [ReceivedMetric]
  for (const [at, point] of metric.dataPoints.entries()) {
    const { attributes, timeUnixNano, startTimeUnixNano: _start, flags: _flags, ...rest } = point
    const value = 'value' in point ? point.value : point.count
    yield [
      cappedNanos(timeUnixNano),
      metric.name,
      metric.unit,
      metric.type,
      metric.description,
      toJsonText(attributes),
      value === null ? null : Number(value),
      toJsonText({ ...rest, ...kindOf(metric) } as unknown as ReceivedValue),
      onePoint(raw, at),
    ]
  }
}

function kindOf(metric: ReceivedMetric): object {
  return {
    ...('aggregationTemporality' in metric && { temporality: metric.aggregationTemporality }),
    ...('isMonotonic' in metric && { isMonotonic: metric.isMonotonic }),
  }
}

/** Encodes a metric with one of its data points. */
function onePoint(metric: OtlpMetric, at: number): Uint8Array {
  if (metric.data === undefined) return encodeMessage('Metric', metric)
  const data = metric[metric.data]
  return encodeMessage('Metric', {
    ...metric,
    [metric.data]: { ...data, dataPoints: [data.dataPoints[at]!] },
  })
}
