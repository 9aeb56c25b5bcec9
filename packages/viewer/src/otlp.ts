/**
 * OTLP messages as decoded, with the fields of opentelemetry-proto in lowerCamelCase. An absent scalar has its protobuf default.
 * The name of the field that is set in a `oneof` is the value of `value` or `data`.
 */

/** 64-bit integer at full precision. `toString()` returns its decimal form. */
export interface OtlpInt64 {
  /** The low 32 bits, signed. */
  readonly low: number
  /** The high 32 bits, signed. */
  readonly high: number
  readonly unsigned: boolean
  toString(): string
}

export interface OtlpAnyValue {
  /** Name of the field that is set; `undefined` for the empty value. Distinguishes an int from a double. */
  readonly value?:
    | 'stringValue'
    | 'boolValue'
    | 'intValue'
    | 'doubleValue'
    | 'arrayValue'
    | 'kvlistValue'
    | 'bytesValue'
  readonly stringValue: string
  readonly boolValue: boolean
  readonly intValue: OtlpInt64
  readonly doubleValue: number
  readonly arrayValue: { readonly values: OtlpAnyValue[] }
  readonly kvlistValue: { readonly values: OtlpKeyValue[] }
  readonly bytesValue: Uint8Array
}

export interface OtlpKeyValue {
  readonly key: string
  readonly value: OtlpAnyValue | null
}

export interface OtlpResource {
  readonly attributes: OtlpKeyValue[]
  readonly droppedAttributesCount: number
}

export interface OtlpScope {
  readonly name: string
  readonly version: string
  readonly attributes: OtlpKeyValue[]
  readonly droppedAttributesCount: number
}

export interface OtlpLogRecord {
  readonly timeUnixNano: OtlpInt64
  readonly observedTimeUnixNano: OtlpInt64
  readonly severityNumber: number
  readonly severityText: string
  readonly body: OtlpAnyValue | null
  readonly attributes: OtlpKeyValue[]
  readonly droppedAttributesCount: number
  readonly flags: number
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly eventName: string
}

export interface OtlpSpan {
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly parentSpanId: Uint8Array
  readonly traceState: string
  readonly flags: number
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: OtlpInt64
  readonly endTimeUnixNano: OtlpInt64
  readonly attributes: OtlpKeyValue[]
  readonly droppedAttributesCount: number
  readonly events: OtlpSpanEvent[]
  readonly droppedEventsCount: number
  readonly links: OtlpSpanLink[]
  readonly droppedLinksCount: number
  readonly status: { readonly code: number; readonly message: string } | null
}

interface OtlpSpanEvent {
  readonly timeUnixNano: OtlpInt64
  readonly name: string
  readonly attributes: OtlpKeyValue[]
  readonly droppedAttributesCount: number
}

interface OtlpSpanLink {
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly traceState: string
  readonly attributes: OtlpKeyValue[]
  readonly droppedAttributesCount: number
  readonly flags: number
}

export interface OtlpMetric {
  readonly name: string
  readonly description: string
  readonly unit: string
  /** Name of the field that is set; `undefined` when the metric has no data. */
  readonly data?: 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram' | 'summary'
  readonly gauge: { readonly dataPoints: OtlpNumberDataPoint[] }
  readonly sum: {
    readonly dataPoints: OtlpNumberDataPoint[]
    readonly aggregationTemporality: number
    readonly isMonotonic: boolean
  }
  readonly histogram: {
    readonly dataPoints: OtlpHistogramDataPoint[]
    readonly aggregationTemporality: number
  }
  readonly exponentialHistogram: {
    readonly dataPoints: OtlpExponentialHistogramDataPoint[]
    readonly aggregationTemporality: number
  }
  readonly summary: { readonly dataPoints: OtlpSummaryDataPoint[] }
  readonly metadata: OtlpKeyValue[]
}

export interface OtlpDataPoint {
  readonly attributes: OtlpKeyValue[]
  readonly startTimeUnixNano: OtlpInt64
  readonly timeUnixNano: OtlpInt64
  readonly flags: number
}

/** Number of a data point or an exemplar, in the `oneof` of OTLP. */
export interface OtlpNumber {
  readonly value?: 'asDouble' | 'asInt'
  readonly asDouble: number
  readonly asInt: OtlpInt64
}

export interface OtlpNumberDataPoint extends OtlpDataPoint, OtlpNumber {
  readonly exemplars: OtlpExemplar[]
}

export interface OtlpHistogramDataPoint extends OtlpDataPoint {
  readonly count: OtlpInt64
  readonly sum: number | null
  readonly min: number | null
  readonly max: number | null
  readonly bucketCounts: OtlpInt64[]
  readonly explicitBounds: number[]
  readonly exemplars: OtlpExemplar[]
}

export interface OtlpBuckets {
  readonly offset: number
  readonly bucketCounts: OtlpInt64[]
}

export interface OtlpExponentialHistogramDataPoint extends OtlpDataPoint {
  readonly count: OtlpInt64
  readonly sum: number | null
  readonly min: number | null
  readonly max: number | null
  readonly scale: number
  readonly zeroCount: OtlpInt64
  readonly zeroThreshold: number
  readonly positive: OtlpBuckets | null
  readonly negative: OtlpBuckets | null
  readonly exemplars: OtlpExemplar[]
}

export interface OtlpSummaryDataPoint extends OtlpDataPoint {
  readonly count: OtlpInt64
  readonly sum: number
  readonly quantileValues: { readonly quantile: number; readonly value: number }[]
}

export interface OtlpExemplar extends OtlpNumber {
  readonly filteredAttributes: OtlpKeyValue[]
  readonly timeUnixNano: OtlpInt64
  readonly spanId: Uint8Array
  readonly traceId: Uint8Array
}

export interface ExportLogsServiceRequest {
  readonly resourceLogs: {
    readonly resource: OtlpResource | null
    readonly schemaUrl: string
    readonly scopeLogs: {
      readonly scope: OtlpScope | null
      readonly schemaUrl: string
      readonly logRecords: OtlpLogRecord[]
    }[]
  }[]
}

export interface ExportTraceServiceRequest {
  readonly resourceSpans: {
    readonly resource: OtlpResource | null
    readonly schemaUrl: string
    readonly scopeSpans: {
      readonly scope: OtlpScope | null
      readonly schemaUrl: string
      readonly spans: OtlpSpan[]
    }[]
  }[]
}

export interface ExportMetricsServiceRequest {
  readonly resourceMetrics: {
    readonly resource: OtlpResource | null
    readonly schemaUrl: string
    readonly scopeMetrics: {
      readonly scope: OtlpScope | null
      readonly schemaUrl: string
      readonly metrics: OtlpMetric[]
    }[]
  }[]
}
