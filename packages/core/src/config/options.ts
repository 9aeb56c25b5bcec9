import type { Agent } from 'node:http'
import type { SeverityNumber } from '@logbridge/bridge'
import type { Attributes, MeterProvider } from '@opentelemetry/api'
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs'
import type { IMetricReader, ViewOptions } from '@opentelemetry/sdk-metrics'
import type { Sampler, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { DropListener } from './dropReasons.ts'
import type { Instrumentation } from './instrumentation.ts'

// The first paragraph of each docstring, `@env`, and `@default` are also the option tables of README.md: `pnpm docs:options`
// writes the tables. optionTable.ts has the same variables and defaults for the program; a test compares both.

export type OtlpProtocol = 'grpc' | 'http/protobuf'

/**
 * Headers of each export request: an object, or a function that is called for each request, so that a token can rotate.
 *
 * @example
 * async () => ({ authorization: `Bearer ${await currentToken()}` })
 */
export type HeadersOption =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)

/**
 * Certificates and keys, as contents in PEM or as paths of PEM files. Changed files are read again without a restart.
 *
 * @example
 * { caFile: '/etc/tls/ca.pem', certFile: '/etc/tls/client.pem', keyFile: '/etc/tls/client.key' }
 */
export interface TlsOptions {
  /**
   * Certificate authorities that verify the receiver, in PEM.
   * @default the authorities of Node.js
   */
  ca?: string | Buffer | undefined
  /**
   * Path of a PEM file with the certificate authorities.
   * @env OTEL_EXPORTER_OTLP_{LOGS,TRACES,METRICS}_CERTIFICATE, OTEL_EXPORTER_OTLP_CERTIFICATE
   * @default the authorities of Node.js
   */
  caFile?: string | undefined
  /**
   * Client certificate for mutual TLS, in PEM. Needs a key.
   * @default none
   */
  cert?: string | Buffer | undefined
  /**
   * Path of a PEM file with the client certificate.
   * @env OTEL_EXPORTER_OTLP_{LOGS,TRACES,METRICS}_CLIENT_CERTIFICATE, OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE
   * @default none
   */
  certFile?: string | undefined
  /**
   * Client key for mutual TLS, in PEM. Needs a certificate.
   * @default none
   */
  key?: string | Buffer | undefined
  /**
   * Path of a PEM file with the client key.
   * @env OTEL_EXPORTER_OTLP_{LOGS,TRACES,METRICS}_CLIENT_KEY, OTEL_EXPORTER_OTLP_CLIENT_KEY
   * @default none
   */
  keyFile?: string | undefined
}

