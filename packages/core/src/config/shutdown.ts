import type { ShutdownOptions } from './options.ts'
import { SHUTDOWN } from './optionTable.ts'
import { invalidOption, type Resolved, resolveOptions } from './settings.ts'

/** Default timeout of `forceFlush` in milliseconds: `exportTimeoutMillis` of the specification. */
export const FLUSH_TIMEOUT_MILLIS = 30_000

/**
 * Resolves the shutdown options. Expects checked options.
 * @param isRegistered a LoggerProvider that is not registered captures no exceptions by default
 */
export function resolveShutdown(options: ShutdownOptions, isRegistered: boolean): Resolved<typeof SHUTDOWN> {
  const captureUncaughtExceptions = options.captureUncaughtExceptions ?? (isRegistered ? undefined : false)
  return resolveOptions(SHUTDOWN, { ...options, captureUncaughtExceptions }, {})
}

/**
 * Checks that the permission model of Node.js allows the worker thread of `flushOnExit`.
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function checkFlushOnExit({ flushOnExit }: ShutdownOptions): void {
  const { permission } = process as { permission?: { has(scope: string): boolean } }
  if (!flushOnExit || permission === undefined || permission.has('worker')) return
  throw invalidOption(
    'option flushOnExit needs a worker thread, which the permission model denies: start node with ' +
      '--allow-worker, or omit flushOnExit and call shutdown() before the process exits',
  )
}
