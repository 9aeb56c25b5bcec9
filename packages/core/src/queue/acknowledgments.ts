import type { QueuedRequest } from './queuedRequest.ts'

interface Wait {
  /** Sequence of the last request that the wait covers. */
  readonly lastSequence: number
  /** Requests, among those covered, that are not acknowledged. */
  remaining: number
  readonly resolve: (isAcknowledged: boolean) => void
}

/**
 * Waits until the source of records may forget them: the receiver has answered finally for their requests, or the spool holds the
 * requests. A source of records that reads on from a stored position stores the position after such a wait.
 */
export class Acknowledgments {
  private readonly waits = new Set<Wait>()
  private unacknowledged = 0
  private ended = false

  /** Counts a request that was queued in memory. */
  add(): void {
    this.unacknowledged += 1
  }

  /** Counts an acknowledged request. A request counts once: an entry of the spool may be delivered later. */
  acknowledge(request: QueuedRequest): void {
    if (request.isAcknowledged) return
    request.isAcknowledged = true
    this.unacknowledged -= 1
    for (const wait of this.waits) {
      if (request.sequence > wait.lastSequence) continue
      wait.remaining -= 1
      if (wait.remaining === 0) this.complete(wait, true)
    }
  }

  /**
   * Waits until all requests queued so far are acknowledged.
   *
   * @param lastSequence sequence of the request that was queued last
   * @returns false when the queue has ended before
   */
  wait(lastSequence: number): Promise<boolean> {
    if (this.unacknowledged === 0 || this.ended) return Promise.resolve(this.unacknowledged === 0)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.waits.add({ lastSequence, remaining: this.unacknowledged, resolve })
    return promise
  }

  /** Ends all waits, because no request is acknowledged from now on. */
  end(): void {
    this.ended = true
    for (const wait of this.waits) this.complete(wait, false)
  }

  private complete(wait: Wait, isAcknowledged: boolean): void {
    this.waits.delete(wait)
    wait.resolve(isAcknowledged)
  }
}
