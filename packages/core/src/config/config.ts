import { join } from 'node:path'
import { warnOnce } from '@logbridge/bridge/internal'
import type { MeterProvider } from '@opentelemetry/api'
import { MAX_TIMER_MILLIS } from '../process/timers.ts'
import { batchWithinQueue, timeoutWithinInterval, warnUnsupportedVariables } from './consistency.ts'
import { resolveExporter } from './exporter.ts'
import { type DestinationConfig, fileOfSignal, resolveFile, STDOUT } from './file.ts'
import type {
  ExporterOptions,
  FileOptions,
  LoggerProviderOptions,
  LogsOptions,
  MetricsOptions,
  TelemetryOptions,
  TracesOptions,
} from './options.ts'
import {
  exporterTable,
  HISTOGRAM_AGGREGATION,
  LOG_LEVEL,
  LOG_LIMITS,
  LOGS,
  LOGS_EXPORTER,
  METRICS,
  METRICS_EXPORTER,
  PROMETHEUS,
  PROPAGATORS,
  REGISTRATION,
  RESOURCE,
  SDK_DISABLED,
  SHUTDOWN,
  type Signal,
  SIGNALS,
  SPAN_LIMITS,
  TRACES,
  TRACES_EXPORTER,
} from './optionTable.ts'
import { resolveSampler } from './sampler.ts'
import {
  at,
  checkOptionsAt,
  type Environment,
  invalidOption,
  type Resolved,
  resolveList,
  resolveOptions,
  resolveVariable,
  rulesOf,
} from './settings.ts'
import { checkFlushOnExit, FLUSH_TIMEOUT_MILLIS } from './shutdown.ts'
import { type SpoolConfig, resolveSpool } from './spool.ts'

/** Resolved limits of one log record. */
export type LogLimits = Resolved<typeof LOG_LIMITS>

/** OTLP exporter and further exporters of a signal. */
interface ExportersConfig<Name extends string> {
  /** Destination of `otlp`. `undefined` when the endpoint is invalid: the signal is not exported over OTLP. */
  readonly exporter: DestinationConfig | undefined
  /** Names of the exporters. Empty when the signal is not exported. */
  readonly exporters: readonly Name[]
}

/** Resolved configuration of logs. */
export interface LogsConfig
  extends Omit<Resolved<typeof LOGS>, 'limits' | 'spool' | 'file'>, ExportersConfig<'otlp' | 'console'> {
  readonly limits: LogLimits
  /** Default timeout of a flush, in milliseconds. */
  readonly flushTimeoutMillis: number
  /** `undefined` for memory only. */
  readonly spool: SpoolConfig | undefined
  readonly meterProvider?: MeterProvider | undefined
}

/** Resolved configuration of traces. */
export interface TracesConfig
  extends Omit<Resolved<typeof TRACES>, 'limits' | 'file'>, ExportersConfig<'otlp' | 'console' | 'zipkin'> {
  readonly limits: Resolved<typeof SPAN_LIMITS>
}

/** Resolved configuration of metrics. */
export interface MetricsConfig
  extends
    Omit<Resolved<typeof METRICS>, 'prometheus' | 'file'>,
    ExportersConfig<'otlp' | 'console' | 'prometheus'> {
  readonly prometheus: Resolved<typeof PROMETHEUS>
  readonly histogramAggregation: typeof HISTOGRAM_AGGREGATION.default
}

/** Resolved configuration of `startTelemetry`. A signal that is off is `undefined`. */
export interface TelemetryConfig extends Pick<Resolved<typeof SIGNALS>, 'instrumentations'> {
  readonly logs: LogsConfig | undefined
  readonly traces: TracesConfig | undefined
  readonly metrics: MetricsConfig | undefined
  readonly propagators: readonly PropagatorName[]
  readonly diagLogLevel: typeof LOG_LEVEL.default
}

export type PropagatorName = (typeof PROPAGATORS.words)[number]

