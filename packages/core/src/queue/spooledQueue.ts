import { timers, unref, warnOnce } from '@logbridge/bridge/internal'
import { joinRequests } from '../otlp/logsRequest.ts'
import type { Batch } from '../otlp/openBatch.ts'
import type { UnsentRequest } from '../process/exitFlush.ts'
import { within } from '../process/timers.ts'
import { turnForWork } from '../process/turns.ts'
import type { RequestLimits, Spool, SpoolEntry, SpoolRead } from '../spool/types.ts'
import { untilAborted } from '../transport/deadline.ts'
import type { RetryingTransport } from '../transport/retry.ts'
import { withSuppressedTelemetry } from '../transport/suppressed.ts'
import type { ExportObserver } from '../transport/transport.ts'
import { Backlog } from './backlog.ts'
import type { PipelineCounters } from './counters.ts'
import {
  batchOf,
  encodedRequestOf,
  entryOf,
  type LoadedRequests,
  type QueuedRequest,
  type RequestStore,
  setEntry,
} from './queuedRequest.ts'
import { SendingQueue } from './sendingQueue.ts'

/** Interval at which the directories of ended processes are recovered. */
const RECOVERY_INTERVAL_MILLIS = 10_000
/** Delay before the spool is read again when the disk could read no entry. */
const DISK_RETRY_MILLIS = 1000
/** Time that a shutdown waits for all writes to the disk. */
const DISK_TIMEOUT_MILLIS = 2000

/**
 * A `SendingQueue` whose requests are copied to a spool until they are done, so that the next process can send them. Requests that
 * wait on disk release their memory, and are read when their turn comes.
 */
export class SpooledQueue {
  private readonly queue: SendingQueue
  private readonly counters: PipelineCounters
  private readonly spool: Spool
  private readonly backlog: Backlog
  /** Requests in memory that the spool has refused. */
  private readonly notSpooled = new Set<QueuedRequest>()
  private readonly recoveryTimer: NodeJS.Timeout
  private diskRetry: NodeJS.Timeout | undefined

  constructor(
    transport: RetryingTransport,
    counters: PipelineCounters,
    spool: Spool,
    onExport: ExportObserver | undefined,
    limits: RequestLimits,
  ) {
    this.counters = counters
    this.spool = spool
    this.backlog = new Backlog(spool, limits)
    this.queue = new SendingQueue(transport, counters, this.createStore(), onExport)
    this.recoveryTimer = withSuppressedTelemetry(() => {
      void this.recoverOrphans()
      return unref(timers.setInterval(() => void this.recoverOrphans(), RECOVERY_INTERVAL_MILLIS))
    })
  }

  /** Memory of all requests in bytes. A request that waits on disk alone takes 12 bytes. */
  get bytes(): number {
    return this.queue.bytes
  }

  /** Spools a sealed batch, and sends it in a later turn of the event loop. */
  add(batch: Batch): void {
    this.enqueue(batch, false)
    this.queue.send()
  }

  /** Spools a sealed batch, and sends it after the next call of `send`. */
  addDelayed(batch: Batch): void {
    this.enqueue(batch, true)
  }

  /** Sends queued requests in the next turn of the event loop. */
  send(): void {
    this.queue.send()
  }

  /** Sends all requests queued so far, and waits for them, at most for the given time. Never rejects. */
  flush(timeoutMillis: number): Promise<void> {
    return this.queue.flush(timeoutMillis)
  }

  /** Waits until all requests queued so far are in the spool, or answered. See `SendingQueue`. */
  acknowledged(): Promise<boolean> {
    return this.queue.acknowledged()
  }

  /** Flushes, then ends. Unsent requests stay in the spool; those that cannot be written are dropped. */
  async close(timeoutMillis: number): Promise<void> {
    timers.clearInterval(this.recoveryTimer)
    let diskEnd = 0
    await this.queue.close(timeoutMillis, () => {
      timers.clearTimeout(this.diskRetry)
      diskEnd = performance.now() + DISK_TIMEOUT_MILLIS
      return within(DISK_TIMEOUT_MILLIS, this.spoolAll())
    })
    // A blocked event loop may have used up all of the time.
    const closeMillis = Math.max(diskEnd - performance.now(), DISK_TIMEOUT_MILLIS / 4)
    await within(closeMillis, [withSuppressedTelemetry(() => this.spool.close())])
  }

  /** Writes all unsent requests to the spool before it returns. The process may end afterwards, or continue. */
  spillSync(): void {
    const unspooled = [...this.queue.unfinished].flatMap((request) => {
      const bytes = isSpooled(request) ? undefined : encodedRequestOf(request)
      return bytes ? [{ request, bytes, recordCount: request.count }] : []
    })
    const entries = this.spool.appendSync(unspooled)
    unspooled.forEach(({ request }, index) => {
      const entry = entries[index]
      if (entry) this.replaceEntry(request, entry)
    })
  }

  /** See `SendingQueue`. */
  unsent(): UnsentRequest[] {
    return this.queue.unsent()
  }

  /** Writes unsent requests and acknowledgments to the spool, because the process ends. */
  endSync(): void {
    this.spillSync()
    this.spool.closeSync()
  }

  private enqueue(batch: Batch, isDelayed: boolean): void {
    const request = this.queue.enqueue(batch, isDelayed)
    // The spool may read the memory of the batch after its delivery.
    request.recycle = undefined
    this.startSpooling(request)
  }

