import type { SeverityNumber } from '@logbridge/bridge'
import type { Attributes, MeterProvider } from '@opentelemetry/api'
import type { Instrumentation } from '@opentelemetry/instrumentation'
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs'
import type { IMetricReader, ViewOptions } from '@opentelemetry/sdk-metrics'
import type { Sampler, SpanLimits, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { DropListener } from './dropReasons.ts'

export type OtlpProtocol = 'grpc' | 'http/protobuf'

/** Headers sent with each export: fixed, or asked for each request, so that a token can rotate. */
export type HeadersOption =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)

/**
 * Certificates, as contents in PEM or as paths of PEM files; not both for the same thing. Files are read again when they
 * have changed, without a restart. The `OTEL_EXPORTER_OTLP_*` variables are paths.
 */
export interface TlsOptions {
  /** Certificate authorities that the server is verified against. Default: those of Node. */
  ca?: string | Buffer | undefined
  caFile?: string | undefined
  /** Client certificate, for mutual TLS; needs a key. */
  cert?: string | Buffer | undefined
  certFile?: string | undefined
  /** Client key, for mutual TLS; needs a certificate. */
  key?: string | Buffer | undefined
  keyFile?: string | undefined
}

/** Where and how to export. Each has its `OTEL_EXPORTER_OTLP_*` variables; an option wins over a variable. */
export interface ExporterOptions {
  /**
   * The receiver: `http://host:4317` or, with TLS, `https://host:4317`. For `http/protobuf` the base URL, to which
   * `/v1/logs`, `/v1/traces` and `/v1/metrics` are appended; as an option of one signal, its full URL. For gRPC also
   * `host:port`, `dns:///host:port` and `unix:path`, which use TLS unless `tls` is false.
   * One that cannot be used is never replaced by another one; the README has the rule.
   * Default `http://localhost:4317`; for `http/protobuf` `http://localhost:4318`.
   */
  endpoint?: string | undefined
  /** Default `grpc`; `http/protobuf` where the endpoint has port 4318 or a path. */
  protocol?: OtlpProtocol | undefined
  /** Default: none. */
  headers?: HeadersOption | undefined
  /** Default `none`. */
  compression?: 'gzip' | 'none' | undefined
  /** Milliseconds that one attempt may take. Default 10000. */
  timeoutMillis?: number | undefined
  /** Certificates, or whether an endpoint without `http://` or `https://` uses TLS. Default: as the endpoint says. */
  tls?: TlsOptions | boolean | undefined
}

/** What the resource is made of. */
export interface ResourceOptions {
  /**
   * `service.name`. Default: that of `resource`, else `OTEL_SERVICE_NAME`, else that of `OTEL_RESOURCE_ATTRIBUTES`.
   */
  serviceName?: string | undefined
  /** Attributes of the resource; they win over what is detected and over `OTEL_RESOURCE_ATTRIBUTES`. */
  resource?: Attributes | undefined
}

/** What is done when the process ends otherwise than by having nothing left to do. */
export interface ShutdownOptions {
  /**
   * Signals on which everything is flushed, for at most 3 seconds, before the process ends by that signal; a second signal
   * ends it at once. Where the application handles the signal itself, its handlers run as ever and decide what becomes of
   * the process. `SIGTERM`, `SIGINT`, `SIGHUP`, `SIGQUIT`, `SIGUSR2`, `SIGBREAK`. Default: none.
   */
  shutdownSignals?: readonly NodeJS.Signals[] | undefined
  /**
   * Record each exception that nothing catches, as FATAL; the process goes on, or ends, as it would have. Turn it off where
   * a logging library records them, too. Default true; for a LoggerProvider that is not registered false.
   */
  captureUncaughtExceptions?: boolean | undefined
  /**
   * Send log records and spans that are unsent when the process emits `exit`, as after `process.exit()` or an uncaught exception: a worker
   * thread sends them while the process is blocked, for at most 2 seconds. Records in flight at that moment are sent again.
   * A function for `headers` that gives a promise is not waited for: the headers that it gave last are used.
   * @default false
   * @throws LogbridgeError `INVALID_OPTION` where the permission model of Node.js denies worker threads
   */
  flushOnExit?: boolean | undefined
}

