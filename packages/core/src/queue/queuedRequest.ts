import { encodeRequest, splitRequest } from '../otlp/logsRequest.ts'
import type { Batch } from '../otlp/openBatch.ts'
import type { RequestLimits, SpoolEntry } from '../spool/types.ts'
import type { ExportOutcome } from '../transport/transport.ts'

/** Encoded request with the number of its log records. */
export interface EncodedRequest {
  readonly bytes: Uint8Array
  readonly recordCount: number
}

/**
 * Content in memory: a batch until it is encoded, then the requests that are still to be sent, oldest first. A batch becomes one
 * request, and more requests when the receiver finds that request too large.
 */
export type Content = Batch | readonly EncodedRequest[]

/** Location and content of a queued request. */
export type Payload =
  /** In memory alone. */
  | { readonly location: 'memory'; readonly content: Content }
  /** In the spool alone. Read back when the request is sent. */
  | { readonly location: 'disk'; readonly entry: SpoolEntry }
  /** In memory and in the spool. */
  | { readonly location: 'both'; readonly content: Content; readonly entry: SpoolEntry }
  /** Nowhere, because the request is done. */
  | { readonly location: 'none' }

/**
 * State of a queued request. Each change of state moves its records between the counters.
 *
 * - `queued`: waits for its turn. A request that waits in the spool alone has no object until its turn comes.
 * - `inFlight`: is read from the spool, is being sent, or waits for a retry. Back to `queued` when the disk cannot read the
 *   entry now, and when the queue shuts down.
 * - `done`: all of its records are delivered, dropped, or left in the spool to another process.
 */
export type RequestState = 'queued' | 'inFlight' | 'done'

/** A sealed batch on its way to the receiver. */
export interface QueuedRequest {
  /** Number of the request, from 1, in the order of sealing. */
  readonly sequence: number
  state: RequestState
  payload: Payload
  /** Log records that are neither delivered nor dropped. */
  count: number
  /** Memory of the content, in bytes. */
  memoryBytes: number
  /** True when the batch was spooled before its scheduled delay was over, and is sent from memory soon. */
  readonly isDelayed: boolean
  /** Returns the memory of the batch to the encoder. `undefined` when an attempt or the spool may still read that memory. */
  recycle: (() => void) | undefined
  /** True when the receiver has answered finally, or the spool holds the request. */
  isAcknowledged: boolean
  /** Write to the spool; resolves when it has succeeded or failed. */
  spooling: Promise<void> | undefined
  /** Outcome of the last attempt when the shutdown ended its retries. */
  lastOutcome: ExportOutcome | undefined
  /** The `RequestList` that holds the request, with the requests before and after it. Set by that list. */
  list?: object | undefined
  previous?: QueuedRequest | undefined
  next?: QueuedRequest | undefined
}

/** Memory of a queued batch beside its bytes, as measured by `benchmarks/scenarios/queue-memory.js`. */
const QUEUED_BYTES = 1024

/** Creates the queued request of a sealed batch. */
export function createQueuedRequest(sequence: number, batch: Batch, isDelayed = false): QueuedRequest {
  return {
    sequence,
    state: 'queued',
    payload: { location: 'memory', content: batch },
    count: batch.count,
    memoryBytes: batch.body.buffer.byteLength + QUEUED_BYTES,
    isDelayed,
    isAcknowledged: false,
    recycle: batch.recycle,
    spooling: undefined,
    lastOutcome: undefined,
  }
}

/** Creates the queued request of an entry that was taken from the spool. */
export function createSpooledRequest(entry: SpoolEntry): QueuedRequest {
  return {
    sequence: entry.sequence,
    state: 'queued',
    payload: { location: 'disk', entry },
    count: entry.count,
    memoryBytes: 0,
    isDelayed: false,
    isAcknowledged: true,
    recycle: undefined,
    spooling: undefined,
    lastOutcome: undefined,
  }
}

/** Returns the entry in the spool, if there is one. */
export function entryOf({ payload }: QueuedRequest): SpoolEntry | undefined {
  return 'entry' in payload ? payload.entry : undefined
}

/** Returns the batch in memory, until it is encoded. */
export function batchOf({ payload }: QueuedRequest): Batch | undefined {
  return 'content' in payload && 'body' in payload.content ? payload.content : undefined
}

/** Returns the content in memory as requests, oldest first; empty when the content is in the spool alone. Encodes the batch. */
export function chunksOf(request: QueuedRequest): readonly EncodedRequest[] {
  const { payload } = request
  if (!('content' in payload)) return []
  const { content } = payload
  if (!('body' in content)) return content
  const chunks = [{ bytes: encodeRequest(content), recordCount: request.count }]
  setChunks(request, chunks)
  return chunks
}

/** Returns the content in memory as one request; `undefined` when the content is in the spool alone. */
export function encodedRequestOf(request: QueuedRequest): Uint8Array | undefined {
  const requests = chunksOf(request).map(({ bytes }) => bytes)
  // Concatenated Protobuf messages are one message with the fields of all.
  return requests.length > 1 ? Buffer.concat(requests) : requests[0]
}

/** Replaces the content in memory. */
export function setChunks(request: QueuedRequest, content: readonly EncodedRequest[]): void {
  const entry = entryOf(request)
  request.payload = entry ? { location: 'both', content, entry } : { location: 'memory', content }
}

/** Replaces the entry in the spool. */
export function setEntry(request: QueuedRequest, entry: SpoolEntry): void {
  const { payload } = request
  request.payload =
    'content' in payload ? { location: 'both', content: payload.content, entry } : { location: 'disk', entry }
}

/** Removes the content from memory. */
export function releaseContent(request: QueuedRequest): void {
  const entry = entryOf(request)
  request.payload = entry ? { location: 'disk', entry } : { location: 'none' }
  request.memoryBytes = 0
}

/**
 * Splits a request in two of about the same number of records.
 *
 * @param request two records or more
 */
export function splitInHalf({ bytes, recordCount }: EncodedRequest): [EncodedRequest, EncodedRequest] {
  const [first, second] = splitRequest(bytes, recordCount)
  const half = recordCount >>> 1
  return [
    { bytes: first, recordCount: half },
    { bytes: second, recordCount: recordCount - half },
  ]
}

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
