// DeliveryOptions repeats options of core, so that these types need no @logbridge/core, which only the worker does; a test
// holds it to them.
import type { BridgeOptions, SeverityNumber } from '@logbridge/bridge'

/** Options of pino's worker transport: of the adapter, and of the export pipeline in the worker. */
export interface TransportOptions extends WorkerAdapterOptions, DeliveryOptions {}

/** Those of the options that every adapter has which can cross into a worker: plain data. */
export interface WorkerAdapterOptions extends Pick<
  BridgeOptions,
  'level' | 'severity' | 'attributes' | 'include' | 'exclude' | 'scope'
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
