import type { RequestLimits } from '../spool/types.ts'
import { batchOf, type QueuedRequest } from './queuedRequest.ts'

/** Requests whose content can be sent. */
export interface LoadedRequests {
  readonly requests: readonly QueuedRequest[]
  /** Content of these requests joined to one; `undefined` when each request has its content in memory. */
  readonly joined?: Uint8Array | undefined
}

/**
 * Holds the requests that wait in a `SendingQueue`, and decides which are sent next. The queue decides when requests are sent and
 * how many at a time.
 */
export interface RequestStore {
  readonly isEmpty: boolean
  /** Number of requests that wait on disk alone. */
  readonly onDisk: number
  /** Memory of this store in bytes, without the content of requests. */
  readonly memory: number
  add(request: QueuedRequest): void
  /** Takes requests to be sent as one; empty when no request waits, or when the disk can read none now. */
  take(): QueuedRequest[]
  /**
   * Reads the content of taken requests.
   *
   * @param signal ends the wait for the disk, with no request
   * @returns the requests to send. All others are no longer taken.
   */
  load(taken: readonly QueuedRequest[], signal: AbortSignal): Promise<LoadedRequests>
  /** Called when `count` records of a request are delivered or dropped, with `request.count` records left. */
  onCompleted(request: QueuedRequest, count: number): void
  /** Forgets the requests that wait in memory, because the queue shuts down. */
  clear(): void
}

/**
 * Requests in the order in which they were added. A request is in one list at a time. The list is doubly linked, so that any
 * request is removed in constant time. A Set is slower here because its iteration steps over every request that was deleted at
 * its beginning, and an iterator that remembers its position keeps old tables alive.
 */
export class RequestList {
  first: QueuedRequest | undefined
  private last: QueuedRequest | undefined

  has(request: QueuedRequest): boolean {
    return request.list === this
  }

  add(request: QueuedRequest): void {
    request.list = this
    request.previous = this.last
    if (this.last) this.last.next = request
    else this.first = request
    this.last = request
  }

  delete(request: QueuedRequest): void {
    const { previous, next } = request
    if (previous) previous.next = next
    else this.first = next
    if (next) next.previous = previous
    else this.last = previous
    request.list = undefined
    request.previous = undefined
    request.next = undefined
  }

  clear(): void {
    while (this.first) this.delete(this.first)
  }
}

/** Store in memory, without a spool. */
export class MemoryStore implements RequestStore {
  readonly onDisk = 0
  readonly memory = 0
  private readonly limits: RequestLimits
  private readonly waiting = new RequestList()

  constructor(limits: RequestLimits) {
    this.limits = limits
  }

  get isEmpty(): boolean {
    return this.waiting.first === undefined
  }

  add(request: QueuedRequest): void {
    this.waiting.add(request)
  }

  take(): QueuedRequest[] {
    return takeJoinable(
      this.limits,
      () => this.waiting.first,
      (request) => this.waiting.delete(request),
    )
  }

  load(requests: readonly QueuedRequest[]): Promise<LoadedRequests> {
    return Promise.resolve({ requests })
  }

  onCompleted(): void {}

  clear(): void {
    this.waiting.clear()
  }
}

/**
 * Takes requests up to the limits of one request, at least one request. A batch whose resource is incomplete is taken alone.
 *
 * @param first returns the next request that waits
 * @param remove removes that request from those that wait
 */
export function takeJoinable(
  limits: RequestLimits,
  first: () => QueuedRequest | undefined,
  remove: (request: QueuedRequest) => void,
): QueuedRequest[] {
  const taken: QueuedRequest[] = []
  let { bytes, records } = limits
  for (let next = first(); next !== undefined; next = first()) {
    bytes -= next.memoryBytes
    records -= next.count
    const isAlone = batchOf(next)?.resource.ready !== undefined
    if (taken.length > 0 && (isAlone || bytes < 0 || records < 0)) break
    remove(next)
    taken.push(next)
    if (isAlone) break
  }
  return taken
}
