import type { MeterProvider } from '@opentelemetry/api'
import { MAX_TIMER_MILLIS } from '../process/timers.ts'
import { batchWithinQueue, timeoutWithinInterval, warnUnsupportedVariables } from './consistency.ts'
import { type ExporterConfig, resolveExporter } from './exporter.ts'
import type {
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
  /** `undefined` when the endpoint is invalid: the signal is not exported over OTLP. */
  readonly exporter: ExporterConfig | undefined
  /** Names of the exporters. Empty when the signal is not exported. */
  readonly exporters: readonly Name[]
}

/** Resolved configuration of logs. */
export interface LogsConfig
  extends Omit<Resolved<typeof LOGS>, 'limits' | 'spool'>, ExportersConfig<'otlp' | 'console'> {
  readonly limits: LogLimits
  /** Default timeout of a flush, in milliseconds. */
  readonly flushTimeoutMillis: number
  /** `undefined` for memory only. */
  readonly spool: SpoolConfig | undefined
  readonly meterProvider?: MeterProvider | undefined
}

/** Resolved configuration of traces. */
export interface TracesConfig
  extends Omit<Resolved<typeof TRACES>, 'limits'>, ExportersConfig<'otlp' | 'console' | 'zipkin'> {
  readonly limits: Resolved<typeof SPAN_LIMITS>
}

/** Resolved configuration of metrics. */
export interface MetricsConfig
  extends Omit<Resolved<typeof METRICS>, 'prometheus'>, ExportersConfig<'otlp' | 'console' | 'prometheus'> {
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
  const config = logsConfig('', resolveExporter('logs', options, {}, env), options, env)
  return { ...config, meterProvider: options.meterProvider }
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
    logs:
      disabled || !logs
        ? undefined
        : logsConfig('logs', resolveExporter('logs', options, logs, env), logs, env),
    traces: disabled || !traces ? undefined : tracesConfig(options, traces, env),
    metrics: disabled || !metrics ? undefined : metricsConfig(options, metrics, env),
    // Propagators work even when OTEL_SDK_DISABLED is true.
    // https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration
    propagators: resolveList(PROPAGATORS, env),
    diagLogLevel: resolveVariable(LOG_LEVEL, env),
    instrumentations: disabled ? [] : instrumentations,
  }
}

/** @param path path of the options, for messages */
function logsConfig(
  path: string,
  exporter: ExporterConfig | undefined,
  options: LogsOptions,
  env: Environment,
): LogsConfig {
  checkOptionsAt(at(path, 'limits'), options.limits, rulesOf(LOG_LIMITS))
  const resolved = resolveOptions(LOGS, { ...options }, env)
  return {
    ...resolved,
    exporter,
    exportTimeoutMillis: resolved.exportTimeoutMillis || MAX_TIMER_MILLIS,
    flushTimeoutMillis: resolved.exportTimeoutMillis || FLUSH_TIMEOUT_MILLIS,
    maxExportBatchSize: batchWithinQueue(path, LOGS.maxExportBatchSize.variables, options, resolved, env),
    exporters: usableExporters(resolveList(LOGS_EXPORTER, env), exporter),
    limits: resolveOptions(LOG_LIMITS, { ...options.limits }, env),
    spool: resolveSpool(at(path, 'spool'), options.spool),
  }
}

function tracesConfig(general: TelemetryOptions, options: TracesOptions, env: Environment): TracesConfig {
  checkOptionsAt('traces.limits', options.limits, rulesOf(SPAN_LIMITS))
  const resolved = resolveOptions(TRACES, { ...options }, env)
  const exporter = resolveExporter('traces', general, options, env)
  return {
    ...resolved,
    exporter,
    sampler: resolved.sampler ?? resolveSampler(env),
    exportTimeoutMillis: resolved.exportTimeoutMillis || MAX_TIMER_MILLIS,
    maxExportBatchSize: batchWithinQueue(
      'traces',
      TRACES.maxExportBatchSize.variables,
      options,
      resolved,
      env,
    ),
    exporters: usableExporters(resolveList(TRACES_EXPORTER, env), exporter),
    limits: resolveOptions(SPAN_LIMITS, { ...options.limits }, env),
  }
}

function metricsConfig(general: TelemetryOptions, options: MetricsOptions, env: Environment): MetricsConfig {
  checkOptionsAt('metrics.prometheus', options.prometheus, rulesOf(PROMETHEUS))
  const resolved = resolveOptions(METRICS, { ...options }, env)
  const exporter = resolveExporter('metrics', general, options, env)
  return {
    ...resolved,
    exporter,
    exportTimeoutMillis: timeoutWithinInterval(options, resolved, env),
    exporters:
      options.prometheus === undefined
        ? usableExporters(resolveList(METRICS_EXPORTER, env), exporter)
        : ['prometheus'],
    prometheus: resolveOptions(PROMETHEUS, { ...options.prometheus }, env),
    histogramAggregation: resolveVariable(HISTOGRAM_AGGREGATION, env),
  }
}

/** Removes the OTLP exporter when its endpoint is invalid. */
function usableExporters<Name extends string>(
  names: readonly Name[],
  exporter: ExporterConfig | undefined,
): readonly Name[] {
  return exporter ? names : names.filter((name) => name !== 'otlp')
}