const EXPORTER_RULES = rulesOf(exporterTable('logs'))
const LOGS_RULES = { ...rulesOf(LOGS), ...EXPORTER_RULES }
const TRACES_RULES = { ...rulesOf(TRACES), ...EXPORTER_RULES }
const METRICS_RULES = { ...rulesOf(METRICS), ...EXPORTER_RULES }
const PROCESS_RULES = { ...rulesOf(RESOURCE), ...rulesOf(SHUTDOWN) }
const LOGGER_PROVIDER_RULES = { ...LOGS_RULES, ...PROCESS_RULES, ...rulesOf(REGISTRATION) }
const TELEMETRY_RULES = { ...EXPORTER_RULES, ...PROCESS_RULES, ...rulesOf(SIGNALS) }
/** Paths of the options of one signal, which a message suggests for a misplaced option. */
const SIGNAL_OPTIONS = Object.entries({ logs: LOGS, traces: TRACES, metrics: METRICS }).flatMap(
  ([signal, table]) => Object.keys(table).map((name) => at(signal, name)),
)

/**
 * Resolves the options and variables of one log pipeline.
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function resolveLogs(options: LoggerProviderOptions, env: Environment): LogsConfig {
  checkOptionsAt('', options, LOGGER_PROVIDER_RULES)
  checkFlushOnExit(options)
  return { ...logsConfig('', options, {}, options, env), meterProvider: options.meterProvider }
}

/**
 * Resolves the configuration of a pipeline that forwards the spans or metrics of other programs, from that of logs and the variables of
 * the signal. The file and the spool are beside those of logs: `logs.jsonl` and `logs.traces.jsonl`.
 *
 * @returns `undefined` when the signal is not exported over OTLP
 */
export function resolveForwarding(
  signal: 'traces' | 'metrics',
  options: LoggerProviderOptions,
  logs: LogsConfig,
  env: Environment,
): (LogsConfig & { readonly exporter: DestinationConfig }) | undefined {
  const { file } = options
  const source = { signal, path: '', file: file && fileOfSignal(file, signal), general: options, own: {} }
  const { exporter, exporters } = resolveExporters<'console' | 'zipkin' | 'prometheus'>(
    source,
    resolveList(signal === 'traces' ? TRACES_EXPORTER : METRICS_EXPORTER, env),
    env,
  )
  if (exporter === undefined || !exporters.includes('otlp')) return undefined
  const spool = logs.spool && { ...logs.spool, directory: join(logs.spool.directory, signal) }
  return { ...logs, exporter, exporters: ['otlp'], spool, processors: [], meterProvider: undefined }
}

/**
 * Resolves the options and variables of `startTelemetry`.
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function resolveTelemetry(options: TelemetryOptions, env: Environment): TelemetryConfig {
  checkOptionsAt('', options, TELEMETRY_RULES, SIGNAL_OPTIONS)
  checkFlushOnExit(options)
  const { logs, traces, metrics, instrumentations } = resolveOptions(SIGNALS, { ...options }, env)
  if (logs) checkOptionsAt('logs', logs, LOGS_RULES)
  if (traces) checkOptionsAt('traces', traces, TRACES_RULES)
  if (metrics) checkOptionsAt('metrics', metrics, METRICS_RULES)

  const disabled = resolveVariable(SDK_DISABLED, env)
  warnUnsupportedVariables(env)
  return {
    logs: disabled || !logs ? undefined : logsConfig('logs', options, logs, logs, env),
    traces: disabled || !traces ? undefined : tracesConfig(options, traces, env),
    metrics: disabled || !metrics ? undefined : metricsConfig(options, metrics, env),
    // Propagators work even when OTEL_SDK_DISABLED is true.
    // https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration
    propagators: resolveList(PROPAGATORS, env),
    diagLogLevel: resolveVariable(LOG_LEVEL, env),
    instrumentations: disabled ? [] : instrumentations,
  }
}

/**
 * @param path path of the options, for messages
 * @param general options of the exporters of all signals
 * @param own options of the exporter of logs alone
 */
function logsConfig(
  path: string,
  general: ExporterOptions,
  own: ExporterOptions,
  options: LogsOptions,
  env: Environment,
): LogsConfig {
  checkOptionsAt(at(path, 'limits'), options.limits, rulesOf(LOG_LIMITS))
  const { file, ...resolved } = resolveOptions(LOGS, { ...options }, env)
  return {
    ...resolved,
    ...resolveExporters({ signal: 'logs', path, file, general, own }, resolveList(LOGS_EXPORTER, env), env),
    exportTimeoutMillis: resolved.exportTimeoutMillis || MAX_TIMER_MILLIS,
    flushTimeoutMillis: resolved.exportTimeoutMillis || FLUSH_TIMEOUT_MILLIS,
    maxExportBatchSize: batchWithinQueue(path, LOGS.maxExportBatchSize.variables, options, resolved, env),
    limits: resolveOptions(LOG_LIMITS, { ...options.limits }, env),
    spool: resolveSpool(at(path, 'spool'), options.spool),
  }
}

