import { within } from '../process/timers.ts'

interface Flush {
  /** Sequence of the last request that the flush covers. */
  readonly lastSequence: number
  /** Requests, among those covered, that are not completed. */
  remaining: number
  readonly resolve: () => void
}

/**
 * Flushes that wait for all requests queued before them. Each flush counts its requests: a promise for each request and flush
 * would fill memory during an outage.
 */
export class PendingFlushes {
  private readonly flushes = new Set<Flush>()

  /** True while a flush waits. */
  get any(): boolean {
    return this.flushes.size > 0
  }

  /**
   * Waits until all requests up to a sequence are completed, at most for the given time.
   *
   * @param lastSequence sequence of the last request that the flush covers
   * @param pending requests, among those covered, that are not completed; at least 1
   * @returns a promise that never rejects
   */
  async add(lastSequence: number, pending: number, timeoutMillis: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const flush: Flush = { lastSequence, remaining: pending, resolve }
    this.flushes.add(flush)
    await within(timeoutMillis, [promise])
    this.flushes.delete(flush)
  }

  /** Counts a completed request. Called once for each request. */
  onCompleted(sequence: number): void {
    for (const flush of this.flushes) {
      if (sequence > flush.lastSequence) continue
      flush.remaining -= 1
      if (flush.remaining === 0) flush.resolve()
    }
  }
}
