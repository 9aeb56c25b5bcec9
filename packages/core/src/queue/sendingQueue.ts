import { counted, rearm, timers, unref, warnOnce } from '@logbridge/bridge/internal'
import { joinRequests } from '../otlp/logsRequest.ts'
import type { Batch } from '../otlp/openBatch.ts'
import type { UnsentRequest } from '../process/exitFlush.ts'
import { timerMillis } from '../process/timers.ts'
import { turnForWork } from '../process/turns.ts'
import { untilAborted, withDeadline } from '../transport/deadline.ts'
import type { RetryingTransport } from '../transport/retry.ts'
import { withSuppressedTelemetry } from '../transport/suppressed.ts'
import type { ExportObserver, ExportOutcome } from '../transport/transport.ts'
import { Acknowledgments } from './acknowledgments.ts'
import type { PipelineCounters } from './counters.ts'
import { PendingFlushes } from './pendingFlushes.ts'
import {
  batchOf,
  chunksOf,
  createQueuedRequest,
  encodedRequestOf,
  type EncodedRequest,
  entryOf,
  type QueuedRequest,
  releaseContent,
  type RequestStore,
  setChunks,
  splitInHalf,
} from './queuedRequest.ts'

const DEFAULT_MAX_CONCURRENT_EXPORTS = 4
/** Longest delay between two requests while the backlog drains. */
const MAX_DRAIN_DELAY_MILLIS = 1000

/**
 * Sends queued requests in order, several at a time. After an outage the backlog drains at concurrency 1 with delays, then
 * with growing concurrency, because every other client reconnects at the same time.
 *
 * The queue knows no disk: a `RequestStore` holds the requests that wait.
 */
export class SendingQueue {
  private readonly transport: RetryingTransport
  private readonly counters: PipelineCounters
  private readonly store: RequestStore
  private readonly onExport: ExportObserver | undefined
  /** Requests with content in memory, and requests in flight from disk. */
  private readonly pending = new Set<QueuedRequest>()
  /** Memory of the content of all pending requests, in bytes. */
  private contentBytes = 0
  private readonly abort = new AbortController()
  private readonly exports = new Set<Promise<void>>()
  private sendScheduled = false
  /** Number of exports that may be in flight at a time. */
  private concurrency: number
  private readonly maxConcurrency: number
  /** True while the backlog of an outage is sent with delays. */
  private draining = false
  private drainDelay: NodeJS.Timeout | undefined
  /** Drain delays are skipped while a flush waits. */
  private readonly flushes = new PendingFlushes()
  private readonly acknowledgments = new Acknowledgments()
  private lastSequence = 0

  constructor(
    transport: RetryingTransport,
    counters: PipelineCounters,
    store: RequestStore,
    onExport: ExportObserver | undefined,
  ) {
    this.transport = transport
    this.maxConcurrency = transport.maxConcurrentExports ?? DEFAULT_MAX_CONCURRENT_EXPORTS
    this.concurrency = this.maxConcurrency
    this.counters = counters
    this.store = store
    this.onExport = onExport
  }

  /** Memory of all requests in bytes. */
  get bytes(): number {
    return this.contentBytes + this.store.memory
  }

  /** Requests with content in memory, and requests in flight from disk, oldest first. */
  get unfinished(): ReadonlySet<QueuedRequest> {
    return this.pending
  }

  /** Aborts when the queue shuts down, after its flush. */
  get signal(): AbortSignal {
    return this.abort.signal
  }

  /** Queues a sealed batch. It is sent in a later turn of the event loop, because the log call must return soon. */
  add(batch: Batch): void {
    this.enqueue(batch)
    this.send()
  }

  /** Queues a sealed batch, which is sent after the next call of `send`. */
  enqueue(batch: Batch, isDelayed = false): QueuedRequest {
    const request = createQueuedRequest(++this.lastSequence, batch, isDelayed)
    this.contentBytes += request.memoryBytes
    this.pending.add(request)
    this.acknowledgments.add()
    this.store.add(request)
    return request
  }