/** OTLP exporter of one signal or of all signals. */
export interface ExporterOptions {
  /**
   * URL of the receiver. `http://` means plain text, `https://` means TLS.
   *
   * For `grpc` also `host:port`, `dns:///host:port`, or `unix:path`; `tls` decides on TLS for these. For `http/protobuf` the
   * base URL, to which `/v1/logs`, `/v1/traces`, or `/v1/metrics` is appended; as an option of one signal, the full URL.
   * An invalid endpoint is never replaced by another endpoint.
   * @env OTEL_EXPORTER_OTLP_{LOGS,TRACES,METRICS}_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT
   * @default `http://localhost:4317`; `http://localhost:4318` for `http/protobuf`
   * @example 'https://collector.example.com:4317'
   */
  endpoint?: string | undefined
  /**
   * Protocol: `grpc` or `http/protobuf`.
   * @env OTEL_EXPORTER_OTLP_{LOGS,TRACES,METRICS}_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL
   * @default `grpc`; `http/protobuf` when the endpoint has port 4318 or a path
   */
  protocol?: OtlpProtocol | undefined
  /**
   * Headers of each request: an object, or a function that is called for each request.
   *
   * Headers of one signal are added to the headers for all signals, and replace headers with the same name, as in the official exporters.
   * Options replace variables as a whole.
   * @env OTEL_EXPORTER_OTLP_{LOGS,TRACES,METRICS}_HEADERS, OTEL_EXPORTER_OTLP_HEADERS
   * @default none
   * @example { authorization: 'Bearer …' }
   */
  headers?: HeadersOption | undefined
  /**
   * Compression of requests: `gzip` or `none`.
   * @env OTEL_EXPORTER_OTLP_{LOGS,TRACES,METRICS}_COMPRESSION, OTEL_EXPORTER_OTLP_COMPRESSION
   * @default 'none'
   */
  compression?: 'gzip' | 'none' | undefined
  /**
   * Timeout of one attempt, in milliseconds; 0 for no limit.
   * @env OTEL_EXPORTER_OTLP_{LOGS,TRACES,METRICS}_TIMEOUT, OTEL_EXPORTER_OTLP_TIMEOUT
   * @default 10000
   */
  timeoutMillis?: number | undefined
  /**
   * Certificates; or, for an endpoint without `http://` or `https://`, `true` for TLS and `false` for plain text.
   * @env OTEL_EXPORTER_OTLP_{LOGS,TRACES,METRICS}_INSECURE, OTEL_EXPORTER_OTLP_INSECURE
   * @default TLS, unless the endpoint begins with `http://` or a variable is `true`
   */
  tls?: TlsOptions | boolean | undefined
  /**
   * URL of an HTTP proxy, or `false` for a direct connection. Receivers in `no_proxy` are always reached directly.
   *
   * User name and password of the URL are sent to the proxy. The proxy forwards requests to an `http://` receiver of `http/protobuf`;
   * other receivers are reached through a tunnel (CONNECT).
   * @default for `grpc` the variables `grpc_proxy`, `https_proxy`, `http_proxy`; for `http/protobuf` the proxy that Node.js uses (`NODE_USE_ENV_PROXY=1`)
   * @example 'http://user:password@proxy.example.com:3128'
   */
  proxy?: string | false | undefined
  /**
   * Agent of `node:http` or `node:https` that opens the connections, for `http/protobuf` only. `flushOnExit` cannot use it.
   * @default an agent of logbridge
   * @example new SocksProxyAgent('socks://proxy.example.com')
   */
  agent?: Agent | undefined
}

/** Attributes of the resource. */
export interface ResourceOptions {
  /**
   * Attribute `service.name`. Takes precedence over `resource`.
   * @env OTEL_SERVICE_NAME
   * @default `unknown_service:` and the name of the executable
   * @example 'checkout'
   */
  serviceName?: string | undefined
  /**
   * Attributes of the resource. They take precedence over variables and detected attributes.
   * @env OTEL_RESOURCE_ATTRIBUTES
   * @default detected attributes
   * @example { 'service.namespace': 'shop', 'deployment.environment.name': 'production' }
   */
  resource?: Attributes | undefined
}

/** Actions when the process is ended by a signal, an exception, or `process.exit()`. */
export interface ShutdownOptions {
  /**
   * Signals on which all telemetry is flushed, for at most 3 seconds, before the process ends by that signal.
   *
   * `SIGTERM`, `SIGINT`, `SIGHUP`, `SIGQUIT`, `SIGUSR2`, or `SIGBREAK`. A second signal ends the process at once. When the
   * application listens to the signal, its listeners run and decide how the process continues.
   * @default none
   * @example ['SIGTERM', 'SIGINT']
   */
  shutdownSignals?: readonly NodeJS.Signals[] | undefined
  /**
   * Records each uncaught exception as a FATAL log record. The process ends or continues as without this option.
   *
   * When the exception ends the process, `flushOnExit` sends the record, or the next process sends it from the `spool`.
   * Set this to `false` when a logging library records uncaught exceptions, too.
   * @default true; `false` for a LoggerProvider with `register: false`
   */
  captureUncaughtExceptions?: boolean | undefined
  /**
   * Sends unsent log records and spans when the process emits `exit`, as after `process.exit()` or an uncaught exception.
   *
   * A worker thread sends them while the process is blocked, for at most 2 seconds. Requests in flight at that moment are sent
   * again. When `headers` is a function that returns a promise, its last headers are used. Telemetry for files and stdout is written
   * at each exit, also without this option.
   * @default false
   * @throws LogbridgeError `INVALID_OPTION` when the permission model of Node.js denies worker threads
   */
  flushOnExit?: boolean | undefined
}

