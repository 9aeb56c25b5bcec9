import type { Agent } from 'node:http'
import { createSecureContext } from 'node:tls'
import { type OptionRule, oneOf, rules, type SeverityNumber } from '@logbridge/bridge'
import { isPlainText, shutdownSignalsRule, warnOnce, wrongItem } from '@logbridge/bridge/internal'
import { DiagLogLevel, type MeterProvider } from '@opentelemetry/api'
import type { Sampler } from '@opentelemetry/sdk-trace'
import { explainHeadersText, validateHeaders } from './headers.ts'
import { isProxyUrl, PROXY_ACCEPTS } from './proxy.ts'
import type {
  ExporterOptions,
  FileOptions,
  HeadersOption,
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
  TlsOptions,
  TracesOptions,
} from './options.ts'
import {
  anyText,
  arrayOf,
  booleanText,
  count,
  duration,
  enumOf,
  hasMethod,
  limit,
  type ListVariable,
  millis,
  type OptionType,
  parsePairs,
  type Setting,
  type SettingTable,
  timeout,
  type Variable,
} from './settings.ts'

// Each option: its type, its variables in order of precedence, its default. options.ts has the texts of the options.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/

/** A row for each option of an interface of options.ts. `Unset` names the options without a default. */
type TableOf<Options, Unset extends keyof Options = never> = {
  readonly [Name in keyof Options]-?: Setting<
    Exclude<Options[Name], undefined> | (Name extends Unset ? undefined : never)
  >
}

export type Signal = 'logs' | 'traces' | 'metrics'

const boolean: OptionType<boolean> = rules.boolean
const severity: OptionType<SeverityNumber> = {
  accepts: 'a severity number from 0 to 24',
  test: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 24,
}
const sampler: OptionType<Sampler> = {
  accepts: 'a Sampler (an object with a shouldSample method)',
  test: (value) => hasMethod(value, 'shouldSample'),
}
const meterProvider: OptionType<MeterProvider> = {
  accepts: 'a MeterProvider (an object with a getMeter method)',
  test: (value) => hasMethod(value, 'getMeter'),
}
const serverPort: OptionType<number> = {
  accepts: 'a port number from 1 to 65535',
  test: (value) => rules.port.test(value) && value !== 0,
  parse: Number,
}
const filePath: OptionType<string> = {
  accepts: 'the path of a file',
  test: (value) => typeof value === 'string' && value !== '' && !value.includes('\0'),
}
const directoryPath: OptionType<string> = {
  accepts: 'the path of a directory',
  test: (value) => typeof value === 'string' && value !== '' && !value.includes('\0'),
}
const instrumentations: OptionRule = {
  accepts: 'an array of Instrumentations (or of arrays of them)',
  test: (value) => Array.isArray(value) && value.flat().every((item) => hasMethod(item, 'enable')),
  problem: (value) =>
    Array.isArray(value) ? wrongItem(value.flat(), (item) => hasMethod(item, 'enable')) : undefined,
}
const objectOrFalse: OptionRule = {
  accepts: `false, or ${rules.object.accepts}`,
  test: (value) => value === false || rules.object.test(value),
}
const protocol: OptionType<OtlpProtocol> = {
  ...oneOf('grpc', 'http/protobuf'),
  parse(text) {
    const value = text.toLowerCase()
    if (value !== 'http/json') return value as OtlpProtocol
    warnOnce('http/json', 'the OTLP protocol http/json is not supported; http/protobuf is used')
    return 'http/protobuf'
  },
}
const headers: OptionType<HeadersOption> = {
  accepts: 'an object of header names and ASCII values, or a function that returns one',
  test: (value) => typeof value === 'function' || validateHeaders(value) === undefined,
  parse: parsePairs,
  problem: (value) => (rules.object.test(value) ? validateHeaders(value) : undefined),
  textProblem: (text) => explainHeadersText(text) ?? validateHeaders(parsePairs(text) ?? {}),
  secret: true,
}
const proxy: OptionType<string | false> = {
  accepts: `false, or ${PROXY_ACCEPTS}`,
  test: (value) => value === false || (typeof value === 'string' && isProxyUrl(value)),
  secret: true,
}
const agent: OptionType<Agent> = {
  accepts: 'an Agent of node:http or node:https (an object with an addRequest method)',
  test: (value) => hasMethod(value, 'addRequest'),
}
const pem: OptionRule = {
  accepts: 'the contents of a PEM file',
  test: (value) => Buffer.isBuffer(value) || (typeof value === 'string' && value.includes('-----BEGIN')),
}
const tls: OptionType<TlsOptions | boolean> = {
  accepts:
    'true, false, or an object of ca, cert, and key (contents of PEM files), or of caFile, certFile, and keyFile (paths of PEM files)',
  test: (value) =>
    typeof value === 'boolean' ||
    (rules.object.test(value) && Object.entries(value as object).every(isTlsOption)),
  problem(value) {
    if (!rules.object.test(value)) return undefined
    const [name = ''] = Object.entries(value as object).find((entry) => !isTlsOption(entry)) ?? []
    const { [name]: setting }: SettingTable = tlsTable('logs')
    if (setting) return `a value of ${name} that is not ${setting.type.accepts}`
    return `an unknown option${isPlainText(name) ? ` ${name}` : ''}`
  },
  secret: true,
}

