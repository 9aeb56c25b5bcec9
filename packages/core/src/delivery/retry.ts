import type { ExportOutcome, Transport } from './transport.ts'

const INITIAL_BACKOFF_MILLIS = 500
const MAX_BACKOFF_MILLIS = 30_000

/**
 * Sends a request again as long as its outcome is `retryable`, until it is aborted: exponential backoff with full
 * jitter, and not before the delay that the receiver named. https://opentelemetry.io/docs/specs/otlp/#failures
 *
 * @param random a number from 0 to 1, to choose within the jitter
 */
export function withRetry(transport: Transport, random: () => number = Math.random): Transport {
  const sleepers = new Set<() => void>()

  function sleep(millis: number, signal: AbortSignal, wakeable: boolean): Promise<void> {
    return new Promise((resolve) => {
      function done(): void {
        clearTimeout(timer)
        sleepers.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      // Unref'd: a backoff must not hold the process; whoever flushes holds it.
      const timer = setTimeout(done, millis).unref()
      if (wakeable) sleepers.add(done)
      signal.addEventListener('abort', done)
    })
  }

  async function send(request: Uint8Array, signal: AbortSignal): Promise<ExportOutcome> {
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await transport.send(request, signal)
      if (outcome.kind !== 'retryable' || signal.aborted) return outcome
      // The receiver's own delay is obeyed even while flushing; our backoff gives way to it.
      const backoff = Math.min(INITIAL_BACKOFF_MILLIS * 2 ** attempt, MAX_BACKOFF_MILLIS) * random()
      await sleep(outcome.afterMillis ?? backoff, signal, outcome.afterMillis === undefined)
      if (signal.aborted) return outcome
    }
  }

  return {
    send,
    wake() {
      for (const wake of sleepers) wake()
      transport.wake()
    },
    close: () => transport.close(),
  }
}
