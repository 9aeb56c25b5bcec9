import type { EventEmitter } from 'node:events'
import { warnOnce, rearm, timers, unref } from '@logbridge/bridge/internal'
import type { ExporterConfig } from '../config/exporter.ts'
import { timerMillis } from '../process/timers.ts'
import { countRequest } from '../process/heldEnd.ts'
import type { ExportOutcome } from './transport.ts'

/** Time limit for an attempt to end after its abort, in milliseconds. */
const ABORT_TIMEOUT_MILLIS = 1000

/**
 * Runs one attempt with a signal that is aborted with the given signal or when the time is up. Removes timer and listener after
 * the attempt; `AbortSignal.any` and `AbortSignal.timeout` would keep theirs for each request.
 * @throws an AbortError for an attempt that is still running `ABORT_TIMEOUT_MILLIS` after its abort
 */
export async function withDeadline<Result>(
  timeoutMillis: number,
  signal: AbortSignal,
  run: (attempt: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const attempt = new AbortController()
  const abort = (): void => attempt.abort()
  const endCount = countRequest()
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
    endCount()
    timers.clearTimeout(timer)
    timers.clearTimeout(endTimer)
    signal.removeEventListener('abort', abort)
  }
}

/**
 * Waits for a promise until the abort, because the promise may stay pending forever.
 * @throws the rejection of the promise, or the reason of the abort
 */
export async function raceAbort<Value>(attempt: AbortSignal, value: Value | Promise<Value>): Promise<Value> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(attempt.reason)
  if (attempt.aborted) onAbort()
  else attempt.addEventListener('abort', onAbort)
  try {
    return await Promise.race([value, aborted.promise])
  } finally {
    attempt.removeEventListener('abort', onAbort)
  }
}

/** Returns the outcome of an attempt that threw before its request was sent. */
export function outcomeOfThrown(
  protocol: 'gRPC' | 'HTTP',
  error: unknown,
  { tls }: Pick<ExporterConfig, 'tls'>,
  signal: AbortSignal,
): ExportOutcome {
  const { code, name } = error as NodeJS.ErrnoException
  // The code of an AbortError is a number without meaning to an operator.
  const reason = `${protocol} request failed before sending: ${name === 'AbortError' ? 'not ready in time' : (code ?? name)}`
  // An invalid certificate fails again until its file changes.
  const isRetryable = signal.aborted || name === 'AbortError' || tls?.files !== undefined
  return { kind: isRetryable ? 'retryable' : 'failed', reason }
}

/** Outgoing HTTP/1 request or HTTP/2 stream. */
interface Outgoing extends EventEmitter {
  readonly writableFinished: boolean
  readonly closed: boolean
}

/**
 * Waits until the kernel has all bytes of a request that was answered, or until its connection or stream is closed. A receiver may
 * answer before it has read the whole request. After an answer that accepts the request, sending continues until the end of the
 * attempt, because such a receiver reads on. Any other answer closes the connection or stream at once.
 *
 * @param accepted true when the receiver has accepted the request
 * @param cut closes the connection or the stream
 * @returns true when the kernel has all bytes; false when the memory of the request may still be read. A closed stream may have
 * bytes left that are on their way to the kernel.
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
  const ended = Promise.withResolvers<void>()
  request.once('finish', ended.resolve).once('close', ended.resolve)
  const onAbort = (): void => {
    cut()
    if (accepted) {
      warnOnce(
        'cut-request',
        'receiver accepted a request without reading it to the end, its records count as delivered (logged once until a request is read)',
      )
    }
  }
  if (!accepted) cut()
  else if (attempt.aborted) onAbort()
  else attempt.addEventListener('abort', onAbort)
  await ended.promise
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
