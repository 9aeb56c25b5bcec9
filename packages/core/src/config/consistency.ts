import { LogbridgeError } from '@logbridge/bridge'
import { warnOnce } from '@logbridge/bridge/internal'
import { at, type Environment, readVariable, enumOf } from './settings.ts'

// The rules that tie settings to one another, and the variables that cannot be obeyed.

/** https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#periodic-exporting-metricreader */
const DEFAULT_TIMEOUT_MILLIS = 30_000

/**
 * A batch larger than the queue would never be full.
 * @param path where the options stand, for messages
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function batchWithinQueue<Size extends number | undefined>(
  path: string,
  variable: string,
  options: { maxExportBatchSize?: number | undefined },
  { maxQueueSize, maxExportBatchSize }: { maxQueueSize: number | undefined; maxExportBatchSize: Size },
  env: Environment,
): Size {
  if (maxQueueSize === undefined || maxExportBatchSize === undefined || maxExportBatchSize <= maxQueueSize) {
    return maxExportBatchSize
  }
  if (options.maxExportBatchSize !== undefined) {
    throw new LogbridgeError(
      'INVALID_OPTION',
      `@logbridge/core: option ${at(path, 'maxExportBatchSize')} is ${maxExportBatchSize}, more than the ` +
        `${maxQueueSize} of ${at(path, 'maxQueueSize')}: a batch must fit into the queue`,
    )
  }
  if (env[variable]?.trim()) {
    warnOnce(
      variable,
      `${variable} is ${maxExportBatchSize}, more than the queue holds; ${maxQueueSize} is used`,
    )
  }
  return maxQueueSize as Size
}

/** An export must end before the next begins. Only who has set the timeout is told that it is shortened. */
export function timeoutWithinInterval(settled: {
  exportIntervalMillis: number
  exportTimeoutMillis: number | undefined
}): number {
  const { exportIntervalMillis, exportTimeoutMillis = DEFAULT_TIMEOUT_MILLIS } = settled
  if (exportTimeoutMillis <= exportIntervalMillis) return exportTimeoutMillis
  if (settled.exportTimeoutMillis !== undefined) {
    warnOnce(
      'OTEL_METRIC_EXPORT_TIMEOUT',
      `the metrics' exportTimeoutMillis (OTEL_METRIC_EXPORT_TIMEOUT) is ${exportTimeoutMillis}, longer than ` +
        `the interval; ${exportIntervalMillis} is used`,
    )
  }
  return exportIntervalMillis
}

/** Variables of the specification that nothing here could obey. */
export function warnUnsupportedVariables(env: Environment): void {
  for (const name of ['OTEL_CONFIG_FILE', 'OTEL_EXPERIMENTAL_CONFIG_FILE']) {
    if (!env[name]?.trim()) continue
    warnOnce(
      name,
      `${name} is not read by startTelemetry(): give options or the other OTEL_* variables in its place. To use the ` +
        'file, start it with startNodeSDK() of @opentelemetry/sdk-node and no startTelemetry(); adapters use what that registers',
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
