import type {
  AggregationTemporality,
  ReceivedBuckets,
  ReceivedDataPoint,
  ReceivedExemplar,
  ReceivedExponentialHistogramDataPoint,
  ReceivedHistogramDataPoint,
  ReceivedMetric,
  ReceivedNumberDataPoint,
  ReceivedSummaryDataPoint,
} from './model.ts'
import type {
  ExportMetricsServiceRequest,
  OtlpBuckets,
  OtlpDataPoint,
  OtlpExemplar,
  OtlpExponentialHistogramDataPoint,
  OtlpHistogramDataPoint,
  OtlpMetric,
  OtlpNumber,
  OtlpNumberDataPoint,
  OtlpSummaryDataPoint,
} from './otlp.ts'
import { toAttributes, toHex, toInteger, toNanos, toResource, toScope } from './value.ts'

/** Names by the number of the OTLP enum. */
const temporalities: AggregationTemporality[] = ['unspecified', 'delta', 'cumulative']

export function countDataPoints(request: ExportMetricsServiceRequest): number {
  let count = 0
  for (const { scopeMetrics } of request.resourceMetrics) {
    for (const { metrics } of scopeMetrics) {
      for (const metric of metrics) count += metric.data ? metric[metric.data].dataPoints.length : 0
    }
  }
  return count
}

export function toMetrics(request: ExportMetricsServiceRequest): ReceivedMetric[] {
  const metrics: ReceivedMetric[] = []
  for (const resourceMetrics of request.resourceMetrics) {
    const resource = toResource(resourceMetrics.resource, resourceMetrics.schemaUrl)
    for (const scopeMetrics of resourceMetrics.scopeMetrics) {
      const scope = toScope(scopeMetrics.scope, scopeMetrics.schemaUrl)
      for (const raw of scopeMetrics.metrics) metrics.push(toMetric(raw, resource, scope))
    }
  }
  return metrics
}

function toMetric(
  raw: OtlpMetric,
  resource: ReceivedMetric['resource'],
  scope: ReceivedMetric['scope'],
): ReceivedMetric {
  const { name, description, unit } = raw
  const metric = { resource, scope, name, description, unit, metadata: toAttributes(raw.metadata), raw }
  switch (raw.data) {
    case 'gauge':
      return { ...metric, type: 'gauge', dataPoints: raw.gauge.dataPoints.map(toNumberPoint) }
    case 'sum':
      return {
        ...metric,
        type: 'sum',
        aggregationTemporality: toTemporality(raw.sum.aggregationTemporality),
        isMonotonic: raw.sum.isMonotonic,
        dataPoints: raw.sum.dataPoints.map(toNumberPoint),
      }
    case 'histogram':
      return {
        ...metric,
        type: 'histogram',
        aggregationTemporality: toTemporality(raw.histogram.aggregationTemporality),
        dataPoints: raw.histogram.dataPoints.map(toHistogramPoint),
      }
    case 'exponentialHistogram':
      return {
        ...metric,
        type: 'exponentialHistogram',
        aggregationTemporality: toTemporality(raw.exponentialHistogram.aggregationTemporality),
        dataPoints: raw.exponentialHistogram.dataPoints.map(toExponentialHistogramPoint),
      }
    case 'summary':
      return { ...metric, type: 'summary', dataPoints: raw.summary.dataPoints.map(toSummaryPoint) }
    default:
      return { ...metric, type: 'unknown', dataPoints: [] }
  }
}

function toTemporality(number: number): AggregationTemporality {
  return temporalities[number] ?? 'unspecified'
}

function toPoint(raw: OtlpDataPoint): ReceivedDataPoint {
  return {
    attributes: toAttributes(raw.attributes),
    startTimeUnixNano: toNanos(raw.startTimeUnixNano),
    timeUnixNano: toNanos(raw.timeUnixNano),
    flags: raw.flags,
  }
}

function toNumberPoint(raw: OtlpNumberDataPoint): ReceivedNumberDataPoint {
  return { ...toPoint(raw), value: toNumber(raw), exemplars: raw.exemplars.map(toExemplar) }
}

function toHistogramPoint(raw: OtlpHistogramDataPoint): ReceivedHistogramDataPoint {
  return {
    ...toPoint(raw),
    count: toInteger(raw.count),
    sum: raw.sum,
    min: raw.min,
    max: raw.max,
    bucketCounts: raw.bucketCounts.map(toInteger),
    explicitBounds: raw.explicitBounds,
    exemplars: raw.exemplars.map(toExemplar),
  }
}

function toExponentialHistogramPoint(
  raw: OtlpExponentialHistogramDataPoint,
): ReceivedExponentialHistogramDataPoint {
  return {
    ...toPoint(raw),
    count: toInteger(raw.count),
    sum: raw.sum,
    min: raw.min,
    max: raw.max,
    scale: raw.scale,
    zeroCount: toInteger(raw.zeroCount),
    zeroThreshold: raw.zeroThreshold,
    positive: toBuckets(raw.positive),
    negative: toBuckets(raw.negative),
    exemplars: raw.exemplars.map(toExemplar),
  }
}

function toBuckets(raw: OtlpBuckets | null): ReceivedBuckets {
  return { offset: raw?.offset ?? 0, bucketCounts: raw?.bucketCounts.map(toInteger) ?? [] }
}

function toSummaryPoint(raw: OtlpSummaryDataPoint): ReceivedSummaryDataPoint {
  return {
    ...toPoint(raw),
    count: toInteger(raw.count),
    sum: raw.sum,
    quantileValues: raw.quantileValues.map(({ quantile, value }) => ({ quantile, value })),
  }
}

function toExemplar(raw: OtlpExemplar): ReceivedExemplar {
  return {
    timeUnixNano: toNanos(raw.timeUnixNano),
    value: toNumber(raw),
    filteredAttributes: toAttributes(raw.filteredAttributes),
    traceId: toHex(raw.traceId),
    spanId: toHex(raw.spanId),
  }
}

function toNumber(raw: OtlpNumber): number | bigint | null {
  if (raw.value === undefined) return null
  return raw.value === 'asInt' ? toInteger(raw.asInt) : raw.asDouble
}