  /** Sends queued requests in the next turn of the event loop. */
  send(): void {
    if (this.sendScheduled) return
    this.sendScheduled = true
    withSuppressedTelemetry(() => timers.setImmediate(() => this.sendNext()))
  }

  /**
   * Drains requests of another process, which were added to the store.
   *
   * @returns the sequence of these requests
   */
  drainRecovered(): number {
    this.draining = true
    this.concurrency = 1
    this.send()
    return ++this.lastSequence
  }

  /** Waits until the receiver has answered finally for all requests queued so far; false when the queue has ended before. Never rejects. */
  acknowledged(): Promise<boolean> {
    return this.acknowledgments.wait(this.lastSequence)
  }

  /** Notes that a request needs no answer, because the spool holds the request. */
  acknowledge(request: QueuedRequest): void {
    this.acknowledgments.acknowledge(request)
  }

  /** Sends all requests queued so far, and waits for them, at most for the given time. Never rejects. */
  async flush(timeoutMillis: number): Promise<void> {
    const pending = this.pending.size + this.store.onDisk
    if (pending === 0) return
    const flushed = this.flushes.add(this.lastSequence, pending, timeoutMillis)
    withSuppressedTelemetry(() => this.sendNext())
    this.transport.resetBackoff()
    // Half of the time stays to send batches that have waited for resource detectors.
    const detectorTimer = unref(
      timers.setTimeout(() => this.stopWaitingForDetectors(), timerMillis(timeoutMillis / 2)),
    )
    await flushed
    timers.clearTimeout(detectorTimer)
  }

  private stopWaitingForDetectors(): void {
    for (const request of this.pending) batchOf(request)?.resource.stopWaiting?.()
  }

  /**
   * Flushes, then ends. Requests that are unsent at the deadline are dropped, unless an entry of the spool holds them.
   *
   * @param storeUnsent stores unsent requests before they are dropped; must not reject
   */
  async close(timeoutMillis: number, storeUnsent: () => Promise<void> = async () => {}): Promise<void> {
    await this.flush(timeoutMillis)
    this.abort.abort()
    timers.clearTimeout(this.drainDelay)
    this.store.clear()
    // Aborted attempts end at once.
    await Promise.all(this.exports)
    await storeUnsent()
    await this.finalizeUnsent()
    this.acknowledgments.end()
    this.transport.close()
  }

  /**
   * Returns the unsent requests in memory, those in flight included, oldest first, for a thread that is about to end. A request in
   * flight is sent twice. Requests on disk alone are left to the next process.
   */
  unsent(): UnsentRequest[] {
    return [...this.pending].flatMap((request) =>
      chunksOf(request).map((chunk) => ({
        ...chunk,
        complete: (outcome) => this.completeUnsent(request, chunk, outcome as ExportOutcome),
      })),
    )
  }

  private completeUnsent(request: QueuedRequest, chunk: EncodedRequest, outcome: ExportOutcome): void {
    const { bytes, recordCount } = chunk
    if (outcome.kind === 'retryable' || (outcome.kind === 'too_large' && recordCount > 1)) return
    if (request.state === 'queued') {
      this.markInFlight(request)
      this.counters.exported += request.count
    }
    if (outcome.kind === 'delivered') this.onDelivered(outcome)
    setChunks(
      request,
      chunksOf(request).filter((other) => other !== chunk),
    )
    this.complete(request, recordCount)
    this.counters.complete(bytes, recordCount, outcome)
  }

  private sendNext(): void {
    this.sendScheduled = false
    if (this.drainDelay !== undefined && !this.flushes.any) return
    if (this.exports.size >= this.concurrency || this.abort.signal.aborted) return
    const taken = this.store.take()
    if (taken.length === 0) {
      this.draining = false
      return
    }
    for (const request of taken) {
      this.pending.add(request)
      this.markInFlight(request)
    }
    this.startExport(taken)
    // One export starts in each turn of the event loop, because four together block it for 12 ms (`pnpm bench stalls`).
    if (!this.store.isEmpty) this.send()
  }

