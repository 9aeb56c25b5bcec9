import { setEnvironmentData } from 'node:worker_threads'
import type { ExporterOptions, ResourceOptions } from './options.ts'

/** Key of the options for `@logbridge/pino` in pino's worker. */
const KEY = 'logbridge.telemetry.1'

/** Options of `startTelemetry` that a worker can use. */
export interface WorkerOptions {
  readonly options: Record<string, unknown>
  /** Names of the options that cannot be posted to a worker. */
  readonly unshared: readonly string[]
}

/**
 * Gives the options of logs to workers that start from now on, so that `@logbridge/pino` in pino's worker sends to the same receiver, as the
 * same service.
 * @param own options of the signal logs, which take precedence
 * @returns function that withdraws the options
 */
export function shareWithWorkers(general: ExporterOptions & ResourceOptions, own: ExporterOptions): () => void {
  const { endpoint, protocol, headers, compression, timeoutMillis, tls, proxy, agent } = {
    ...general,
    ...withoutUndefined(own),
  }
  const { serviceName, resource } = general
  const given = { endpoint, protocol, headers, compression, timeoutMillis, tls, proxy, agent, serviceName, resource }
  const options: Record<string, unknown> = {}
  const unshared: string[] = []
  for (const [name, value] of Object.entries(withoutUndefined(given))) {
    try {
      options[name] = structuredClone(name === 'tls' ? withTexts(value) : value)
    } catch {
      unshared.push(name)
    }
  }
  setEnvironmentData(KEY, { options, unshared } satisfies WorkerOptions)
  return () => setEnvironmentData(KEY, undefined as never)
}

/** Replaces buffers by texts, because a buffer arrives in a worker as another type. */
function withTexts(tls: unknown): unknown {
  if (typeof tls !== 'object' || tls === null) return tls
  return Object.fromEntries(
    Object.entries(tls).map(([name, value]) => [name, Buffer.isBuffer(value) ? value.toString() : value]),
  )
}

function withoutUndefined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T
}
