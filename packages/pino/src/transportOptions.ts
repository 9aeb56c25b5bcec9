// DeliveryOptions repeats options of core, so that these types need no @logbridge/core, which only the worker does; a test
// holds it to them.
import type { BridgeOptions, SeverityNumber } from '@logbridge/bridge'

/** Options of pino's worker transport: of the adapter, and of the export pipeline in the worker. */
export interface TransportOptions extends WorkerAdapterOptions, DeliveryOptions {}

/** Those of the options that every adapter has which can cross into a worker: plain data. */
export interface WorkerAdapterOptions extends Pick<
  BridgeOptions,
  'level' | 'severity' | 'attributes' | 'include' | 'exclude' | 'scope' | 'flushTimeoutMillis'
> {
  /** What must not leave the process: paths in attributes and structured bodies, in pino's notation. Default: none. */
  redact?: readonly string[] | undefined
  /** The logger's own `nestedKey`: pino does not tell it to its worker. Default: none. */
  nestedKey?: string | undefined
}

type Optional<T> = { [K in keyof T]?: T[K] | undefined }

/** Those of `LoggerProviderOptions` of `@logbridge/core` that can, with the meaning and the defaults that they have there. */
export type DeliveryOptions = Optional<{
  endpoint: string
  protocol: 'grpc' | 'http/protobuf'
  headers: Readonly<Record<string, string>>
  compression: 'gzip' | 'none'
  timeoutMillis: number
  tls: Optional<{ ca: string; cert: string; key: string }> | boolean
  serviceName: string
  resource: Readonly<Record<string, string | number | boolean | readonly string[]>>
  maxQueueSize: number
  maxQueueBytes: number
  maxExportBatchSize: number
  scheduledDelayMillis: number
  exportTimeoutMillis: number
  limits: Optional<{ attributeCountLimit: number; attributeValueLengthLimit: number }>
  minimumSeverity: SeverityNumber
  recordUid: boolean
  spool: { directory: string } & Optional<{ maxBytes: number; fsync: boolean }>
}>

/** Options of `otelStream` and `createLoggerProvider` that nothing in a worker can honor, and what to do. */
export const NOT_IN_WORKER: Readonly<Record<string, string>> = {
  shutdownSignals:
    'signals come to the main thread. Call flushOnSignals(logger, { signals }) of @logbridge/pino there',
  flushOnExit: 'pino itself waits for its worker when the process exits. Leave it out',
  captureUncaughtExceptions:
    'exceptions of the application come to the main thread. Log them there, or give it to startTelemetry() there',
  register: 'the LoggerProvider of the worker serves pino alone. Leave it out',
  loggerProvider: 'it cannot cross into it. Give it to otelStream() in the main thread',
  meterProvider:
    'it cannot cross into it. Use otelStream() and createLoggerProvider({ meterProvider }) in the main thread',
  processors:
    'they cannot cross into it. Use otelStream() and createLoggerProvider({ processors }) in the main thread',
  onDrop:
    'a function cannot cross into it. Use otelStream() and createLoggerProvider({ onDrop }) in the main thread',
  onError: 'a function cannot cross into it. Give it to otelStream() in the main thread',
  captureCode: 'the worker has the line alone. Give it to otelStream() in the main thread',
  captureTemplate: 'the worker has the line alone. Leave it out',
}