function tracesConfig(general: TelemetryOptions, options: TracesOptions, env: Environment): TracesConfig {
  checkOptionsAt('traces.limits', options.limits, rulesOf(SPAN_LIMITS))
  const { file, ...resolved } = resolveOptions(TRACES, { ...options }, env)
  const source = { signal: 'traces', path: 'traces', file, general, own: options } as const
  return {
    ...resolved,
    ...resolveExporters(source, resolveList(TRACES_EXPORTER, env), env),
    sampler: resolved.sampler ?? resolveSampler(env),
    exportTimeoutMillis: resolved.exportTimeoutMillis || MAX_TIMER_MILLIS,
    maxExportBatchSize: batchWithinQueue(
      'traces',
      TRACES.maxExportBatchSize.variables,
      options,
      resolved,
      env,
    ),
    limits: resolveOptions(SPAN_LIMITS, { ...options.limits }, env),
  }
}

function metricsConfig(general: TelemetryOptions, options: MetricsOptions, env: Environment): MetricsConfig {
  checkOptionsAt('metrics.prometheus', options.prometheus, rulesOf(PROMETHEUS))
  const { file, ...resolved } = resolveOptions(METRICS, { ...options }, env)
  const source = { signal: 'metrics', path: 'metrics', file, general, own: options } as const
  const names = options.prometheus === undefined ? resolveList(METRICS_EXPORTER, env) : PROMETHEUS_ALONE
  return {
    ...resolved,
    ...resolveExporters(source, names, env),
    exportTimeoutMillis: timeoutWithinInterval(options, resolved, env),
    prometheus: resolveOptions(PROMETHEUS, { ...options.prometheus }, env),
    histogramAggregation: resolveVariable(HISTOGRAM_AGGREGATION, env),
  }
}

const PROMETHEUS_ALONE = ['prometheus'] as const

/** Options of the exporters of one signal. */
interface ExportersSource {
  readonly signal: Signal
  /** Path of the options, for messages. */
  readonly path: string
  readonly file: FileOptions | undefined
  readonly general: ExporterOptions
  readonly own: ExporterOptions
}

/**
 * Resolves the destination of OTLP: the option `file`, else `otlp/stdout` of the variable, else an endpoint.
 * @param names exporters of the variable
 * @returns exporters of which `otlp` stands for that destination, and without `otlp` when the endpoint is invalid
 * @throws LogbridgeError `INVALID_OPTION`
 */
function resolveExporters<Name extends 'console' | 'zipkin' | 'prometheus'>(
  { signal, path, file, general, own }: ExportersSource,
  names: readonly (Name | 'otlp' | 'otlp/stdout')[],
  env: Environment,
): ExportersConfig<Name | 'otlp'> {
  const others = names.filter((name): name is Name => name !== 'otlp' && name !== 'otlp/stdout')
  if (file !== undefined) {
    // Options of one signal alone have no path.
    if ((path === '' ? general : own).endpoint !== undefined)
      throw invalidOption(
        `option ${at(path, 'file')} replaces the receiver, so that the option ${at(path, 'endpoint')} has no effect: set one of them`,
      )
    return { exporter: resolveFile(at(path, 'file'), file), exporters: ['otlp', ...others] }
  }
  if (names.includes('otlp/stdout')) {
    if (names.includes('otlp')) warnTwoDestinations(signal)
    return { exporter: STDOUT, exporters: ['otlp', ...others] }
  }
  const exporter = resolveExporter(signal, general, own, env)
  const withOtlp = exporter !== undefined && names.includes('otlp')
  return { exporter, exporters: withOtlp ? ['otlp', ...others] : others }
}

function warnTwoDestinations(signal: Signal): void {
  const name = `OTEL_${signal.toUpperCase()}_EXPORTER`
  warnOnce(
    `${name} otlp/stdout`,
    `${name}: 'otlp' is ignored beside 'otlp/stdout', because OTLP of one signal has one destination`,
  )
}
