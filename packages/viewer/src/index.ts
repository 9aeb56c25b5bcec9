export { ViewerError, type ViewerErrorCode } from './errors.ts'
export { formatLogRecord, formatMetric, formatSpan, type FormatOptions } from './format.ts'
export type {
  AggregationTemporality,
  ReceivedAttributes,
  ReceivedBuckets,
  ReceivedDataPoint,
  ReceivedExemplar,
  ReceivedExponentialHistogram,
  ReceivedExponentialHistogramDataPoint,
  ReceivedGauge,
  ReceivedHistogram,
  ReceivedHistogramDataPoint,
  ReceivedLogRecord,
  ReceivedMetric,
  ReceivedNumberDataPoint,
  ReceivedResource,
  ReceivedScope,
  ReceivedSpan,
  ReceivedSpanEvent,
  ReceivedSpanKind,
  ReceivedSpanLink,
  ReceivedSum,
  ReceivedSummary,
  ReceivedSummaryDataPoint,
  ReceivedUnknownMetric,
  ReceivedValue,
} from './model.ts'
export type { OtlpAnyValue, OtlpInt64, OtlpKeyValue, OtlpLogRecord, OtlpMetric, OtlpSpan } from './otlp.ts'
export {
  startViewer,
  type Viewer,
  type ViewerCounts,
  type ViewerEvents,
  type ViewerOptions,
} from './viewer.ts'
