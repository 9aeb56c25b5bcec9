import { AsyncLocalStorage } from 'node:async_hooks'
import { type Adapter, createBridge, isError, safeGet } from '@logbridge/bridge'
import { activeContext, warnOnce, isLoggingSuppressed, errorMessage } from '@logbridge/bridge/internal'
import type { Context, LoggerProvider } from '@opentelemetry/api'

/** What a throw statement, or a rejection that nobody handles, has brought up. */
interface Uncaught {
  readonly thrown: unknown
  readonly origin: NodeJS.UncaughtExceptionOrigin
  readonly context: Context
}

/**
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
 * Records each exception that nothing catches, and has it written to the spool at once. The exception goes on as
 * if nobody had looked: to the application's own `uncaughtException` handlers, or to the end of the process.
 *
 * @param spill called after each
 * @returns stops recording
 */
export function watchUncaughtExceptions(loggerProvider: LoggerProvider, spill: () => void): () => void {
  const bridge = createBridge(adapter, { loggerProvider })
  const outsideOfExport = AsyncLocalStorage.snapshot()

  function onUncaught(thrown: unknown, origin: NodeJS.UncaughtExceptionOrigin): void {
    if (isHandledByDomain()) return
    const isEnd =
      process.listenerCount('uncaughtException') === 0 && !process.hasUncaughtExceptionCaptureCallback()
    // What our own export throws (an application's function for headers, say) would bring about the next export.
    if (!isEnd && isLoggingSuppressed()) return
    const uncaught: Uncaught = { thrown, origin, context: activeContext() }
    outsideOfExport(() => bridge.emit(uncaught))
    // Also where the application has handlers: one that fails itself ends the process without a last word (code 7).
    spill()
  }

  function listener(thrown: unknown, origin: NodeJS.UncaughtExceptionOrigin): void {
    try {
      onUncaught(thrown, origin)
    } catch (error) {
      // Thrown from here it would take the place of the application's own.
      warnOnce('uncaught-exception', 'an uncaught exception could not be recorded', error)
    }
  }

  process.on('uncaughtExceptionMonitor', listener)
  return () => process.off('uncaughtExceptionMonitor', listener)
}

/** Whether one of the active domains has a handler for errors. Node asks it after the monitor of uncaught exceptions. */
function isHandledByDomain(): boolean {
  const { domain } = process as { domain?: unknown }
  return domain != null && process.hasUncaughtExceptionCaptureCallback()
}
