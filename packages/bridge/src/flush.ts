import { EventEmitter } from 'node:events'
import { registeredProvider } from './otelGlobals.ts'
import { replayBufferedRecords } from './startupBuffer.ts'
import { noteLongWait } from './longWait.ts'
import { ACCEPTS_ANY_VALUE } from './provider.ts'
import { timers } from './timers.ts'
import type { LoggerProvider } from './types.ts'

/** Milliseconds that the end of a logger, a provider or the process waits at most by default. */
export const END_TIMEOUT_MILLIS = 3000

interface Flushable {
  forceFlush(timeout: unknown): unknown
}

/** What the API hands out for a LoggerProvider that is yet to be registered; later API versions may make the method public. */
interface ProxyProvider {
  getDelegate?(): LoggerProvider
  _getDelegate?(): LoggerProvider
}

/**
 * Flushes a LoggerProvider of any kind. Records that were kept for the registered one are handed to it before. The process is
 * kept alive meanwhile. Never rejects.
 *
 * @param injected the user's own provider; else the registered one
 * @returns the error of a flush that failed; `undefined` when it has succeeded or the time is up, or nothing can be flushed
 */
export async function flushProvider(
  injected: LoggerProvider | undefined,
  timeoutMillis: number = END_TIMEOUT_MILLIS,
): Promise<unknown> {
  const endNote = noteLongWait(`log records to be sent, at most ${timeoutMillis} ms`)
  try {
    if (injected === undefined) replayBufferedRecords()
    const provider = flushableOf(injected ?? registeredProvider())
    if (provider === undefined) return undefined
    // A provider that knows the deadline keeps the process alive no longer than that. The SDK takes an object.
    const timeout = ACCEPTS_ANY_VALUE in provider ? timeoutMillis : { timeoutMillis }
    await waitAtMost(provider.forceFlush(timeout), timeoutMillis)
    return undefined
  } catch (error) {
    return error ?? new Error('forceFlush() has rejected without an error')
  } finally {
    endNote()
  }
}

/** A blocked event loop takes one step of a wait, so that the time is not up before what has come meanwhile is seen. */
const WAIT_STEPS = 4

/**
 * Waits for a promise, no longer than the time given, and keeps the process alive meanwhile.
 * @throws the reason for which the promise rejects
 */
export async function waitAtMost(promise: unknown, timeoutMillis: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<void>((resolve) => {
    let left = WAIT_STEPS
    const step = (): void => {
      if (left === 0) return resolve()
      left -= 1
      timer = timers.setTimeout(step, timeoutMillis / WAIT_STEPS)
    }
    step()
  })
  try {
    await Promise.race([promise, deadline])
  } finally {
    timers.clearTimeout(timer)
  }
}

/** The provider behind the proxies of an API, where it has a `forceFlush`. */
function flushableOf(provider: LoggerProvider | undefined): Flushable | undefined {
  let found: (LoggerProvider & Partial<Flushable> & ProxyProvider) | undefined = provider
  // A proxy may stand behind that of another version of the API.
  for (let depth = 0; found !== undefined && depth < 4; depth += 1) {
    if (typeof found.forceFlush === 'function') return found as Flushable
    // oxlint-disable-next-line no-underscore-dangle -- the name that the API has
    found = found.getDelegate?.() ?? found._getDelegate?.()
  }
  return undefined
}

/** The methods and events by which the user of a stream waits for its end. */
export interface StreamEnd extends EventEmitter {
  /**
   * Flushes the LoggerProvider, for `flushTimeoutMillis` at most, then emits `finish` and `close`. The stream still takes
   * records afterwards.
   * @param chunk written before
   * @param callback called at `finish`
   */
  end(chunk?: unknown, encoding?: unknown, callback?: () => void): void
  /**
   * Flushes the LoggerProvider, for `flushTimeoutMillis` at most.
   * @param callback called when that has ended, with the error of a flush that failed
   */
  flush(callback?: (error?: unknown) => void): void
}

/**
 * Makes the end of a stream that holds nothing itself.
 * @param write takes a last chunk
 * @param flush as a bridge has it
 */
export function createStreamEnd(write: (chunk: any) => void, flush: () => Promise<unknown>): StreamEnd {
  let finished: Promise<unknown> | undefined
  const stream = Object.assign(new EventEmitter(), {
    end(...args: unknown[]) {
      const [chunk] = args
      const callback = args.find((arg) => typeof arg === 'function') as (() => void) | undefined
      if (chunk != null && chunk !== callback) write(chunk)
      const isFirst = finished === undefined
      finished ??= flush()
      // Out of the promise: what a listener throws is an uncaught exception, as with a stream of Node.js.
      void finished.then(() =>
        timers.setImmediate(() => {
          if (isFirst) stream.emit('finish')
          callback?.()
          if (isFirst) stream.emit('close')
        }),
      )
    },
    flush(callback?: (error?: unknown) => void) {
      void flush().then((error) => timers.setImmediate(() => callback?.(error)))
    },
  })
  return stream
}
