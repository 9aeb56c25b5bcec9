import { warnOnce } from '@logbridge/bridge/internal'
import { METRICS } from './optionTable.ts'
import { at, type Environment, enumOf, invalidOption, readVariable } from './settings.ts'

// Rules between two settings, and variables that are not supported.

/**
 * Limits `maxExportBatchSize` to `maxQueueSize`, because a batch larger than the queue would never fill up.
 * A variable is lowered with a warning.
 * @param path path of the options, for messages
 * @param variables variables of `maxExportBatchSize`
 * @throws LogbridgeError `INVALID_OPTION` when the option exceeds the queue
 */
export function batchWithinQueue<Size extends number | undefined>(
  path: string,
  variables: readonly string[],
  options: { maxExportBatchSize?: number | undefined },
  { maxQueueSize, maxExportBatchSize }: { maxQueueSize: number | undefined; maxExportBatchSize: Size },
  env: Environment,
): Size {
  if (maxQueueSize === undefined || maxExportBatchSize === undefined || maxExportBatchSize <= maxQueueSize) {
    return maxExportBatchSize
  }
  if (options.maxExportBatchSize !== undefined) {
    throw invalidOption(
      `option ${at(path, 'maxExportBatchSize')} is ${maxExportBatchSize}; it accepts at most ` +
        `${at(path, 'maxQueueSize')}, which is ${maxQueueSize}`,
    )
  }
  const variable = variables.find((name) => env[name]?.trim())
  if (variable !== undefined) {
    warnOnce(
      variable,
      `${variable} is ${maxExportBatchSize}, more than the maximum queue size; ${maxQueueSize} is used`,
    )
  }
  return maxQueueSize as Size
}

/**
 * Limits the export timeout of metrics to the interval, because an export must end before the next begins. Warns when an
 * option or a variable sets the timeout.
 */
export function timeoutWithinInterval(
  options: { exportTimeoutMillis?: number | undefined },
  {
    exportIntervalMillis,
    exportTimeoutMillis,
  }: { exportIntervalMillis: number; exportTimeoutMillis: number },
  env: Environment,
): number {
  // 0 means no limit.
  if (exportTimeoutMillis === 0) return exportIntervalMillis
  if (exportTimeoutMillis <= exportIntervalMillis) return exportTimeoutMillis
  const { type, variables } = METRICS.exportTimeoutMillis
  if ((options.exportTimeoutMillis ?? readVariable(env, variables, type)) !== undefined) {
    warnOnce(
      'OTEL_METRIC_EXPORT_TIMEOUT',
      `metrics.exportTimeoutMillis (OTEL_METRIC_EXPORT_TIMEOUT) is ${exportTimeoutMillis}, more than ` +
        `the export interval; ${exportIntervalMillis} is used`,
    )
  }
  return exportIntervalMillis
}

/** Warns about variables of the specification that this package does not support. */
export function warnUnsupportedVariables(env: Environment): void {
  for (const name of ['OTEL_CONFIG_FILE', 'OTEL_EXPERIMENTAL_CONFIG_FILE']) {
    if (!env[name]?.trim()) continue
    warnOnce(
      name,
      `${name} is ignored: startTelemetry() reads options and the other OTEL_* variables. To use the file, call ` +
        'startNodeSDK() of @opentelemetry/sdk-node instead of startTelemetry(); adapters use the providers that startNodeSDK() registers',
    )
  }
  const filter = readVariable(
    env,
    ['OTEL_METRICS_EXEMPLAR_FILTER'],
    enumOf('always_on', 'always_off', 'trace_based'),
  )
  if (filter !== undefined && filter !== 'always_off') {
    warnOnce(
      'OTEL_METRICS_EXEMPLAR_FILTER',
      `OTEL_METRICS_EXEMPLAR_FILTER=${filter} has no effect: OpenTelemetry JS records no exemplars`,
    )
  }
}
