import { warnOnce, nextTurn, rearm, timers, unref } from '@logbridge/bridge/internal'
import type { ExportOutcome, Transport } from './transport.ts'

const INITIAL_BACKOFF_MILLIS = 500
const MAX_BACKOFF_MILLIS = 30_000
/** A receiver that names a longer delay has made a mistake, or wants us never to come back. */
const MAX_SERVER_DELAY_MILLIS = 60 * 60 * 1000

/** For so long after `abandon` no attempt is made unless somebody flushes, so that a process that has nothing else to do ends. */
const ABANDONED_PAUSE_MILLIS = 5000

/** Transport that sends a request again until its outcome is final. */
export interface RetryingTransport extends Transport {
  /** Ends all waits between attempts, and restarts the backoff, so that a flush sends at once. */
  resetBackoff(): void
}

/** Transports whose requests have failed twice since the last that was delivered. All share one diagnostic. */
const failing = new Set<Transport>()

/**
 * Sends a request again as long as its outcome is `retryable`, until it is aborted: exponential backoff with full
 * jitter, which begins anew with each flush, and not before the delay that the receiver named, up to an hour.
 * https://opentelemetry.io/docs/specs/otlp/#failures
 *
 * @param random a number from 0 to 1, to choose within the jitter
 */
export function createRetryingTransport(
  transport: Transport,
  random: () => number = Math.random,
): RetryingTransport {
  const sleepers = new Set<() => void>()
  /** Each aborts an attempt that is being made. */
  const attempts = new Set<() => void>()
  let wakes = 0
  let restsUntil = 0

  /** @param minimumDelay what a wake does not cut short */
  function sleep(millis: number, minimumDelay: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const start = performance.now()
      function done(): void {
        timers.clearTimeout(timer)
        sleepers.delete(wake)
        signal.removeEventListener('abort', done)
        resolve()
      }
      function wake(): void {
        const left = minimumDelay - (performance.now() - start)
        if (left <= 0) return done()
        timers.clearTimeout(timer)
        timer = unref(timers.setTimeout(done, left))
      }
      // Unref'd: a backoff must not hold the process; whoever flushes holds it.
      let timer = unref(timers.setTimeout(done, millis))
      sleepers.add(wake)
      signal.addEventListener('abort', done)
    })
  }

  /** One in each turn of the event loop, which four requests of half a megabyte would hold up for 10 ms. */
  async function wakeAll(): Promise<void> {
    // Not those that fall asleep again meanwhile.
    const asleep = [...sleepers]
    for (const wake of asleep) {
      if (sleepers.has(wake)) wake()
      await nextTurn()
    }
  }

  async function attemptOnce(request: Uint8Array, signal: AbortSignal): Promise<ExportOutcome> {
    const attempt = new AbortController()
    const abort = (): void => attempt.abort()
    attempts.add(abort)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
    try {
      return await transport.send(request, attempt.signal)
    } finally {
      attempts.delete(abort)
      signal.removeEventListener('abort', abort)
    }
  }

  async function send(request: Uint8Array, signal: AbortSignal): Promise<ExportOutcome> {
    let seen = wakes
    for (let attempt = 0, step = 0; ; attempt += 1, step += 1) {
      const rest = restsUntil - performance.now()
      if (rest > 0) await sleep(rest, 0, signal)
      const outcome = await attemptOnce(request, signal)
      if (outcome.kind === 'delivered') {
        failing.delete(transport)
        if (failing.size === 0) rearm('retrying')
      }
      if (outcome.kind === 'delivered' && attempt > 0) return { ...outcome, attempts: attempt + 1 }
      if (outcome.kind !== 'retryable' || signal.aborted) return outcome
      // Once may be a restart; a receiver that is away, or a wrong endpoint, fails again.
      if (attempt === 1) {
        failing.add(transport)
        warnOnce(
          'retrying',
          'exports fail and are tried again until the receiver takes them (said once until then)',
          outcome.reason,
        )
      }
      // Whoever flushes waits for a few seconds: a receiver that comes back meanwhile must be found.
      if (wakes !== seen) step = 0
      seen = wakes
      const backoff = Math.min(INITIAL_BACKOFF_MILLIS * 2 ** step, MAX_BACKOFF_MILLIS) * random()
      // The receiver's own delay is obeyed even while flushing; one of 0 does not make us spin.
      const least = Math.min(outcome.retryAfterMillis ?? 0, MAX_SERVER_DELAY_MILLIS)
      await sleep(Math.max(backoff, least), least, signal)
      if (signal.aborted) return outcome
    }
  }

  return {
    send,
    resetBackoff() {
      wakes += 1
      restsUntil = 0
      void wakeAll()
    },
    abandon() {
      restsUntil = performance.now() + ABANDONED_PAUSE_MILLIS
      for (const abort of attempts) abort()
      transport.abandon?.()
    },
    close() {
      failing.delete(transport)
      transport.close()
    },
  }
}
