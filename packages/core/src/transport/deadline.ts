import type { EventEmitter } from 'node:events'
import { warnOnce, rearm, timers, unref } from '@logbridge/bridge/internal'
import type { ExporterConfig } from '../config/exporter.ts'
import { timerMillis } from '../process/timers.ts'
import { countRequest } from '../process/heldEnd.ts'
import type { ExportOutcome } from './transport.ts'

/** How long an attempt may take to end once it is aborted. */
const ABORT_TIMEOUT_MILLIS = 1000

/**
 * Runs one attempt under a signal that is aborted with the one given, or when the time is up. When the attempt is over, so
 * are timer and listener: `AbortSignal.any` and `AbortSignal.timeout` would leave theirs behind with each request.
 * @throws an AbortError when the attempt has not ended `END_MILLIS` after the abort, whatever it waits for
 */
export async function withDeadline<Result>(
  timeoutMillis: number,
  signal: AbortSignal,
  run: (attempt: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const attempt = new AbortController()
  const abort = (): void => attempt.abort()
  const ended = countRequest()
  const timer = unref(timers.setTimeout(abort, timerMillis(timeoutMillis)))
  const overdue = Promise.withResolvers<never>()
  let endTimer: NodeJS.Timeout | undefined
  attempt.signal.addEventListener('abort', () => {
    endTimer = timers.setTimeout(() => overdue.reject(attempt.signal.reason), ABORT_TIMEOUT_MILLIS)
  })
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort)
  try {
    return await Promise.race([run(attempt.signal), overdue.promise])
  } finally {
    ended()
    timers.clearTimeout(timer)
    timers.clearTimeout(endTimer)
    signal.removeEventListener('abort', abort)
  }
}

/**
 * Waits for a promise until the abort: the promise may never settle.
 * @throws what the promise is rejected with; what the signal was aborted with
 */
export async function raceAbort<Value>(attempt: AbortSignal, waited: Value | Promise<Value>): Promise<Value> {
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

/** Makes the outcome of an attempt that has thrown before its request was sent. */
export function outcomeOfThrown(
  protocol: 'gRPC' | 'HTTP',
  error: unknown,
  { tls }: Pick<ExporterConfig, 'tls'>,
  signal: AbortSignal,
): ExportOutcome {
  const { code, name } = error as NodeJS.ErrnoException
  // The code of an AbortError is a number that says nothing.
  const reason = `${protocol} request impossible: ${name === 'AbortError' ? 'not ready in time' : (code ?? name)}`
  // A certificate that cannot be read would throw again, unless its file changes.
  const passing = signal.aborted || name === 'AbortError' || tls?.files !== undefined
  return { kind: passing ? 'retryable' : 'failed', reason }
}

/** A request that is being written: an HTTP/1 request, or a stream of HTTP/2. */
interface Outgoing extends EventEmitter {
  readonly writableFinished: boolean
  readonly closed: boolean
}

/**
 * Waits until a request that has been answered is no longer read from: the kernel has all of its bytes, or its connection or
 * stream is closed. A receiver may answer before it has read the request. An answer that accepts the request does not end the
 * sending, because such a receiver goes on reading: only the end of the attempt does. Any other answer ends it at once.
 *
 * @param accepted whether the receiver has accepted the request
 * @param cut closes the connection or the stream
 * @returns whether the kernel has all bytes; where it has not, something may still read the memory of the request. A stream
 * can be closed with its last bytes still on their way to the kernel.
 */
export async function waitUntilSent(
  request: Outgoing,
  accepted: boolean,
  attempt: AbortSignal,
  cut: () => void,
): Promise<boolean> {
  if (request.writableFinished) {
    rearm('cut-request')
    return true
  }
  if (request.closed) return false
  const settled = Promise.withResolvers<void>()
  request.once('finish', settled.resolve).once('close', settled.resolve)
  const onAbort = (): void => {
    cut()
    if (accepted) {
      warnOnce(
        'cut-request',
        'the receiver accepted a request that it did not read to its end in time; its records count as delivered (logged once until one is read)',
      )
    }
  }
  if (!accepted) cut()
  else if (attempt.aborted) onAbort()
  else attempt.addEventListener('abort', onAbort)
  await settled.promise
  attempt.removeEventListener('abort', onAbort)
  return request.writableFinished
}

/** Waits for a promise until the abort. Resolves to `undefined` when the promise rejects or the signal aborts first. */
export function untilAborted<Value>(
  waited: Promise<Value> | undefined,
  signal: AbortSignal,
): Promise<Value | undefined> {
  return raceAbort(signal, waited).catch(() => undefined)
}
