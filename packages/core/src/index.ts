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
  RegistrationOptions,
  ResourceOptions,
  ShutdownOptions,
  SignalOptions,
  SpanLimitsOptions,
  SpoolOptions,
  TelemetryOptions,
  TlsOptions,
  TracesOptions,
} from './config/options.ts'
export type { Instrumentation } from './config/instrumentation.ts'
export { createLoggerProvider } from './loggerProvider.ts'
export { createForwarder, type Forwarder } from './forwarder.ts'
export type { LogbridgeLoggerProvider } from './logs/provider.ts'
export { OtlpLogRecordProcessor, type OtlpLogRecordProcessorOptions } from './logs/processor.ts'
export type { TimeLimit } from './process/timers.ts'
export { startTelemetry, type Telemetry } from './telemetry.ts'
export { type FlushOnFreezeOptions, flushOnFreeze } from './flushOnFreeze.ts'
export type { DropListener, DropReason } from './config/dropReasons.ts'
export type { LogsStats } from './queue/counters.ts'
export { AggregationType, InstrumentType } from '@opentelemetry/sdk-metrics'
export { LogbridgeError, type LogbridgeErrorCode } from '@logbridge/bridge'
