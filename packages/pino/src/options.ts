// DeliveryOptions repeats options of core, so that these types need no @logbridge/core. A test holds both equal.
import type { BridgeOptions, SeverityNumber } from '@logbridge/bridge'

/** Options of `otelStream`: the options of every adapter. */
export interface OtelStreamOptions extends BridgeOptions {
  /**
   * Least severe level that is sent: a name of pino's or of the option `severity`, or a number on pino's scale.
   * @default every level that the logger lets through
   */
  level?: string | number | undefined
  /**
   * Source of a record. `'metadata'`: the object and the message as they were logged, wherever pino wrote them unchanged. `'line'`: always pino's
   * JSON.
   * @default 'metadata'
   */
  source?: 'metadata' | 'line' | undefined
  /** Has no effect, because pino formats a message before a stream gets the line. */
  captureTemplate?: boolean | undefined
}

/** Options of the transport for pino's worker: of the adapter, and of the pipeline in the worker. */
export interface TransportOptions extends WorkerAdapterOptions, DeliveryOptions {}

/** Options of every adapter that are plain data and so can be posted to a worker. */
export interface WorkerAdapterOptions extends Pick<
  BridgeOptions,
  | 'level'
  | 'severity'
  | 'attributes'
  | 'include'
  | 'exclude'
  | 'scope'
  | 'scopeVersion'
  | 'scopeSchemaUrl'
  | 'scopeAttributes'
  | 'flushTimeoutMillis'
> {
  /**
   * Paths in attributes and structured bodies whose values are hidden, in pino's notation.
   * @default none
   */
  redact?: readonly string[] | undefined
  /**
   * `nestedKey` of the logger, which pino does not post to its worker.
   * @default none
   */
  nestedKey?: string | undefined
}

type Optional<T> = { [K in keyof T]?: T[K] | undefined }

/** Options of `createLoggerProvider` of `@logbridge/core` that can be posted to a worker, with the same meaning and defaults. */
export type DeliveryOptions = Optional<{
  endpoint: string
  protocol: 'grpc' | 'http/protobuf'
  headers: Readonly<Record<string, string>>
  compression: 'gzip' | 'none'
  timeoutMillis: number
  tls: Optional<{ ca: string; cert: string; key: string }> | boolean
  proxy: string | false
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
  file: { path: string } & Optional<{ maxBytes: number; files: number; fsync: boolean }>
}>

/** Options that have no effect in a worker, and the advice for each. */
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
  agent: 'it cannot cross into it. Use the option proxy',
  onDrop:
    'a function cannot cross into it. Use otelStream() and createLoggerProvider({ onDrop }) in the main thread',
  onError: 'a function cannot cross into it. Give it to otelStream() in the main thread',
  captureCode: 'the worker has the line alone. Give it to otelStream() in the main thread',
  source: 'the worker has the line alone. Leave it out',
  captureTemplate: 'the worker has the line alone. Leave it out',
}