function isTlsOption([name, value]: [string, unknown]): boolean {
  const table: SettingTable = tlsTable('logs')
  return Object.hasOwn(table, name) && (value === undefined || table[name]!.type.test(value))
}

/**
 * Variables of an exporter option, in order of precedence.
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/#configuration-options
 */
function exporterVariables(signal: Signal, name: string): readonly string[] {
  return [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`, `OTEL_EXPORTER_OTLP_${name}`]
}

export function exporterTable(
  signal: Signal,
): TableOf<ExporterOptions, 'endpoint' | 'protocol' | 'tls' | 'proxy' | 'agent'> {
  const variables = (name: string): readonly string[] => exporterVariables(signal, name)
  return {
    endpoint: { type: rules.string, variables: variables('ENDPOINT'), default: undefined },
    protocol: { type: protocol, variables: variables('PROTOCOL'), default: undefined },
    headers: { type: headers, variables: variables('HEADERS'), default: {} },
    compression: { type: enumOf('gzip', 'none'), variables: variables('COMPRESSION'), default: 'none' },
    timeoutMillis: { type: timeout, variables: variables('TIMEOUT'), default: 10_000 },
    tls: { type: tls, variables: variables('INSECURE'), default: undefined },
    proxy: { type: proxy, variables: [], default: undefined },
    agent: { type: agent, variables: [], default: undefined },
  }
}

export function tlsTable(signal: Signal): TableOf<TlsOptions, keyof TlsOptions> {
  const file = (name: string): Setting<undefined> => ({
    type: rules.string,
    variables: exporterVariables(signal, name),
    default: undefined,
  })
  const content: Setting<undefined> = { type: pem, variables: [], default: undefined }
  return {
    ca: content,
    caFile: file('CERTIFICATE'),
    cert: content,
    certFile: file('CLIENT_CERTIFICATE'),
    key: content,
    keyFile: file('CLIENT_KEY'),
  }
}

export const RESOURCE: TableOf<ResourceOptions, 'serviceName'> = {
  serviceName: { type: rules.string, variables: ['OTEL_SERVICE_NAME'], default: undefined },
  resource: { type: rules.object, variables: ['OTEL_RESOURCE_ATTRIBUTES'], default: {} },
}

export const SHUTDOWN: TableOf<ShutdownOptions> = {
  shutdownSignals: { type: shutdownSignalsRule, variables: [], default: [] },
  captureUncaughtExceptions: { type: boolean, variables: [], default: true },
  flushOnExit: { type: boolean, variables: [], default: false },
}

export const LOGS: TableOf<
  LogsOptions,
  'maxQueueSize' | 'maxExportBatchSize' | 'limits' | 'onDrop' | 'spool' | 'file'
> = {
  maxQueueSize: { type: count, variables: ['OTEL_BLRP_MAX_QUEUE_SIZE'], default: undefined },
  maxQueueBytes: { type: count, variables: [], default: 64 * 1024 * 1024 },
  maxExportBatchSize: { type: count, variables: ['OTEL_BLRP_MAX_EXPORT_BATCH_SIZE'], default: undefined },
  scheduledDelayMillis: { type: millis, variables: ['OTEL_BLRP_SCHEDULE_DELAY'], default: 1000 },
  exportTimeoutMillis: { type: timeout, variables: ['OTEL_BLRP_EXPORT_TIMEOUT'], default: 30_000 },
  limits: { type: rules.object, variables: [], default: undefined },
  minimumSeverity: { type: severity, variables: [], default: 0 },
  processors: { type: arrayOf('LogRecordProcessors', 'onEmit'), variables: [], default: [] },
  onDrop: { type: rules.function, variables: [], default: undefined },
  recordUid: { type: boolean, variables: [], default: false },
  spool: { type: rules.object, variables: [], default: undefined },
  file: { type: rules.object, variables: [], default: undefined },
}

export const LOG_LIMITS: TableOf<LogLimitsOptions> = {
  attributeCountLimit: {
    type: limit,
    variables: ['OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'],
    default: 128,
  },
  attributeValueLengthLimit: {
    type: limit,
    variables: ['OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
    default: Infinity,
  },
}

// The spool has no variables, because services with a common environment would then share one directory.
export const SPOOL: TableOf<SpoolOptions, 'directory'> = {
  directory: { type: directoryPath, variables: [], default: undefined },
  maxBytes: { type: count, variables: [], default: 1024 * 1024 * 1024 },
  fsync: { type: boolean, variables: [], default: false },
}

// The file has no variables, because services with a common environment would then share one file.
export const FILE: TableOf<FileOptions, 'path'> = {
  path: { type: filePath, variables: [], default: undefined },
  maxBytes: { type: count, variables: [], default: 100 * 1024 * 1024 },
  files: { type: count, variables: [], default: 10 },
  fsync: { type: boolean, variables: [], default: false },
}

export const REGISTRATION: TableOf<RegistrationOptions, 'meterProvider'> = {
  register: { type: boolean, variables: [], default: true },
  meterProvider: { type: meterProvider, variables: [], default: undefined },
}

export const TRACES: TableOf<Omit<TracesOptions, keyof ExporterOptions>, 'sampler' | 'limits' | 'file'> = {
  sampler: {
    type: sampler,
    variables: ['OTEL_TRACES_SAMPLER', 'OTEL_TRACES_SAMPLER_ARG'],
    default: undefined,
  },
  maxQueueSize: { type: count, variables: ['OTEL_BSP_MAX_QUEUE_SIZE'], default: 2048 },
  maxExportBatchSize: { type: count, variables: ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'], default: 512 },
  scheduledDelayMillis: { type: millis, variables: ['OTEL_BSP_SCHEDULE_DELAY'], default: 5000 },
  exportTimeoutMillis: { type: timeout, variables: ['OTEL_BSP_EXPORT_TIMEOUT'], default: 30_000 },
  limits: { type: rules.object, variables: [], default: undefined },
  processors: { type: arrayOf('SpanProcessors', 'onEnd'), variables: [], default: [] },
  file: { type: rules.object, variables: [], default: undefined },
}

export const SPAN_LIMITS: TableOf<SpanLimitsOptions> = {
  attributeCountLimit: {
    type: limit,
    variables: ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'],
    default: 128,
  },
  attributeValueLengthLimit: {
    type: limit,
    variables: ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
    default: Infinity,
  },
  eventCountLimit: { type: limit, variables: ['OTEL_SPAN_EVENT_COUNT_LIMIT'], default: 128 },
  linkCountLimit: { type: limit, variables: ['OTEL_SPAN_LINK_COUNT_LIMIT'], default: 128 },
  attributePerEventCountLimit: { type: limit, variables: ['OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT'], default: 128 },
  attributePerLinkCountLimit: { type: limit, variables: ['OTEL_LINK_ATTRIBUTE_COUNT_LIMIT'], default: 128 },
}

export const METRICS: TableOf<Omit<MetricsOptions, keyof ExporterOptions>, 'prometheus' | 'file'> = {
  exportIntervalMillis: { type: duration, variables: ['OTEL_METRIC_EXPORT_INTERVAL'], default: 60_000 },
  exportTimeoutMillis: { type: timeout, variables: ['OTEL_METRIC_EXPORT_TIMEOUT'], default: 30_000 },
  views: { type: rules.array, variables: [], default: [] },
  readers: { type: arrayOf('metric readers', 'collect'), variables: [], default: [] },
  prometheus: { type: rules.object, variables: [], default: undefined },
  temporalityPreference: {
    type: enumOf('cumulative', 'delta', 'lowmemory'),
    variables: ['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE'],
    default: 'cumulative',
  },
  file: { type: rules.object, variables: [], default: undefined },
}

export const PROMETHEUS: TableOf<PrometheusOptions> = {
  port: { type: serverPort, variables: ['OTEL_EXPORTER_PROMETHEUS_PORT'], default: 9464 },
  host: { type: anyText, variables: ['OTEL_EXPORTER_PROMETHEUS_HOST'], default: 'localhost' },
}

export const SIGNALS: TableOf<SignalOptions> = {
  logs: { type: objectOrFalse, variables: [], default: {} },
  traces: { type: objectOrFalse, variables: [], default: {} },
  metrics: { type: objectOrFalse, variables: [], default: {} },
  instrumentations: { type: instrumentations, variables: [], default: [] },
}

// --- variables without an option

export const LOGS_EXPORTER: ListVariable<'otlp' | 'otlp/stdout' | 'console'> = {
  name: 'OTEL_LOGS_EXPORTER',
  text: 'Exporters of logs.',
  words: ['otlp', 'otlp/stdout', 'console'],
  default: ['otlp'],
}

export const TRACES_EXPORTER: ListVariable<'otlp' | 'otlp/stdout' | 'console' | 'zipkin'> = {
  name: 'OTEL_TRACES_EXPORTER',
  text: 'Exporters of traces.',
  words: ['otlp', 'otlp/stdout', 'console', 'zipkin'],
  default: ['otlp'],
}

export const METRICS_EXPORTER: ListVariable<'otlp' | 'otlp/stdout' | 'console' | 'prometheus'> = {
  name: 'OTEL_METRICS_EXPORTER',
  text: 'Exporters of metrics.',
  words: ['otlp', 'otlp/stdout', 'console', 'prometheus'],
  default: ['otlp'],
}

export const HISTOGRAM_AGGREGATION: Variable<
  'explicit_bucket_histogram' | 'base2_exponential_bucket_histogram'
> = {
  name: 'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION',
  text: 'Default aggregation of histograms: `explicit_bucket_histogram` or `base2_exponential_bucket_histogram`.',
  type: enumOf('explicit_bucket_histogram', 'base2_exponential_bucket_histogram'),
  default: 'explicit_bucket_histogram',
}

export const RESOURCE_DETECTORS: ListVariable<
  'env' | 'host' | 'os' | 'process' | 'service' | 'serviceinstance' | 'all'
> = {
  name: 'OTEL_NODE_RESOURCE_DETECTORS',
  text: 'Resource detectors.',
  words: ['env', 'host', 'os', 'process', 'service', 'serviceinstance', 'all'],
  default: ['all'],
}

export const PROPAGATORS: ListVariable<'tracecontext' | 'baggage' | 'b3' | 'b3multi'> = {
  name: 'OTEL_PROPAGATORS',
  text: 'Propagators of context.',
  words: ['tracecontext', 'baggage', 'b3', 'b3multi'],
  default: ['tracecontext', 'baggage'],
}

export const SDK_DISABLED: Variable<boolean> = {
  name: 'OTEL_SDK_DISABLED',
  text: '`true` turns all signals off. Propagators still work.',
  type: booleanText,
  default: false,
}

export const LOG_LEVEL: Variable<DiagLogLevel | undefined> = {
  name: 'OTEL_LOG_LEVEL',
  text: "Prints OpenTelemetry's diagnostics of this level and above to stderr.",
  type: {
    accepts: 'ALL, VERBOSE, DEBUG, INFO, WARN, ERROR, or NONE',
    test: (value) => typeof value === 'number',
    parse: (value) => DiagLogLevel[value.toUpperCase() as keyof typeof DiagLogLevel],
  },
  default: undefined,
}

export const GRPC_ROOTS_FILE: Variable<string | undefined> = {
  name: 'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
  text: 'File with the certificate authorities of gRPC receivers, when neither an option nor a variable sets them.',
  type: anyText,
  default: undefined,
}

export const GRPC_CIPHERS: Variable<string | undefined> = {
  name: 'GRPC_SSL_CIPHER_SUITES',
  text: 'Ciphers of gRPC over TLS, as a list of OpenSSL.',
  type: {
    accepts: 'a list of ciphers of OpenSSL',
    test: (value) => value !== undefined,
    parse: parseCiphers,
  },
  default: undefined,
}

function parseCiphers(ciphers: string): string | undefined {
  try {
    createSecureContext({ ciphers })
    return ciphers
  } catch {
    return undefined
  }
}