/** Log pipeline. */
export interface LogsOptions {
  /**
   * Maximum number of log records in memory. More are dropped and counted.
   * @env OTEL_BLRP_MAX_QUEUE_SIZE
   * @default limited by bytes only
   */
  maxQueueSize?: number | undefined
  /**
   * Maximum memory of queued log records in bytes, with their scopes, resources, and 1 KiB for each batch. More are dropped and
   * counted, low severities first.
   * @default 67108864 (64 MiB)
   */
  maxQueueBytes?: number | undefined
  /**
   * Maximum number of log records in one request, at most `maxQueueSize`.
   * @env OTEL_BLRP_MAX_EXPORT_BATCH_SIZE
   * @default limited by bytes only (512 KiB)
   */
  maxExportBatchSize?: number | undefined
  /**
   * Delay in milliseconds after which a batch is sent even when the batch is not full.
   * @env OTEL_BLRP_SCHEDULE_DELAY
   * @default 1000
   */
  scheduledDelayMillis?: number | undefined
  /**
   * Timeout of `forceFlush` in milliseconds, and the maximum of `timeoutMillis`. With 0, `timeoutMillis` has no maximum, and `forceFlush`
   * waits for 30000. The timeout of `shutdown` is always 3000.
   * @env OTEL_BLRP_EXPORT_TIMEOUT
   * @default 30000
   */
  exportTimeoutMillis?: number | undefined
  /**
   * Limits of one log record.
   * @default at most 128 attributes, values of any length
   */
  limits?: LogLimitsOptions | undefined
  /**
   * Lowest severity number that is exported, 1 to 24. Log records without a severity number are always exported.
   * @default 0 (all)
   */
  minimumSeverity?: SeverityNumber | undefined
  /**
   * LogRecordProcessors that are called with each log record before the record is exported.
   * @default none
   */
  processors?: readonly LogRecordProcessor[] | undefined
  /**
   * Listener for dropped log records, called with reason, count, and severity number (0 for none).
   *
   * Called at most once a second for each reason and severity number, and at shutdown. The counts add up to
   * `stats().dropped`. Log records that the listener emits through a bridge are suppressed.
   * @default none
   * @example (reason, count) => process.stderr.write(`dropped ${count} log records: ${reason}\n`)
   */
  onDrop?: DropListener | undefined
  /**
   * Adds the attribute `log.record.uid`, a random UUID, so that the receiver can remove duplicates of retried requests. A log
   * record that has the attribute keeps it.
   * @default false
   */
  recordUid?: boolean | undefined
  /**
   * Spool: write-ahead copy of the queue on disk, for log records that outlive the process.
   *
   * Log records that were emitted more than 100 ms before a `kill -9` are sent by the next process in the directory.
   * @default none (memory only)
   * @example { directory: '/var/lib/shop/spool' }
   */
  spool?: SpoolOptions | undefined
  /**
   * Writes log records to a file of OTLP JSON lines instead of sending them.
   *
   * Takes precedence over `OTEL_LOGS_EXPORTER=otlp`; with `otlp/stdout` the variable writes the lines to stdout.
   * @default none
   * @example { path: '/var/log/shop/logs.jsonl' }
   */
  file?: FileOptions | undefined
}

/** Spool of the log pipeline. */
export interface SpoolOptions {
  /**
   * Directory of the spool on a local disk. Processes and worker threads may share the directory.
   *
   * The directory is created when missing. Each process recovers the log records of processes that have ended. Directories for
   * temporary files are unsuitable, because the operating system deletes their files.
   */
  directory: string
  /**
   * Maximum size of the directory in bytes, for all processes together. Further log records are queued in memory only.
   * @default 1073741824 (1 GiB)
   */
  maxBytes?: number | undefined
  /**
   * Syncs each append to the disk, so that log records also outlive a power failure. Causes up to 20 syncs a second.
   * @default false
   */
  fsync?: boolean | undefined
}

