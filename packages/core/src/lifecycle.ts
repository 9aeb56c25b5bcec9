import type { LogsStats } from './logs/stats.ts'

/** How long the end of a process may be held up for what is still to be sent. */
const BEFORE_EXIT_MILLIS = 5000

/**
 * Flushes when the process has nothing left to do. `beforeExit` comes again after each flush; one that has nothing new
 * to send is not repeated, so that a process whose receiver is away still ends.
 *
 * @returns removes the listener
 */
export function flushBeforeExit(
  flush: (timeoutMillis: number) => Promise<unknown>,
  stats: () => LogsStats,
): () => void {
  let flushed = 0
  function onBeforeExit(): void {
    const { created, queued, inFlight } = stats()
    if (queued + inFlight === 0 || created === flushed) return
    flushed = created
    void flush(BEFORE_EXIT_MILLIS)
  }
  process.on('beforeExit', onBeforeExit)
  return () => {
    process.off('beforeExit', onBeforeExit)
  }
}