  private startExport(taken: QueuedRequest[]): void {
    const start = performance.now()
    const running = this.export(taken).finally(() => {
      this.exports.delete(running)
      this.scheduleNext(performance.now() - start)
    })
    this.exports.add(running)
  }

  /** Sends the next requests at once, or, while the backlog drains, after a delay as long as the last export. */
  private scheduleNext(lastMillis: number): void {
    // The next turn of the event loop sends, because several answers may arrive in one turn.
    if (!this.draining || this.flushes.any) return this.send()
    timers.clearTimeout(this.drainDelay)
    this.drainDelay = unref(
      timers.setTimeout(
        () => {
          this.drainDelay = undefined
          this.sendNext()
        },
        Math.min(lastMillis, MAX_DRAIN_DELAY_MILLIS),
      ),
    )
  }

  private async export(taken: QueuedRequest[]): Promise<void> {
    const { signal } = this.abort
    try {
      for (const request of taken) {
        const ready = batchOf(request)?.resource.ready
        if (ready === undefined) continue
        await untilAborted(ready, signal)
        // All exports that waited for resource detectors continue in one turn.
        await turnForWork()
      }
      await this.deliver(taken, true)
    } catch (error) {
      warnExportFailed(error)
    }
    for (const request of taken) if (request.state === 'inFlight') this.requeue(request)
  }

  /** Sends requests as one, or in halves when the receiver finds that one too large. */
  private async deliver(taken: readonly QueuedRequest[], isFirst: boolean): Promise<void> {
    const { requests, joined } = await this.store.load(taken, this.abort.signal)
    const [first] = requests
    if (first === undefined || this.abort.signal.aborted) return
    if (isFirst) for (const { count } of requests) this.counters.exported += count
    if (requests.length === 1) {
      if (joined) {
        setChunks(first, [{ bytes: joined, recordCount: first.count }])
        first.memoryBytes = joined.length
        this.contentBytes += joined.length
      }
      return this.deliverChunks(first)
    }
    const bytes = joined ?? joinRequests(requests.flatMap((request) => encodedRequestOf(request) ?? []))
    this.contentBytes += bytes.length
    const outcome = await this.attempt(bytes)
    this.contentBytes -= bytes.length
    if (outcome.kind === 'retryable') {
      for (const request of requests) request.lastOutcome = outcome
    } else if (outcome.kind === 'too_large') {
      const half = requests.length >>> 1
      await this.deliver(requests.slice(0, half), false)
      await this.deliver(requests.slice(half), false)
    } else {
      if (outcome.kind === 'delivered') this.onDelivered(outcome)
      let count = 0
      for (const request of requests) {
        count += request.count
        this.complete(request, request.count)
      }
      this.counters.complete(bytes, count, outcome)
    }
  }

  /**
   * Sends the chunks of a request. A chunk that the receiver finds too large is split in halves, down to one record. Chunks that are
   * unsent at the shutdown stay in the request.
   */
  private async deliverChunks(request: QueuedRequest): Promise<void> {
    for (let [chunk, ...rest] = chunksOf(request); chunk !== undefined; [chunk, ...rest] = rest) {
      const { bytes, recordCount } = chunk
      const outcome = await this.attempt(bytes)
      // An attempt that failed, or was answered early, may still read the bytes.
      if (outcome.kind !== 'delivered' || outcome.attempts !== undefined || outcome.stillRead) {
        request.recycle = undefined
      }
      if (outcome.kind === 'retryable') {
        request.lastOutcome = outcome
        return
      }
      if (outcome.kind === 'too_large' && recordCount > 1) {
        rest = [...splitInHalf(chunk), ...rest]
        setChunks(request, rest)
        continue
      }
      setChunks(request, rest)
      if (outcome.kind === 'delivered') this.onDelivered(outcome)
      this.complete(request, recordCount)
      this.counters.complete(bytes, recordCount, outcome)
      request.recycle?.()
    }
  }

