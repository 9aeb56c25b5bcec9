import { within } from '../process/timers.ts'

interface Flush {
  /** The number of the last batch that it waits for. */
  readonly last: number
  /** How many of them are unsettled. */
  left: number
  readonly done: () => void
}

/**
 * Those who wait until all batches so far are settled. They are counted: with a promise for each batch, flushes would pile up
 * in memory while the receiver is away.
 */
export class PendingFlushes {
  private readonly waiting = new Set<Flush>()

  /** Whether anyone waits. */
  get any(): boolean {
    return this.waiting.size > 0
  }

  /**
   * Waits, no longer than the time given.
   * @param last the number of the last batch so far
   * @param unsettled how many batches are
   */
  async add(last: number, unsettled: number, timeoutMillis: number): Promise<void> {
    const { promise, resolve: done } = Promise.withResolvers<void>()
    const flush: Flush = { last, left: unsettled, done }
    this.waiting.add(flush)
    await within(timeoutMillis, [promise])
    this.waiting.delete(flush)
  }

  /** A batch is settled. Called once for each. */
  onCompleted(number: number): void {
    for (const flush of this.waiting) {
      if (number > flush.last) continue
      flush.left -= 1
      if (flush.left === 0) flush.done()
    }
  }
}