/** What a logs pipeline can be told beside where it exports to. */
export interface LogsOptions {
  /** Records that may wait in memory; more are dropped and counted. Default: bounded by bytes only. */
  maxQueueSize?: number | undefined
  /**
   * Bytes of memory that waiting records may hold, with their scopes, their resource and 1 KiB for each batch; more are
   * dropped and counted, low severities first. Default 67108864 (64 MiB).
   */
  maxQueueBytes?: number | undefined
  /** Records in one export; at most `maxQueueSize`. Default: bounded by bytes only. */
  maxExportBatchSize?: number | undefined
  /** Milliseconds after which a batch is sent even when it is not full. Default 1000. */
  scheduledDelayMillis?: number | undefined
  /** Milliseconds that `forceFlush`, and at the most one attempt, may take. Default 30000; `shutdown` takes 3000. */
  exportTimeoutMillis?: number | undefined
  /** Limits of one record. Default: 128 attributes, values of any length. */
  limits?: LogLimitsOptions | undefined
  /** Least severe severity number that is sent; records without one always are. Default 0: all. */
  minimumSeverity?: SeverityNumber | undefined
  /** The user's own processors; each sees every record before it is exported. Default: none. */
  processors?: readonly LogRecordProcessor[] | undefined
  /**
   * Told of records that are given up: why, how many, and their severity number (0: none). Called at most once a second
   * for each reason and severity number, and at the shutdown; all calls together add up to `stats().dropped`. What it
   * logs through a bridge is left out. Default: none.
   */
  onDrop?: DropListener | undefined
  /**
   * Gives each record the attribute `log.record.uid`, a random UUID, so that the receiver can remove the duplicates that
   * sending again brings; a record that has one keeps it. Default false.
   */
  recordUid?: boolean | undefined
  /**
   * Keeps what is not delivered on disk, so that it outlives the process: what was logged more than 100 ms before a `kill -9`. With
   * `fsync` that is up to 20 syncs a second. Default: none, memory alone.
   */
  spool?: SpoolOptions | undefined
}

export interface SpoolOptions {
  /**
   * Where it is kept; made when it is not there. Processes and worker threads may share it: what one that is gone has left
   * is sent by another. It should be on a disk of this machine, and not where temporary files are cleaned away.
   */
  directory: string
  /**
   * Bytes that the directory may hold, of all its processes together; what comes then waits in memory alone. Default
   * 1073741824 (1 GiB): an hour at 1,000 records of 250 bytes a second.
   */
  maxBytes?: number | undefined
  /**
   * Whether to wait until the disk has it. Default `false`: the operating system has it, which is enough for a process that
   * is killed, but not for a machine that loses power.
   */
  fsync?: boolean | undefined
}

export interface LogLimitsOptions {
  /** Attributes of a record; more are left out and counted. Default 128. */
  attributeCountLimit?: number | undefined
  /** Characters of a string in a record's attributes; longer ones are cut. Default: no limit. */
  attributeValueLengthLimit?: number | undefined
}

/** Options of `createLoggerProvider`. */
export interface LoggerProviderOptions
  extends ExporterOptions, ResourceOptions, LogsOptions, ShutdownOptions {
  /** Register as the global LoggerProvider, with both generations of the Logs API. Default true. */
  register?: boolean | undefined
  /**
   * Where the account is shown as metrics (`otel.sdk.log.*`, `otel.sdk.processor.log.*`, `otel.sdk.exporter.log.*`).
   * Default: none; `startTelemetry` gives its own.
   */
  meterProvider?: MeterProvider | undefined
}

export interface TracesOptions extends ExporterOptions {
  /** Default: `OTEL_TRACES_SAMPLER`, else all traces, unless the parent says otherwise. */
  sampler?: Sampler | undefined
  /** Spans that may wait; more are dropped. Default 2048. */
  maxQueueSize?: number | undefined
  /** Spans in one export; at most `maxQueueSize`. Default 512. */
  maxExportBatchSize?: number | undefined
  /** Milliseconds between two exports. Default 5000. */
  scheduledDelayMillis?: number | undefined
  /** Milliseconds that one export may take, retries included. Default 30000. */
  exportTimeoutMillis?: number | undefined
  /** Limits of one span. Default: 128 of each, values of any length. */
  limits?: SpanLimits | undefined
  /** The user's own processors, in addition to the one that exports. Default: none. */
  processors?: readonly SpanProcessor[] | undefined
}

export interface PrometheusOptions {
  /** Default 9464. */
  port?: number | undefined
  /** Default `localhost`. */
  host?: string | undefined
}

export interface MetricsOptions extends ExporterOptions {
  /** Milliseconds between two exports. Default 60000. */
  exportIntervalMillis?: number | undefined
  /** Milliseconds that one export may take, retries included; at most the interval. Default 30000. */
  exportTimeoutMillis?: number | undefined
  /** What becomes of an instrument: buckets, attributes, name. Default: none. */
  views?: readonly ViewOptions[] | undefined
  /** The user's own readers, in addition. Default: none. */
  readers?: readonly IMetricReader[] | undefined
  /** Serve metrics for Prometheus to pull, at `/metrics`, instead of pushing them. Default: push. */
  prometheus?: PrometheusOptions | undefined
  /** What a data point counts from. Default `cumulative`. */
  temporalityPreference?: 'cumulative' | 'delta' | 'lowmemory' | undefined
}

/** Options of `startTelemetry`. What is said here for all signals can be said otherwise for each. */
export interface TelemetryOptions extends ExporterOptions, ResourceOptions, ShutdownOptions {
  /** `false` leaves logs off. */
  logs?: false | (LogsOptions & ExporterOptions) | undefined
  /** `false` leaves traces off. */
  traces?: false | TracesOptions | undefined
  /** `false` leaves metrics off. */
  metrics?: false | MetricsOptions | undefined
  /** Instrumentations to enable, as NodeSDK takes them. Default: none. */
  instrumentations?: readonly (Instrumentation | Instrumentation[])[] | undefined
}
