import { nextTurn, timers, unref } from '@logbridge/bridge/internal'
import type { Receiver } from '../process/outages.ts'
import type { ExportOutcome, Transport } from './transport.ts'

const INITIAL_BACKOFF_MILLIS = 500
const MAX_BACKOFF_MILLIS = 30_000
/** Longest delay that a receiver can ask for, because a longer delay is a mistake or means never. */
const MAX_SERVER_DELAY_MILLIS = 60 * 60 * 1000

/** Time without attempts after `abandon`, unless a flush ends it, so that a process without other work ends. In milliseconds. */
const ABANDON_DELAY_MILLIS = 5000

/** Transport that retries requests. */
export interface RetryingTransport extends Transport {
  /** Ends the waits between attempts and restarts the backoff, so that a flush does not wait for a backoff. */
  resetBackoff(): void
}

/**
 * Creates a transport that retries a request while its outcome is `retryable`, until the abort. Waits with exponential backoff and
 * full jitter, and at least the delay that the receiver asks for, up to an hour. `resetBackoff` restarts the backoff.
 * https://opentelemetry.io/docs/specs/otlp/#failures
 *
 * @param random returns a number from 0 to 1 for the jitter
 * @param receiver notes failures and deliveries
 */
export function createRetryingTransport(
  transport: Transport,
  random: () => number = Math.random,
  receiver?: Receiver,
): RetryingTransport {
  /** Functions that end a wait between attempts. */
  const sleepers = new Set<() => void>()
  /** Functions that abort an attempt in progress. */
  const attempts = new Set<() => void>()
  let resets = 0
  let pausedUntil = 0

  /** @param minimumDelay milliseconds that `wake` keeps */
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
        const millisLeft = minimumDelay - (performance.now() - start)
        if (millisLeft <= 0) return done()
        timers.clearTimeout(timer)
        timer = unref(timers.setTimeout(done, millisLeft))
      }
      // Unref the timer, because a backoff must not keep the process alive. Flushes keep the process alive.
      let timer = unref(timers.setTimeout(done, millis))
      sleepers.add(wake)
      signal.addEventListener('abort', done)
    })
  }

  /** Wakes one request in each turn of the event loop, because sending several large requests would make a turn long. */
  async function wakeAll(): Promise<void> {
    // Copy the set, because requests that fail again sleep again meanwhile.
    for (const wake of Array.from(sleepers)) {
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
    let seenResets = resets
    let failedAt = 0
    for (let attempt = 0, step = 0; ; attempt += 1, step += 1) {
      const pause = pausedUntil - performance.now()
      if (pause > 0) await sleep(pause, 0, signal)
      const outcome = await attemptOnce(request, signal)
      if (outcome.kind === 'delivered') receiver?.onDelivered()
      if (outcome.kind === 'delivered' && attempt > 0) return { ...outcome, attempts: attempt + 1 }
      if (outcome.kind !== 'retryable' || signal.aborted) return outcome
      if (attempt === 0) failedAt = performance.now()
      else receiver?.onFailure(outcome, failedAt)
      // Restart the backoff after a reset, because a flush waits only a few seconds for a receiver that returns.
      if (resets !== seenResets) step = 0
      seenResets = resets
      const backoff = Math.min(INITIAL_BACKOFF_MILLIS * 2 ** step, MAX_BACKOFF_MILLIS) * random()
      // Keep the delay of the receiver even during a flush. A delay of 0 still has the backoff.
      const minimumDelay = Math.min(outcome.retryAfterMillis ?? 0, MAX_SERVER_DELAY_MILLIS)
      await sleep(Math.max(backoff, minimumDelay), minimumDelay, signal)
      if (signal.aborted) return outcome
    }
  }

  return {
    ...(transport.maxConcurrentExports && { maxConcurrentExports: transport.maxConcurrentExports }),
    send,
    resetBackoff() {
      resets += 1
      pausedUntil = 0
      void wakeAll()
    },
    abandon() {
      pausedUntil = performance.now() + ABANDON_DELAY_MILLIS
      for (const abort of attempts) abort()
      transport.abandon()
    },
    close() {
      receiver?.close()
      transport.close()
    },
  }
}
