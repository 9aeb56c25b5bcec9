import { severitiesOf } from '../otlp/logsRequest.ts'
import type { RequestLimits, Spool } from '../spool/types.ts'
import {
  chunksOf,
  createSpooledRequest,
  type QueuedRequest,
  RequestList,
  takeJoinable,
} from './queuedRequest.ts'

/** Memory for requests that are on disk too: two batches. */
const MAX_RETAINED_BYTES = 1024 * 1024
const ERROR = 17

/**
 * Requests that wait in memory and in the spool. Memory and disk alternate, each oldest first, so that new requests do not wait
 * behind a backlog on disk. Small requests are joined to one.
 */
export class Backlog {
  private readonly spool: Spool
  private readonly limits: RequestLimits
  /** Requests in memory alone. */
  private readonly waiting = new RequestList()
  /** Requests on disk that stay in memory too: severe requests, and requests that wait for the scheduled delay. */
  private readonly retained = new RequestList()
  private retainedBytes = 0
  private wasFromDisk = false

  constructor(spool: Spool, limits: RequestLimits) {
    this.spool = spool
    this.limits = limits
  }

  get isEmpty(): boolean {
    return this.first() === undefined && this.onDisk === 0
  }

  /** Number of requests that wait on disk alone. */
  get onDisk(): number {
    return this.spool.waiting
  }

  add(request: QueuedRequest): void {
    this.waiting.add(request)
  }

  /**
   * Handles a request that was written to the spool.
   *
   * @returns the requests that wait on disk alone from now on
   */
  onSpooled(request: QueuedRequest): QueuedRequest[] {
    const isTaken = !this.waiting.has(request)
    if (isTaken) return []
    this.waiting.delete(request)
    if (!request.isDelayed && !isSevere(request)) return [request]
    this.retained.add(request)
    this.retainedBytes += request.memoryBytes
    const released: QueuedRequest[] = []
    while (this.retainedBytes > MAX_RETAINED_BYTES) {
      const oldest = this.retained.first!
      this.remove(oldest)
      released.push(oldest)
    }
    return released
  }

  /** Takes requests to be sent as one; empty when no request waits, or when the disk can read none now. */
  take(): QueuedRequest[] {
    const hasMemory = this.first() !== undefined
    if (this.onDisk > 0 && !(hasMemory && this.wasFromDisk)) {
      const taken = this.spool.take(this.limits)
      this.wasFromDisk = taken.length > 0
      if (this.wasFromDisk) return taken.map(createSpooledRequest)
    }
    this.wasFromDisk = false
    return takeJoinable(
      this.limits,
      () => this.first(),
      (request) => this.remove(request),
    )
  }

  /** Forgets the requests that wait in memory. */
  clear(): void {
    this.waiting.clear()
    this.retained.clear()
    this.retainedBytes = 0
  }

  private first(): QueuedRequest | undefined {
    return this.retained.first ?? this.waiting.first
  }

  private remove(request: QueuedRequest): void {
    if (this.waiting.has(request)) return this.waiting.delete(request)
    this.retained.delete(request)
    this.retainedBytes -= request.memoryBytes
  }
}

function isSevere(request: QueuedRequest): boolean {
  for (const { bytes } of chunksOf(request)) {
    for (const severityNumber of severitiesOf(bytes).keys()) if (severityNumber >= ERROR) return true
  }
  return false
}
