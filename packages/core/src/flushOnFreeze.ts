import { checkOptions, rules } from '@logbridge/bridge'
import { warnOnce } from '@logbridge/bridge/internal'
import { within } from './process/timers.ts'
import { runningTelemetry } from './telemetry.ts'

export interface FlushOnFreezeOptions {
  /** What to flush: a Telemetry or a LoggerProvider. Default: what `startTelemetry` has started in this process. */
  telemetry?: { forceFlush(timeoutMillis?: number): Promise<unknown> } | undefined
  /** Milliseconds that a result may be held up at most. Default 2000. */
  timeoutMillis?: number | undefined
}

/** The part of a Lambda context that is needed. */
interface Context {
  /** Milliseconds until the platform gives the invocation up. */
  getRemainingTimeInMillis(): number
}

/** Left of the invocation's time, so that its result still gets out. */
const MARGIN_MILLIS = 200
/** Own properties of functions that are not the handler's. */
const NOT_COPIED: ReadonlySet<PropertyKey> = new Set(['prototype', 'arguments', 'caller'])

/**
 * Wraps the handler of a serverless function, as of AWS Lambda, whose process is frozen as soon as it has given its result and
 * may never be thawed: everything logged is sent before the result is handed on.
 *
 * ```ts
 * export const handler = flushOnFreeze(async (event, context) => ({ statusCode: 200 }))
 * ```
 * A task of a pool of worker threads (piscina, tinypool) is such a handler, because the pool may block or terminate its thread
 * after each result.
 *
 * It takes asynchronous handlers, those with a callback, and those for `awslambda.streamifyResponse`, before or after it;
 * `this`, arguments, result, error and `length` stay what they are. What such a handler throws at once becomes a
 * rejection, which Lambda takes for the same; what one returns that is no promise is handed on at once, and the flush
 * keeps the process busy until it has ended. The flush ends after `timeoutMillis`, or 200 ms before the context's
 * `getRemainingTimeInMillis()`: what is unsent then goes with the next invocation.
 *
 * @throws LogbridgeError `INVALID_OPTION`
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
        'flushOnFreeze() has nothing to flush: call startTelemetry() outside of the handler, or give it a telemetry',
      )
    }
    const remaining = context === undefined ? Infinity : context.getRemainingTimeInMillis() - MARGIN_MILLIS
    const millis = Math.max(0, Math.min(timeoutMillis, remaining))
    let failure: unknown
    // Bounded here, because a provider of another kind may not know the time, and its flush may never end.
    const flushing = Promise.resolve(flushed.forceFlush(millis)).catch((error: unknown) => (failure = error))
    await within(millis, [flushing])
    if (failure !== undefined) throw failure
  }

  function invoke(this: unknown, ...args: unknown[]): unknown {
    const context = args.find(isContext)
    // A handler's result must get out, whatever becomes of the flush.
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
    accepts: 'what has a forceFlush method',
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
