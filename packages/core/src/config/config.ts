import { type OptionRule, rules, type SeverityNumber } from '@logbridge/bridge'
import { DiagLogLevel, type MeterProvider } from '@opentelemetry/api'
import type { Instrumentation } from '@opentelemetry/instrumentation'
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs'
import type { IMetricReader, ViewOptions } from '@opentelemetry/sdk-metrics'
import type { Sampler, SpanLimits, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { DropListener } from './dropReasons.ts'
import { batchWithinQueue, timeoutWithinInterval, warnUnsupportedVariables } from './consistency.ts'
import { checkFlushOnExit, shutdownRules } from './shutdown.ts'
import { type ExporterConfig, exporterRules, resolveExporter } from './exporter.ts'
import type {
  LoggerProviderOptions,
  LogsOptions,
  MetricsOptions,
  TelemetryOptions,
  TracesOptions,
} from './options.ts'
import { resourceRules } from './resource.ts'
import { resolveSampler } from './sampler.ts'
import { type SpoolConfig, resolveSpool } from './spool.ts'
import {
  arrayOf,
  at,
  checkOptionsAt,
  count,
  duration,
  type Environment,
  hasMethod,
  type OptionType,
  limit,
  millis,
  readBoolean,
  readList,
  readVariable,
  rulesOf,
  setting,
  type SettingTable,
  resolveOptions,
  enumOf,
} from './settings.ts'

export interface LogLimits {
  readonly attributeCountLimit: number
  readonly attributeValueLengthLimit: number
}

/** The logs pipeline, settled. */
export interface LogsConfig {
  /** `undefined`: its endpoint cannot be used, and nothing is exported by OTLP. */
  readonly exporter: ExporterConfig | undefined
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
  readonly onDrop: DropListener | undefined
  readonly recordUid: boolean
  readonly meterProvider?: MeterProvider | undefined
  /** `undefined`: memory alone. */
  readonly spool: SpoolConfig | undefined
}

export interface TracesConfig {
  /** `undefined`: its endpoint cannot be used, and nothing is exported by OTLP. */
  readonly exporter: ExporterConfig | undefined
  readonly exporters: readonly ('otlp' | 'console' | 'zipkin')[]
  readonly sampler: Sampler | undefined
  readonly maxQueueSize: number
  readonly maxExportBatchSize: number
  readonly scheduledDelayMillis: number
  readonly exportTimeoutMillis: number
  readonly limits: Required<SpanLimits>
  readonly processors: readonly SpanProcessor[]
}

export interface MetricsConfig {
  /** `undefined`: its endpoint cannot be used, and nothing is exported by OTLP. */
  readonly exporter: ExporterConfig | undefined
  readonly exporters: readonly ('otlp' | 'console' | 'prometheus')[]
  readonly exportIntervalMillis: number
  readonly exportTimeoutMillis: number
  readonly views: readonly ViewOptions[]
  readonly readers: readonly IMetricReader[]
  readonly prometheus: { readonly port: number; readonly host: string }
  readonly temporalityPreference: 'cumulative' | 'delta' | 'lowmemory'
  readonly histogramAggregation: 'explicit_bucket_histogram' | 'base2_exponential_bucket_histogram'
}

/** Everything that `startTelemetry` sets up, settled. A signal that is off is `undefined`. */
export interface TelemetryConfig {
  readonly logs: LogsConfig | undefined
  readonly traces: TracesConfig | undefined
  readonly metrics: MetricsConfig | undefined
  readonly propagators: readonly PropagatorName[]
  readonly diagLogLevel: DiagLogLevel | undefined
  readonly instrumentations: readonly (Instrumentation | Instrumentation[])[]
}

export type PropagatorName = 'tracecontext' | 'baggage' | 'b3' | 'b3multi'

// The table: option, variables (the first that is set counts), default.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
// The exporters' part is in exporterConfig.ts.

const severity: OptionType<SeverityNumber> = {
  accepts: 'a severity number from 0 to 24',
  test: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 24,
}
const sampler: OptionType<Sampler | undefined> = {
  accepts: 'a Sampler (an object with a shouldSample method)',
  test: (value) => hasMethod(value, 'shouldSample'),
}
const meterProvider: OptionRule = {
  accepts: 'a MeterProvider (an object with a getMeter method)',
  test: (value) => hasMethod(value, 'getMeter'),
}
const pullPort: OptionType<number> = {
  accepts: 'a port number from 1 to 65535',
  test: (value) => rules.port.test(value) && value !== 0,
  parse: Number,
}
const host: OptionType<string> = { ...rules.string, parse: (text) => text }

const LOGS = {
  maxQueueSize: setting<number | undefined>(count, ['OTEL_BLRP_MAX_QUEUE_SIZE'], undefined),
  maxQueueBytes: setting(count, [], 64 * 1024 * 1024),
  maxExportBatchSize: setting<number | undefined>(count, ['OTEL_BLRP_MAX_EXPORT_BATCH_SIZE'], undefined),
  scheduledDelayMillis: setting(millis, ['OTEL_BLRP_SCHEDULE_DELAY'], 1000),
  exportTimeoutMillis: setting(duration, ['OTEL_BLRP_EXPORT_TIMEOUT'], 30_000),
  minimumSeverity: setting<SeverityNumber>(severity, [], 0),
  processors: setting<readonly LogRecordProcessor[]>(arrayOf('LogRecordProcessors', 'onEmit'), [], []),
  onDrop: setting<DropListener | undefined>(rules.function, [], undefined),
  recordUid: setting(rules.boolean as OptionType<boolean>, [], false),
} satisfies SettingTable

const LOG_LIMITS = {
  attributeCountLimit: setting(
    limit,
    ['OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'],
    128,
  ),
  attributeValueLengthLimit: setting(
    limit,
    ['OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
    Infinity,
  ),
} satisfies SettingTable

const TRACES = {
  sampler: setting<Sampler | undefined>(sampler, [], undefined),
  maxQueueSize: setting(count, ['OTEL_BSP_MAX_QUEUE_SIZE'], 2048),
  maxExportBatchSize: setting(count, ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'], 512),
  scheduledDelayMillis: setting(millis, ['OTEL_BSP_SCHEDULE_DELAY'], 5000),
  exportTimeoutMillis: setting(duration, ['OTEL_BSP_EXPORT_TIMEOUT'], 30_000),
  processors: setting<readonly SpanProcessor[]>(arrayOf('SpanProcessors', 'onEnd'), [], []),
} satisfies SettingTable

const SPAN_LIMITS = {
  attributeCountLimit: setting(limit, ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'], 128),
  attributeValueLengthLimit: setting(
    limit,
    ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
    Infinity,
  ),
  eventCountLimit: setting(limit, ['OTEL_SPAN_EVENT_COUNT_LIMIT'], 128),
  linkCountLimit: setting(limit, ['OTEL_SPAN_LINK_COUNT_LIMIT'], 128),
  attributePerEventCountLimit: setting(limit, ['OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT'], 128),
  attributePerLinkCountLimit: setting(limit, ['OTEL_LINK_ATTRIBUTE_COUNT_LIMIT'], 128),
} satisfies SettingTable

const METRICS = {
  exportIntervalMillis: setting(duration, ['OTEL_METRIC_EXPORT_INTERVAL'], 60_000),
  // 30000, or the interval when that is shorter
  exportTimeoutMillis: setting<number | undefined>(duration, ['OTEL_METRIC_EXPORT_TIMEOUT'], undefined),
  views: setting<readonly ViewOptions[]>(rules.array, [], []),
  readers: setting<readonly IMetricReader[]>(arrayOf('metric readers', 'collect'), [], []),
  temporalityPreference: setting(
    enumOf('cumulative', 'delta', 'lowmemory'),
    ['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE'],
    'cumulative',
  ),
} satisfies SettingTable

const PROMETHEUS = {
  port: setting(pullPort, ['OTEL_EXPORTER_PROMETHEUS_PORT'], 9464),
  host: setting(host, ['OTEL_EXPORTER_PROMETHEUS_HOST'], 'localhost'),
} satisfies SettingTable

const instrumentations: OptionRule = {
  accepts: 'an array of Instrumentations (or of arrays of them)',
  test: (value) => Array.isArray(value) && value.flat().every((item) => hasMethod(item, 'enable')),
}

const offOr = (object: OptionRule): OptionRule => ({
  accepts: `false, or ${object.accepts}`,
  test: (value) => value === false || object.test(value),
})

const LOGS_RULES = { ...rulesOf(LOGS), ...exporterRules, limits: rules.object, spool: rules.object }
const TRACES_RULES = { ...rulesOf(TRACES), ...exporterRules, limits: rules.object }
const METRICS_RULES = { ...rulesOf(METRICS), ...exporterRules, prometheus: rules.object }
const LOGGER_PROVIDER_RULES = {
  ...LOGS_RULES,
  ...resourceRules,
  ...shutdownRules,
  register: rules.boolean,
  meterProvider,
}
const TELEMETRY_RULES = {
  ...exporterRules,
  ...resourceRules,
  ...shutdownRules,
  logs: offOr(rules.object),
  traces: offOr(rules.object),
  metrics: offOr(rules.object),
  instrumentations,
}

/**
 * Options and environment of one logs pipeline, settled.
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function resolveLogs(options: LoggerProviderOptions, env: Environment): LogsConfig {
  checkOptionsAt('', options, LOGGER_PROVIDER_RULES)
  checkFlushOnExit(options)
  const config = logsConfig('', resolveExporter('logs', options, {}, env), options, env)
  return { ...config, meterProvider: options.meterProvider }
}

/**
 * Options and environment of `startTelemetry`, settled. Nothing has been started when this throws.
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function resolveTelemetry(options: TelemetryOptions, env: Environment): TelemetryConfig {
  checkOptionsAt('', options, TELEMETRY_RULES)
  checkFlushOnExit(options)
  const { logs = {}, traces = {}, metrics = {} } = options
  if (logs) checkOptionsAt('logs', logs, LOGS_RULES)
  if (traces) checkOptionsAt('traces', traces, TRACES_RULES)
  if (metrics) checkOptionsAt('metrics', metrics, METRICS_RULES)

  const disabled = readBoolean(env, ['OTEL_SDK_DISABLED']) ?? false
  warnUnsupportedVariables(env)
  return {
    logs:
      disabled || !logs
        ? undefined
        : logsConfig('logs', resolveExporter('logs', options, logs, env), logs, env),
    traces: disabled || !traces ? undefined : tracesConfig(options, traces, env),
    metrics: disabled || !metrics ? undefined : metricsConfig(options, metrics, env),
    // These work even when the SDK is disabled, says the specification.
    propagators: readList(env, 'OTEL_PROPAGATORS', PROPAGATORS) ?? ['tracecontext', 'baggage'],
    diagLogLevel: readVariable(env, ['OTEL_LOG_LEVEL'], diagLogLevel),
    instrumentations: disabled ? [] : (options.instrumentations ?? []),
  }
}

const PROPAGATORS: readonly PropagatorName[] = ['tracecontext', 'baggage', 'b3', 'b3multi']

const diagLogLevel: OptionType<DiagLogLevel> = {
  accepts: 'ALL, VERBOSE, DEBUG, INFO, WARN, ERROR or NONE',
  test: (value) => typeof value === 'number',
  parse: (text) => DiagLogLevel[text.toUpperCase() as keyof typeof DiagLogLevel],
}

/** @param path where the options stand, for messages */
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
    maxExportBatchSize: batchWithinQueue(path, 'OTEL_BLRP_MAX_EXPORT_BATCH_SIZE', options, resolved, env),
    exporters: usable(readList(env, 'OTEL_LOGS_EXPORTER', ['otlp', 'console']) ?? ['otlp'], exporter),
    limits: resolveOptions(LOG_LIMITS, { ...options.limits }, env),
    spool: resolveSpool(at(path, 'spool'), options.spool),
  }
}

function tracesConfig(general: TelemetryOptions, options: TracesOptions, env: Environment): TracesConfig {
  checkOptionsAt('traces.limits', options.limits, rulesOf(SPAN_LIMITS))
  const resolved = resolveOptions(TRACES, { ...options }, env)
  const exporter = resolveExporter('traces', general, options, env)
  const listed = readList(env, 'OTEL_TRACES_EXPORTER', ['otlp', 'console', 'zipkin']) ?? ['otlp']
  return {
    ...resolved,
    exporter,
    sampler: resolved.sampler ?? resolveSampler(env),
    maxExportBatchSize: batchWithinQueue('traces', 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', options, resolved, env),
    exporters: usable(listed, exporter),
    limits: resolveOptions(SPAN_LIMITS, { ...options.limits }, env),
  }
}

function metricsConfig(general: TelemetryOptions, options: MetricsOptions, env: Environment): MetricsConfig {
  checkOptionsAt('metrics.prometheus', options.prometheus, rulesOf(PROMETHEUS))
  const resolved = resolveOptions(METRICS, { ...options }, env)
  const listed = readList(env, 'OTEL_METRICS_EXPORTER', ['otlp', 'console', 'prometheus']) ?? ['otlp']
  const exporter = resolveExporter('metrics', general, options, env)
  return {
    ...resolved,
    exporter,
    exportTimeoutMillis: timeoutWithinInterval(resolved),
    exporters: options.prometheus === undefined ? usable(listed, exporter) : ['prometheus'],
    prometheus: resolveOptions(PROMETHEUS, { ...options.prometheus }, env),
    histogramAggregation:
      readVariable(env, ['OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION'], histogramAggregation) ??
      'explicit_bucket_histogram',
  }
}

/** The exporters of a signal; without OTLP's where its endpoint cannot be used. */
function usable<Name extends string>(
  names: readonly Name[],
  exporter: ExporterConfig | undefined,
): readonly Name[] {
  return exporter ? names : names.filter((name) => name !== 'otlp')
}

const histogramAggregation: OptionType<MetricsConfig['histogramAggregation']> = enumOf(
  'explicit_bucket_histogram',
  'base2_exponential_bucket_histogram',
)
