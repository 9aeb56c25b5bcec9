import { timers, unref } from '@logbridge/bridge'
import { timerMillis } from '../lifecycle.ts'

/**
 * Runs one attempt under a signal that is aborted with the one given, or when the time is up. When the attempt is over, so
 * are timer and listener: `AbortSignal.any` and `AbortSignal.timeout` would leave theirs behind with each request.
 */
export async function withDeadline<Result>(
  timeoutMillis: number,
  signal: AbortSignal,
  run: (attempt: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const attempt = new AbortController()
  const abort = (): void => attempt.abort()
  const timer = unref(timers.setTimeout(abort, timerMillis(timeoutMillis)))
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort)
  try {
    return await run(attempt.signal)
  } finally {
    timers.clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

/**
 * What a promise gives, but no later than the abort: what is waited for may never come.
 * @throws what the promise is rejected with; what the signal was aborted with
 */
export async function unlessAborted<Value>(
  attempt: AbortSignal,
  waited: Value | Promise<Value>,
): Promise<Value> {
  const over = Promise.withResolvers<never>()
  const onAbort = (): void => over.reject(attempt.reason)
  if (attempt.aborted) onAbort()
  else attempt.addEventListener('abort', onAbort)
  try {
    return await Promise.race([waited, over.promise])
  } finally {
    attempt.removeEventListener('abort', onAbort)
  }
}
