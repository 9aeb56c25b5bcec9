/**
 * OpenTelemetry logs, traces and metrics for Node.js in one call: a LoggerProvider that encodes at the call and delivers
 * in batches over OTLP, and the official SDK's traces and metrics beside it.
 */
export type {
  ShutdownOptions as EndingOptions,
  ExporterOptions,
  HeadersOption,
  LoggerProviderOptions,
  LogLimitsOptions,
  LogsOptions,
  MetricsOptions,
  OtlpProtocol,
  PrometheusOptions,
  ResourceOptions,
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
