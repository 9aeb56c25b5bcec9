import { EventEmitter } from 'node:events'
import { replayBufferedRecords } from './startupBuffer.ts'
import { noteLongWait } from './longWait.ts'
import { ACCEPTS_ANY_VALUE, registeredProvider } from './provider.ts'
import { timers } from './timers.ts'
import type { LoggerProvider } from './types.ts'

/** Longest time that the end of a logger, a provider, or the process waits by default. */
export const END_TIMEOUT_MILLIS = 3000

interface Flushable {
  forceFlush(timeout: unknown): unknown
}

/** Proxy of the API for a LoggerProvider that is registered later. Later versions of the API may rename `_getDelegate` to `getDelegate`. */
interface ProxyProvider {
  getDelegate?(): LoggerProvider
  _getDelegate?(): LoggerProvider
}

/**
 * Flushes a LoggerProvider of any kind. Replays the startup buffer first, if the provider is the registered one. Keeps the process alive
 * meanwhile. Never rejects.
 *
 * @param injected provider of the option `loggerProvider`. Default: the registered provider.
 * @returns the error of a failed flush; `undefined` after a success, after the timeout, and when the provider has no `forceFlush`
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
    // Our provider takes a number, and keeps the process alive for this time at most. The provider of the SDK takes an object.
    const timeout = ACCEPTS_ANY_VALUE in provider ? timeoutMillis : { timeoutMillis }
    await waitAtMost(provider.forceFlush(timeout), timeoutMillis)
    return undefined
  } catch (error) {
    return error ?? new Error('forceFlush() rejected without an error')
  } finally {
    endNote()
  }
}

/**
 * Number of timers that one wait starts in turn. After a blocked event loop, a single timer is due, so that answers which arrived meanwhile are
 * processed before the wait ends.
 */
const WAIT_STEPS = 4

/**
 * Waits for a promise for at most `timeoutMillis`, and keeps the process alive meanwhile.
 * @throws the reason of the rejected promise
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

/** Returns the provider behind the proxies of the API; `undefined` when the provider has no `forceFlush`. */
function flushableOf(provider: LoggerProvider | undefined): Flushable | undefined {
  let found: (LoggerProvider & Partial<Flushable> & ProxyProvider) | undefined = provider
  // A proxy may lead to the proxy of another version of the API.
  for (let depth = 0; found !== undefined && depth < 4; depth += 1) {
    if (typeof found.forceFlush === 'function') return found as Flushable
    // oxlint-disable-next-line no-underscore-dangle -- the API has this name
    found = found.getDelegate?.() ?? found._getDelegate?.()
  }
  return undefined
}

/** Methods and events with which an application waits for the end of a stream. */
export interface StreamEnd extends EventEmitter {
  /**
   * Flushes the LoggerProvider, for `flushTimeoutMillis` at most, then emits `finish` and `close`. The stream accepts records afterwards, too.
   * @param chunk last chunk, written before the flush
   * @param callback called at `finish`
   */
  end(chunk?: unknown, encoding?: unknown, callback?: () => void): void
  /**
   * Flushes the LoggerProvider, for `flushTimeoutMillis` at most.
   * @param callback called after the flush, with the error of a failed flush
   */
  flush(callback?: (error?: unknown) => void): void
}

/**
 * Makes `end`, `flush`, and their events for a stream without a buffer.
 * @param write writes the last chunk
 * @param flush `flush` of the bridge
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
      // Listeners run in setImmediate: their error is an uncaught exception, like in a stream of Node.js, and no rejection of the promise.
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

/**
 * Calls the callback of a stream's `write`: in the next turn, because a record is passed on at once; after a flush, when the chunk is
 * empty, because an application writes an empty chunk to wait for the records before it.
 *
 * @param args arguments of `write` after the chunk: encoding and callback, in the forms of a stream of Node.js
 */
export function answerWrite(stream: StreamEnd, chunk: unknown, args: readonly unknown[]): void {
  const callback = args.find((arg) => typeof arg === 'function') as ((error?: unknown) => void) | undefined
  if (callback === undefined) return
  if (chunk === '') stream.flush(callback)
  else timers.setImmediate(callback)
}