/** File of OTLP JSON lines, by the file exporter of the specification. */
export interface FileOptions {
  /**
   * Path of the file. The folder is created when missing. Processes and worker threads may share the file.
   *
   * Lines are appended to an existing file. When the file is renamed or removed, a new file is begun.
   * https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/
   * @example '/var/log/shop/logs.jsonl'
   */
  path: string
  /**
   * Size in bytes at which the file is renamed to `<name>-<time>.<extension>`, and a new file is begun. Lines are never divided.
   * @default 104857600 (100 MiB)
   */
  maxBytes?: number | undefined
  /**
   * Maximum number of files, the current file included. The oldest are removed.
   * @default 10
   */
  files?: number | undefined
  /**
   * Syncs each write to the disk before its records count as delivered.
   * @default false
   */
  fsync?: boolean | undefined
}

/** Limits of one log record. */
export interface LogLimitsOptions {
  /**
   * Maximum number of attributes of a log record. Further attributes are dropped and counted in the record, with a warning.
   * @env OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT, OTEL_ATTRIBUTE_COUNT_LIMIT
   * @default 128
   */
  attributeCountLimit?: number | undefined
  /**
   * Maximum length of a string in the attributes of a log record, in characters, and of a byte array, in bytes. The rest is cut off.
   * @env OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT, OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT
   * @default Infinity
   */
  attributeValueLengthLimit?: number | undefined
}

/** Registration of a LoggerProvider. */
export interface RegistrationOptions {
  /**
   * Registers the LoggerProvider as the global LoggerProvider of `@opentelemetry/api` and `@opentelemetry/api-logs`.
   * @default true
   */
  register?: boolean | undefined
  /**
   * MeterProvider for the counters of the pipeline: `otel.sdk.log.*`, `otel.sdk.processor.log.*`, `otel.sdk.exporter.log.*`.
   * @default none
   */
  meterProvider?: MeterProvider | undefined
}

/**
 * Options of `createLoggerProvider`.
 *
 * @example
 * { serviceName: 'shop', endpoint: 'http://collector:4317' }
 */
export interface LoggerProviderOptions
  extends ExporterOptions, ResourceOptions, LogsOptions, ShutdownOptions, RegistrationOptions {}

/** Traces of `startTelemetry`. */
export interface TracesOptions extends ExporterOptions {
  /**
   * Sampler of traces.
   * @env OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG
   * @default `parentbased_always_on`
   */
  sampler?: Sampler | undefined
  /**
   * Maximum number of queued spans. More are dropped.
   * @env OTEL_BSP_MAX_QUEUE_SIZE
   * @default 2048
   */
  maxQueueSize?: number | undefined
  /**
   * Maximum number of spans in one request, at most `maxQueueSize`.
   * @env OTEL_BSP_MAX_EXPORT_BATCH_SIZE
   * @default 512
   */
  maxExportBatchSize?: number | undefined
  /**
   * Delay between two exports, in milliseconds.
   * @env OTEL_BSP_SCHEDULE_DELAY
   * @default 5000
   */
  scheduledDelayMillis?: number | undefined
  /**
   * Timeout of one export in milliseconds, retries included.
   * @env OTEL_BSP_EXPORT_TIMEOUT
   * @default 30000
   */
  exportTimeoutMillis?: number | undefined
  /**
   * Limits of one span.
   * @default at most 128 of each, values of any length
   */
  limits?: SpanLimitsOptions | undefined
  /**
   * SpanProcessors in addition to the processor that exports spans.
   * @default none
   */
  processors?: readonly SpanProcessor[] | undefined
  /**
   * Writes spans to a file of OTLP JSON lines instead of sending them.
   *
   * Takes precedence over `OTEL_TRACES_EXPORTER=otlp`; with `otlp/stdout` the variable writes the lines to stdout.
   * @default none
   * @example { path: '/var/log/shop/traces.jsonl' }
   */
  file?: FileOptions | undefined
}