  private startSpooling(request: QueuedRequest): void {
    request.spooling = withSuppressedTelemetry(() => this.spoolRequest(request)).catch(warnSpoolingFailed)
  }

  private async spoolRequest(request: QueuedRequest): Promise<void> {
    if (isSpooled(request)) return
    const batch = batchOf(request)
    if (batch?.resource.ready) await untilAborted(batch.resource.ready, this.queue.signal)
    // All batches that waited for resource detectors are encoded now, up to 64 MiB.
    if (batch?.isRequest === false) await turnForWork()
    const bytes = encodedRequestOf(request)
    if (bytes === undefined) return
    const entry = await this.spool.append(bytes, request.count)
    const isUnfinished = this.queue.unfinished.has(request)
    if (entry === undefined) {
      if (isUnfinished) this.notSpooled.add(request)
      return
    }
    this.retrySpooling()
    // A spill during the append has returned the same entry.
    if (entry === entryOf(request)) return
    if (isSpooled(request) || !isUnfinished) return this.spool.ack(entry)
    this.replaceEntry(request, entry)
    for (const released of this.backlog.onSpooled(request)) this.park(released)
  }

  /** Writes all unsent requests at once, so that the spool writes them in groups. A disk that was full may have space now. */
  private spoolAll(): Promise<void>[] {
    return [...this.queue.unfinished].map(async (request) => {
      await request.spooling
      await withSuppressedTelemetry(() => this.spoolRequest(request))
    })
  }

  /** Writes one refused request again: every 10 s and after each success, so that a full disk gets few writes. */
  private retrySpooling(): void {
    if (this.queue.signal.aborted) return
    for (const request of this.notSpooled) {
      this.notSpooled.delete(request)
      if (!isSpooled(request)) return this.startSpooling(request)
    }
  }

  /** Replaces the entry of a request. The old entry is acknowledged after the new entry is written. */
  private replaceEntry(request: QueuedRequest, entry: SpoolEntry): void {
    const old = entryOf(request)
    if (old) this.spool.ack(old)
    else this.counters.spooled += request.count
    setEntry(request, entry)
    this.queue.acknowledge(request)
  }

  /** Lets a request wait on disk alone. */
  private park(request: QueuedRequest): void {
    this.queue.release(request)
    this.notSpooled.delete(request)
    this.spool.park(entryOf(request)!, request.sequence)
  }

  private async recoverOrphans(): Promise<void> {
    this.retrySpooling()
    await this.spool.recover((_entries, records) => {
      this.counters.recovered += records
      this.counters.queued += records
      this.counters.spooled += records
      return this.queue.drainRecovered()
    })
  }

  private createStore(): RequestStore {
    const { backlog, spool } = this
    return {
      get isEmpty() {
        return backlog.isEmpty
      },
      get onDisk() {
        return backlog.onDisk
      },
      get memory() {
        return spool.memory
      },
      add: (request) => backlog.add(request),
      take: () => this.take(),
      load: (taken, signal) => this.load(taken, signal),
      onCompleted: (request, count) => this.onCompleted(request, count),
      clear: () => backlog.clear(),
    }
  }

  private take(): QueuedRequest[] {
    const taken = this.backlog.take()
    if (taken.length === 0 && !this.backlog.isEmpty) this.retryDiskLater()
    return taken
  }

  private retryDiskLater(): void {
    this.diskRetry ??= unref(
      timers.setTimeout(() => {
        this.diskRetry = undefined
        this.queue.send()
      }, DISK_RETRY_MILLIS),
    )
  }

  private async load(taken: readonly QueuedRequest[], signal: AbortSignal): Promise<LoadedRequests> {
    const entries = taken.flatMap(({ payload }) => (payload.location === 'disk' ? [payload.entry] : []))
    if (entries.length === 0) return { requests: taken }
    const result = await untilAborted(this.spool.read(entries, joinRequests), signal)
    if (result === undefined) return { requests: [] }
    const requests = taken.filter((request, index) => this.onRead(request, result.read[index]!))
    return { requests, joined: result.request }
  }

  /** Handles a request whose entry was read. @returns true when the request can be sent */
  private onRead(request: QueuedRequest, read: SpoolRead): boolean {
    const { count } = request
    if (read === 'deferred') {
      // The spool lets the entry wait again, and makes a new request of it.
      this.queue.release(request)
      this.queue.requeue(request)
    } else if (read === 'recovered') {
      this.counters.recovered -= count
      this.queue.complete(request, count)
    } else if (read === 'corrupt') {
      this.queue.complete(request, count)
      this.counters.dropUnsent('spool_corrupted', undefined, count)
    } else if (read === 'unreadable') {
      // The entry stays unacknowledged for the next process.
      this.counters.inFlight -= count
      this.counters.spooled -= count
      this.queue.remove(request)
      this.counters.dropUnsent('spool_unreadable', undefined, count)
    }
    return read === 'read'
  }

  private onCompleted(request: QueuedRequest, count: number): void {
    const entry = entryOf(request)
    if (entry) this.counters.spooled -= count
    if (request.count > 0) return
    if (entry) this.spool.ack(entry)
    this.notSpooled.delete(request)
  }
}

/** Tells if the spool holds exactly the unsent records. After a split, the entry may hold delivered records too. */
function isSpooled(request: QueuedRequest): boolean {
  const entry = entryOf(request)
  return entry !== undefined && entry.count <= request.count
}

function warnSpoolingFailed(error: unknown): void {
  warnOnce('spooled-queue', 'spooling of log records failed, they wait in memory', error)
}
