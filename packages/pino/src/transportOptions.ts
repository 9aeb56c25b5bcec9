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

/**
 * Those of the options of `createLoggerProvider` of `@logbridge/core` that can. Described here by shape, so that the types
 * of this package need no `@logbridge/core`, which only the worker does; a test holds the two together.
 */
export interface DeliveryOptions {
  /** The receiver. Default `http://localhost:4317`; for `http/protobuf` `http://localhost:4318`. */
  endpoint?: string | undefined
  /** Default `grpc`. */
  protocol?: 'grpc' | 'http/protobuf' | undefined
  /** Sent with each export. Default: none. */
  headers?: Readonly<Record<string, string>> | undefined
  /** Default `none`. */
  compression?: 'gzip' | 'none' | undefined
  /** Milliseconds that one attempt may take. Default 10000. */
  timeoutMillis?: number | undefined
  /** Certificates in PEM, or whether an endpoint without `http://` or `https://` uses TLS. */
  tls?: { ca?: string | undefined; cert?: string | undefined; key?: string | undefined } | boolean | undefined
  /** `service.name` of the resource. Default: `OTEL_SERVICE_NAME`. */
  serviceName?: string | undefined
  /** Attributes of the resource. */
  resource?: Readonly<Record<string, string | number | boolean | readonly string[]>> | undefined
  /** Records that may wait; more are dropped and counted. Default: bounded by bytes only. */
  maxQueueSize?: number | undefined
  /** Bytes that may wait; more are dropped and counted, low severities first. Default 67108864 (64 MiB). */
  maxQueueBytes?: number | undefined
  /** Records in one export. Default: bounded by bytes only. */
  maxExportBatchSize?: number | undefined
  /** Milliseconds after which a batch is sent even when it is not full. Default 1000. */
  scheduledDelayMillis?: number | undefined
  /** Milliseconds that a flush may take. Default 30000. */
  exportTimeoutMillis?: number | undefined
  /** Limits of one record. Default: 128 attributes, values of any length. */
  limits?:
    | { attributeCountLimit?: number | undefined; attributeValueLengthLimit?: number | undefined }
    | undefined
  /** Least severe severity number (1-24) that is sent. Default: all. */
  minimumSeverity?: SeverityNumber | undefined
}
