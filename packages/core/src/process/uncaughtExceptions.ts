import { AsyncLocalStorage } from 'node:async_hooks'
import { type Adapter, createBridge, isError, safeGet } from '@logbridge/bridge'
import {
  activeContext,
  errorMessage,
  isLoggingSuppressed,
  noteUncaught,
  warnOnce,
} from '@logbridge/bridge/internal'
import type { Context, LoggerProvider } from '@opentelemetry/api'

import { onProcess } from './sharedListeners.ts'

/** Uncaught exception, or the reason of an unhandled rejection. */
interface Uncaught {
  readonly thrown: unknown
  readonly origin: NodeJS.UncaughtExceptionOrigin
  readonly context: Context
}

/**
 * Converts an uncaught exception to a LogRecord.
 *
 * | uncaught               | LogRecord                                                               |
 * | ---------------------- | ----------------------------------------------------------------------- |
 * |                        | severity 21, `FATAL`: https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/ |
 * | an Error               | its message as the body, `exception.*`, its own fields under `error`     |
 * | any other value        | the value as the body, its type as `exception.type`; a primitive as text, and as `exception.message` |
 * | origin                 | `logbridge.exception.origin`: `uncaughtException` or `unhandledRejection` |
 */
const adapter: Adapter<Uncaught> = {
  library: '@logbridge/core',
  classify: () => ({ severityNumber: 21, severityText: 'FATAL' }),
  convert({ thrown, origin, context }) {
    const attributes: Record<string, unknown> = { 'logbridge.exception.origin': origin }
    const record = { attributes, context }
    if (isError(thrown)) return { ...record, body: safeGet(thrown, 'message'), exception: thrown }
    attributes['exception.type'] = thrown === null ? 'null' : typeof thrown
    if (typeof thrown === 'object' && thrown !== null) return { ...record, body: thrown }
    attributes['exception.message'] = errorMessage(thrown)
    return { ...record, body: errorMessage(thrown) }
  },
}

/**
 * Records each uncaught exception and calls `spill`. The exception then takes its usual way: to the `uncaughtException` handlers of
 * the application, or to the end of the process.
 *
 * @param spill writes unsent records to the spool, called after each record; with `true` when the exception ends the process
 * @returns function that ends the recording
 */
export function watchUncaughtExceptions(
  loggerProvider: LoggerProvider,
  spill: (isEnd: boolean) => void,
): () => void {
  const bridge = createBridge(adapter, { loggerProvider })
  const unsuppressed = AsyncLocalStorage.snapshot()

  function onUncaught(thrown: unknown, origin: NodeJS.UncaughtExceptionOrigin): void {
    if (isHandledByDomain()) return
    const isEnd =
      process.listenerCount('uncaughtException') === 0 && !process.hasUncaughtExceptionCaptureCallback()
    // Skip an exception of our export, e.g. of a headers function, because its record would cause the next export.
    if (!isEnd && isLoggingSuppressed()) return
    const uncaught: Uncaught = { thrown, origin, context: activeContext() }
    unsuppressed(() => bridge.emit(uncaught))
    noteUncaught(thrown, loggerProvider)
    // Spill even when the application has handlers: a handler that throws ends the process without `exit` listeners (code 7).
    spill(isEnd)
  }

  function listener(thrown: unknown, origin: NodeJS.UncaughtExceptionOrigin): void {
    try {
      onUncaught(thrown, origin)
    } catch (error) {
      // An error thrown from here would replace the exception of the application.
      warnOnce('uncaught-exception', 'recording an uncaught exception failed', error)
    }
  }

  return onProcess('uncaughtExceptionMonitor', listener)
}

/** Returns true when an active domain handles errors. Node.js calls the domain after the monitor of uncaught exceptions. */
function isHandledByDomain(): boolean {
  const { domain } = process as { domain?: unknown }
  return domain != null && process.hasUncaughtExceptionCaptureCallback()
}