  private async attempt(bytes: Uint8Array): Promise<ExportOutcome> {
    const { signal } = this.abort
    if (signal.aborted) return { kind: 'retryable', reason: 'it was not sent again' }
    const start = performance.now()
    // Ends at the abort also when the transport does not, because a shutdown waits for the attempt.
    const outcome = await withDeadline(Infinity, signal, (attempt) =>
      this.transport.send(bytes, attempt),
    ).catch((): ExportOutcome => ({ kind: 'retryable', reason: 'no response yet' }))
    this.onExport?.(outcome, (performance.now() - start) / 1000)
    // Drops are counted by severity, which reads the whole request, and four answers may arrive in one turn.
    if (outcome.kind !== 'delivered') await turnForWork()
    return outcome
  }

  private onDelivered({ attempts = 1, rejected, message }: ExportOutcome & { kind: 'delivered' }): void {
    const { unit } = this.counters
    if (rejected > 0 || message) {
      // Receivers count the data points of metrics.
      const what = counted(rejected, unit === 'metric' ? 'data point' : unit)
      warnOnce(`partial-success-${unit}`, `the receiver rejected ${what}`, message)
    } else rearm(`partial-success-${unit}`)
    if (attempts === 1) this.concurrency = Math.min(this.concurrency + 1, this.maxConcurrency)
    // One retry may be due to a closed connection or a busy receiver. More retries are the end of an outage.
    if (attempts <= 2) return
    this.draining = true
    this.concurrency = 1
    this.transport.resetBackoff()
  }

  private markInFlight(request: QueuedRequest): void {
    request.state = 'inFlight'
    this.counters.queued -= request.count
    this.counters.inFlight += request.count
  }

  /** Returns a request to `queued`, with its unsent records. */
  requeue(request: QueuedRequest): void {
    request.state = 'queued'
    this.counters.inFlight -= request.count
    this.counters.queued += request.count
  }

  /** Completes `count` records of a request in flight: they are delivered, dropped, or left to another process. */
  complete(request: QueuedRequest, count: number): void {
    request.count -= count
    this.counters.inFlight -= count
    this.store.onCompleted(request, count)
    if (request.count > 0) return
    this.acknowledge(request)
    this.remove(request)
  }

  /** Ends a request. Its entry in the spool, if there is one, stays for the next process. */
  remove(request: QueuedRequest): void {
    request.state = 'done'
    this.release(request)
    this.flushes.onCompleted(request.sequence)
  }

  /** Releases the content of a request that the spool holds. The store takes the request again by its entry. */
  release(request: QueuedRequest): void {
    this.pending.delete(request)
    this.contentBytes -= request.memoryBytes
    releaseContent(request)
  }

  /** Drops requests that are neither sent nor spooled, and leaves all others to the next process. */
  private async finalizeUnsent(): Promise<void> {
    for (const request of this.pending) {
      await turnForWork()
      if (entryOf(request) === undefined) {
        this.counters.queued -= request.count
        this.drop(request)
      }
      this.remove(request)
    }
  }

  private drop(request: QueuedRequest): void {
    const batch = batchOf(request)
    // A batch is counted without encoding it as a request.
    if (batch) return this.counters.dropUnsent('shutdown_timeout', batch, request.count)
    const { lastOutcome } = request
    for (const { bytes, recordCount } of chunksOf(request)) {
      if (lastOutcome) this.counters.complete(bytes, recordCount, lastOutcome)
      else this.counters.dropUnsent('shutdown_timeout', bytes, recordCount)
    }
  }
}

function warnExportFailed(error: unknown): void {
  warnOnce('sending-queue', 'export of log records failed, they wait for the shutdown', error)
}
