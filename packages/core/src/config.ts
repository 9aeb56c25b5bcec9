import type { AnyValue, SeverityNumber } from '@logbridge/bridge'
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs'
import type { Resource } from '@opentelemetry/resources'

/** Headers sent with each export: fixed, or asked for each request, so that a token can rotate. */
export type HeadersOption =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)

/** TLS material, as contents in PEM. */
export interface TlsConfig {
  /** Certificate authorities the server is verified against; default: those of Node. */
  readonly ca?: Buffer
  /** Client certificate, for mutual TLS. */
  readonly cert?: Buffer
  /** Client key, for mutual TLS. */
  readonly key?: Buffer
}

export type OtlpProtocol = 'grpc' | 'http/protobuf'

/** One OTLP exporter, settled. */
export interface ExporterConfig {
  readonly protocol: OtlpProtocol
  /**
   * gRPC: `scheme://host:port`, or a gRPC target (`dns:///…`, `unix:…`). HTTP: the full URL, the signal's path included.
   */
  readonly url: string
  readonly headers: HeadersOption
  readonly compression: 'gzip' | 'none'
  /** Milliseconds that one attempt may take. */
  readonly timeoutMillis: number
  /** `undefined`: plain text. */
  readonly tls: TlsConfig | undefined
}

export interface LogLimits {
  readonly attributeCountLimit: number
  readonly attributeValueLengthLimit: number
}

/** The logs pipeline, settled. */
export interface LogsConfig {
  readonly exporter: ExporterConfig
  /** Empty: records go nowhere. */
  readonly exporters: readonly ('otlp' | 'console')[]
  /** Records; `undefined`: bounded by bytes only. */
  readonly maxQueueSize: number | undefined
  readonly maxQueueBytes: number
  /** Records; `undefined`: bounded by bytes only. */
  readonly maxExportBatchSize: number | undefined
  readonly scheduledDelayMillis: number
  readonly exportTimeoutMillis: number
  readonly limits: LogLimits
  readonly minimumSeverity: SeverityNumber
  readonly processors: readonly LogRecordProcessor[]
}

export type { AnyValue, LogRecordProcessor, Resource, SeverityNumber }

/** Where and how to export. Each has its `OTEL_EXPORTER_OTLP_*` variables; an option wins over a variable. */
export interface ExporterOptions {
  /**
   * The receiver: `http://host:4317` or, with TLS, `https://host:4317`. For `http/protobuf` the base URL, to which
   * `/v1/logs` and its kin are appended. gRPC targets (`dns:///…`, `unix:…`) are understood too.
   * Default: `http://localhost:4317`, or `:4318` for `http/protobuf`.
   */
  endpoint?: string | undefined
  /** Default `grpc`. */
  protocol?: OtlpProtocol | undefined
  /** Sent with each export; a function is asked for each one, so that a token can rotate. Default: none. */
  headers?: HeadersOption | undefined
  /** Default `none`. */
  compression?: 'gzip' | 'none' | undefined
  /** Milliseconds that one attempt may take. Default 10000. */
  timeoutMillis?: number | undefined
  /** PEM contents, or whether an endpoint without a scheme uses TLS. Default: as the endpoint's scheme says. */
  tls?: TlsOptions | boolean | undefined
}

export interface TlsOptions {
  /** Certificate authorities the server is verified against, in PEM. Default: those of Node. */
  ca?: string | Buffer | undefined
  /** Client certificate, in PEM, for mutual TLS. */
  cert?: string | Buffer | undefined
  /** Client key, in PEM, for mutual TLS. */
  key?: string | Buffer | undefined
}

/** What a logs pipeline can be told beside where it exports to. */
export interface LogsOptions {
  /** Records that may wait; more are dropped and counted. Default: bounded by bytes only (`OTEL_BLRP_MAX_QUEUE_SIZE`). */
  maxQueueSize?: number | undefined
  /** Bytes that may wait; more are dropped and counted, low severities first. Default 64 MiB. */
  maxQueueBytes?: number | undefined
  /** Records in one export. Default: bounded by bytes only (`OTEL_BLRP_MAX_EXPORT_BATCH_SIZE`). */
  maxExportBatchSize?: number | undefined
  /** Milliseconds after which a batch is sent even when it is not full. Default 1000 (`OTEL_BLRP_SCHEDULE_DELAY`). */
  scheduledDelayMillis?: number | undefined
  /** Milliseconds that one export may take, retries included. Default 30000 (`OTEL_BLRP_EXPORT_TIMEOUT`). */
  exportTimeoutMillis?: number | undefined
  /** Limits of one record (`OTEL_LOGRECORD_*`, `OTEL_ATTRIBUTE_*`). Default: 128 attributes of any length. */
  limits?: Partial<LogLimits> | undefined
  /** Least severe severity number (1-24) that is sent; records of unknown severity always are. Default 0: all. */
  minimumSeverity?: SeverityNumber | undefined
  /** The user's own processors; each sees every record before it is exported. Default: none. */
  processors?: readonly LogRecordProcessor[] | undefined
}

/** What the resource is made of. */
export interface ResourceOptions {
  /** `service.name`. Default: `OTEL_SERVICE_NAME`, else `service.name` of `resource` or `OTEL_RESOURCE_ATTRIBUTES`. */
  serviceName?: string | undefined
  /** Attributes of the resource; they win over what is detected and over `OTEL_RESOURCE_ATTRIBUTES`. */
  resource?: Readonly<Record<string, AnyValue>> | undefined
}

/** Options of `createLoggerProvider`. */
export interface LoggerProviderOptions extends ExporterOptions, ResourceOptions, LogsOptions {
  /** Register with both Logs APIs as the global LoggerProvider. Default false. */
  register?: boolean | undefined
}

/**
 * Options and environment of one logs pipeline, settled.
 * @throws LogbridgeError `invalid-option`
 */
export function settleLogs(_options: LoggerProviderOptions, _env: NodeJS.ProcessEnv): LogsConfig {
  throw new Error('to be written')
}