/** Limits of one span. */
export interface SpanLimitsOptions {
  /**
   * Maximum number of attributes of a span.
   * @env OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, OTEL_ATTRIBUTE_COUNT_LIMIT
   * @default 128
   */
  attributeCountLimit?: number | undefined
  /**
   * Maximum length of a string in the attributes of a span, in characters. Longer strings are truncated.
   * @env OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT, OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT
   * @default Infinity
   */
  attributeValueLengthLimit?: number | undefined
  /**
   * Maximum number of events of a span.
   * @env OTEL_SPAN_EVENT_COUNT_LIMIT
   * @default 128
   */
  eventCountLimit?: number | undefined
  /**
   * Maximum number of links of a span.
   * @env OTEL_SPAN_LINK_COUNT_LIMIT
   * @default 128
   */
  linkCountLimit?: number | undefined
  /**
   * Maximum number of attributes of an event.
   * @env OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT
   * @default 128
   */
  attributePerEventCountLimit?: number | undefined
  /**
   * Maximum number of attributes of a link.
   * @env OTEL_LINK_ATTRIBUTE_COUNT_LIMIT
   * @default 128
   */
  attributePerLinkCountLimit?: number | undefined
}

/** Metrics of `startTelemetry`. */
export interface MetricsOptions extends ExporterOptions {
  /**
   * Delay between two exports, in milliseconds.
   * @env OTEL_METRIC_EXPORT_INTERVAL
   * @default 60000
   */
  exportIntervalMillis?: number | undefined
  /**
   * Timeout of one export in milliseconds, retries included, at most `exportIntervalMillis`.
   * @env OTEL_METRIC_EXPORT_TIMEOUT
   * @default 30000
   */
  exportTimeoutMillis?: number | undefined
  /**
   * Views, which change buckets, attributes, and names of instruments.
   * @default none
   * @example [{ instrumentName: 'http.client.*', aggregation: { type: AggregationType.DROP } }]
   */
  views?: readonly ViewOptions[] | undefined
  /**
   * Metric readers in addition to the reader that exports metrics.
   * @default none
   */
  readers?: readonly IMetricReader[] | undefined
  /**
   * Serves metrics for Prometheus at `/metrics` instead of exporting them.
   * @default none
   * @example { port: 9464 }
   */
  prometheus?: PrometheusOptions | undefined
  /**
   * Aggregation temporality: `cumulative`, `delta`, or `lowmemory`.
   * @env OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE
   * @default 'cumulative'
   */
  temporalityPreference?: 'cumulative' | 'delta' | 'lowmemory' | undefined
  /**
   * Writes metrics to a file of OTLP JSON lines instead of sending them.
   *
   * Takes precedence over `OTEL_METRICS_EXPORTER=otlp`; with `otlp/stdout` the variable writes the lines to stdout.
   * @default none
   * @example { path: '/var/log/shop/metrics.jsonl' }
   */
  file?: FileOptions | undefined
}

/** HTTP server for Prometheus. */
export interface PrometheusOptions {
  /**
   * Port of the server, 1 to 65535.
   * @env OTEL_EXPORTER_PROMETHEUS_PORT
   * @default 9464
   */
  port?: number | undefined
  /**
   * Host name or address that the server listens on.
   * @env OTEL_EXPORTER_PROMETHEUS_HOST
   * @default 'localhost'
   */
  host?: string | undefined
}

/** Signals of `startTelemetry`. Exporter options of one signal take precedence over exporter options for all signals. */
export interface SignalOptions {
  /**
   * Options of logs; `false` turns logs off.
   * @default on
   */
  logs?: false | (LogsOptions & ExporterOptions) | undefined
  /**
   * Options of traces; `false` turns traces off.
   * @default on
   */
  traces?: false | TracesOptions | undefined
  /**
   * Options of metrics; `false` turns metrics off.
   * @default on
   */
  metrics?: false | MetricsOptions | undefined
  /**
   * Instrumentations to enable, as NodeSDK accepts them.
   * @default none
   */
  instrumentations?: readonly (Instrumentation | Instrumentation[])[] | undefined
}

/**
 * Options of `startTelemetry`.
 *
 * @example
 * { serviceName: 'shop', endpoint: 'http://collector:4317', logs: { spool: { directory: '/var/lib/shop/spool' } } }
 */
export interface TelemetryOptions extends ExporterOptions, ResourceOptions, ShutdownOptions, SignalOptions {}
