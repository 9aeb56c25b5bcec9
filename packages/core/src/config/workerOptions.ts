import { setEnvironmentData } from 'node:worker_threads'
import { type DestinationConfig, takesLines } from './file.ts'
import { mergeHeaders } from './headers.ts'
import type { ExporterOptions, FileOptions, ResourceOptions } from './options.ts'

/** Key of the options for `@logbridge/pino` in pino's worker. */
const KEY = 'logbridge.telemetry.1'
const LOGS_PATH = '/v1/logs'

/**
 * Gives the options of logs to workers that start from now on, so that `@logbridge/pino` in pino's worker sends to the same receiver, as the
 * same service. Names the options that cannot be posted to a worker.
 *
 * @param own options of the signal logs, which take precedence
 * @param exporter the resolved configuration of logs
 * @returns function that withdraws the options
 */
export function shareWithWorkers(
  general: ExporterOptions & ResourceOptions,
  own: ExporterOptions & { readonly file?: FileOptions | undefined },
  exporter: DestinationConfig | undefined,
): () => void {
  const headers = [general.headers, own.headers].filter((each) => each !== undefined)
  const given: Record<string, unknown> = {
    ...receiverOptions(general.endpoint ?? own.endpoint, exporter),
    file: own.file,
    headers: headers.length > 0 ? mergeHeaders(headers) : undefined,
    compression: own.compression ?? general.compression,
    timeoutMillis: own.timeoutMillis ?? general.timeoutMillis,
    tls: withTexts(own.tls ?? general.tls),
    proxy: own.proxy ?? general.proxy,
    agent: own.agent ?? general.agent,
    serviceName: general.serviceName,
    resource: general.resource,
  }
  const options: Record<string, unknown> = {}
  const unshared: string[] = []
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    try {
      options[name] = structuredClone(value)
    } catch {
      unshared.push(name)
    }
  }
  setEnvironmentData(KEY, { options, unshared })
  return () => setEnvironmentData(KEY, undefined)
}

/** Returns the endpoint in the form of an endpoint for all signals, to which the worker appends the path of logs. */
function receiverOptions(endpoint: string | undefined, exporter: DestinationConfig | undefined): object {
  if (exporter === undefined || takesLines(exporter)) return {}
  if (endpoint === undefined) return { protocol: exporter.protocol }
  const { protocol, url } = exporter
  if (protocol === 'grpc') return { protocol, endpoint: url }
  // A worker would append the path of logs to any other path. A function is named as an option that cannot be posted.
  return { protocol, endpoint: url.endsWith(LOGS_PATH) ? url.slice(0, -LOGS_PATH.length) : () => {} }
}

/** Replaces buffers by texts, because a buffer arrives in a worker as another type. */
function withTexts(tls: ExporterOptions['tls']): unknown {
  if (typeof tls !== 'object') return tls
  return Object.fromEntries(
    Object.entries(tls).map(([name, value]) => [name, Buffer.isBuffer(value) ? value.toString() : value]),
  )
}
