import { checkOptions, rules } from '@logbridge/bridge'
import { warnOnce } from '@logbridge/bridge/internal'
import { within } from './process/timers.ts'
import { runningTelemetry } from './telemetry.ts'

/** Options of `flushOnFreeze`. */
export interface FlushOnFreezeOptions {
  /**
   * Telemetry or LoggerProvider to flush.
   * @default the running Telemetry of `startTelemetry`
   */
  telemetry?: { forceFlush(timeoutMillis?: number): Promise<unknown> } | undefined
  /**
   * Maximum delay of a result, in milliseconds.
   * @default 2000
   */
  timeoutMillis?: number | undefined
}

/** Part of the context of AWS Lambda. */
interface Context {
  /** Returns the milliseconds until the platform aborts the invocation. */
  getRemainingTimeInMillis(): number
}

/** Time between the flush and the time limit of the invocation, so that the result is returned in time. */
const MARGIN_MILLIS = 200
/** Properties that each function has. All other properties of the handler are copied. */
const NOT_COPIED: ReadonlySet<PropertyKey> = new Set(['prototype', 'arguments', 'caller'])

/**
 * Wraps the handler of a serverless function, such as AWS Lambda, so that all telemetry is sent before the result is returned.
 * The platform freezes the process as soon as the process returns the result, and may never resume the process. Tasks of a pool
 * of worker threads (piscina, tinypool) are such handlers, too, because the pool may block or terminate a thread after a result.
 *
 * The flush ends after `timeoutMillis`, or 200 ms before the `getRemainingTimeInMillis()` of the context. The next invocation
 * sends the rest.
 *
 * Handlers may be asynchronous, take a callback, or be used with `awslambda.streamifyResponse`. `this`, arguments, result, error,
 * and `length` are unchanged. A synchronous error becomes a rejection. A result that is no promise is returned at once, and the
 * flush keeps the process running.
 *
 * @param handler handler to wrap
 * @returns a handler with the same signature
 * @throws LogbridgeError `INVALID_OPTION`
 * @example
 * ```ts
 * export const handler = flushOnFreeze(async (event, context) => ({ statusCode: 200 }))
 * ```
 */
export function flushOnFreeze<Handler extends (...args: any[]) => any>(
  handler: Handler,
  options: FlushOnFreezeOptions = {},
): Handler {
  checkOptions('@logbridge/core', { handler: handler ?? null, ...options }, RULES)
  const { telemetry, timeoutMillis = 2000 } = options

  async function flush(context: Context | undefined): Promise<void> {
    const flushed = telemetry ?? runningTelemetry()
    if (flushed === undefined) {
      return warnOnce(
        'nothing-to-flush',
        'flushOnFreeze() has nothing to flush: call startTelemetry() outside of the handler, or set the option telemetry',
      )
    }
    const remaining = context === undefined ? Infinity : context.getRemainingTimeInMillis() - MARGIN_MILLIS
    const millis = Math.max(0, Math.min(timeoutMillis, remaining))
    let failure: unknown
    // Limit the wait, because the flush of another LoggerProvider may ignore the timeout.
    const flushing = Promise.resolve(flushed.forceFlush(millis)).catch((error: unknown) => (failure = error))
    await within(millis, [flushing])
    if (failure !== undefined) throw failure
  }

  function invoke(this: unknown, ...args: unknown[]): unknown {
    const context = args.find(isContext)
    // Return the result even when the flush fails.
    const flushed = (): Promise<void> =>
      flush(context).catch((error: unknown) => warnOnce('freeze', 'the flush before a freeze failed', error))
    const callback = args.at(-1)
    if (typeof callback === 'function') {
      args[args.length - 1] = async (...results: unknown[]) => {
        await flushed()
        callback(...results)
      }
    }
    let result: unknown
    try {
      result = handler.apply(this, args)
    } catch (error) {
      return flushed().then(() => Promise.reject(error))
    }
    if (isThenable(result)) return Promise.resolve(result).finally(flushed)
    const answersLater = typeof callback === 'function' && handler.length >= args.length
    if (!answersLater) void flushed()
    return result
  }

  for (const key of Reflect.ownKeys(handler)) {
    if (!NOT_COPIED.has(key))
      Object.defineProperty(invoke, key, Object.getOwnPropertyDescriptor(handler, key)!)
  }
  return invoke as Handler
}

const RULES = {
  handler: rules.function,
  telemetry: {
    accepts: 'a Telemetry or a LoggerProvider (an object with a forceFlush method)',
    test: (value: unknown) =>
      typeof (value as { forceFlush?: unknown } | undefined)?.forceFlush === 'function',
  },
  timeoutMillis: rules.millis,
}

function isContext(value: unknown): value is Context {
  return (
    typeof (value as { getRemainingTimeInMillis?: unknown } | null | undefined)?.getRemainingTimeInMillis ===
    'function'
  )
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
