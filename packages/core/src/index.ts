/**
 * OpenTelemetry logs, traces, and metrics for Node.js in one call. The LoggerProvider encodes each record in the log call and
 * exports batches over OTLP. Traces and metrics are those of the official SDK.
 */
export type {
  ExporterOptions,
  HeadersOption,
  LoggerProviderOptions,
  LogLimitsOptions,
  LogsOptions,
  MetricsOptions,
  OtlpProtocol,
  PrometheusOptions,
  ResourceOptions,
  ShutdownOptions,
  SpoolOptions,
  TelemetryOptions,
  TlsOptions,
  TracesOptions,
} from './config/options.ts'
export { createLoggerProvider, type LogbridgeLoggerProvider } from './logs/provider.ts'
export { OtlpLogRecordProcessor, type OtlpLogRecordProcessorOptions } from './logs/processor.ts'
export { startTelemetry, type Telemetry } from './telemetry.ts'
export { type FlushOnFreezeOptions, flushOnFreeze } from './process/flushOnFreeze.ts'
export type { DropListener } from './queue/dropReporter.ts'
export type { DropReason, LogsStats } from './queue/stats.ts'
export { LogbridgeError, type LogbridgeErrorCode } from '@logbridge/bridge'
