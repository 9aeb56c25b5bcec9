import { warnOnce, nextTurn, rearm, timers, unref } from '@logbridge/bridge/internal'
import { raceAbort, withDeadline } from '../transport/deadline.ts'
import { withSuppressedTelemetry } from '../transport/suppressed.ts'
import type { ExportObserver, ExportOutcome, Transport } from '../transport/transport.ts'
import type { UnsentRequest } from '../process/exitFlush.ts'
import { timerMillis, within } from '../process/timers.ts'
import type { RequestLimits, Spool, SpoolEntry, SpoolRead } from '../spool/types.ts'
import type { PipelineCounters } from './counters.ts'
import { Backlog } from './backlog.ts'
import type { Batch } from '../otlp/openBatch.ts'
import {
  type QueuedRequest,
  createQueuedRequest,
  splitInHalf,
  type EncodedRequest,
  chunksOf,
  encodedRequestOf,
} from './queuedRequest.ts'
import { PendingFlushes } from './pendingFlushes.ts'
import { joinRequests } from '../otlp/logsRequest.ts'

const MAX_CONCURRENT_EXPORTS = 4
/** The longest pause between two requests while a backlog is sent. */
const MAX_DRAIN_DELAY_MILLIS = 1000
/** How often the spool is looked through for what other processes have left. */
const RECOVERY_INTERVAL_MILLIS = 10_000
/** Pause before the spool is asked again. */
const DISK_RETRY_MILLIS = 1000
/** How long the disk may take at a shutdown, for all that it is asked. */
const DISK_TIMEOUT_MILLIS = 2000
/** Longest stretch without a turn of the event loop at a shutdown. */
const TURN_MILLIS = 2

/**
 * Sends sealed batches, oldest first, and keeps them in the spool until their fate is known. After the receiver has been
 * away, what has piled up is sent by one request at a time at first, with pauses: it has just come back, and not for us alone.
 */
export class SendingQueue {
  private readonly transport: Transport
  private readonly counters: PipelineCounters
  private readonly spool: Spool | undefined
  private readonly onExport: ExportObserver | undefined
  private readonly backlog: Backlog
  /** Bytes of memory that batches hold, waiting or in flight. */
  private batchBytes = 0
  /** Those in memory, waiting or in flight, and those in flight from the disk. */
  private readonly pending = new Set<QueuedRequest>()
  /** Batches in memory that the spool has refused. */
  private readonly notSpooled = new Set<QueuedRequest>()
  private readonly abort = new AbortController()
  private readonly recoveryTimer: NodeJS.Timeout | undefined
  private readonly exports = new Set<Promise<void>>()
  private sendScheduled = false
  /** How many requests may be under way at a time. */
  private concurrency = MAX_CONCURRENT_EXPORTS
  /** Sends what has piled up while the receiver was away. */
  private draining = false
  private drainDelay: NodeJS.Timeout | undefined
  private diskRetry: NodeJS.Timeout | undefined
  /** While someone waits, there are no pauses. */
  private readonly flushes = new PendingFlushes()
  private lastSequence = 0

  constructor(
    transport: Transport,
    counters: PipelineCounters,
    spool: Spool | undefined,
    onExport: ExportObserver | undefined,
    limits: RequestLimits,
  ) {
    this.backlog = new Backlog(spool, limits)
    this.transport = transport
    this.counters = counters
    this.spool = spool
    this.onExport = onExport
    if (spool === undefined) return
    this.recoveryTimer = withSuppressedTelemetry(() => {
      void this.recoverOrphans(spool)
      return unref(timers.setInterval(() => void this.recoverOrphans(spool), RECOVERY_INTERVAL_MILLIS))
    })
  }

  /** Bytes of memory that everything unsettled holds; what waits on disk has a little of it. */
  get bytes(): number {
    return this.batchBytes + (this.spool?.memory ?? 0)
  }

  /** Takes a sealed batch, and sees that it is sent soon: not within the application's log call. */
  add(batch: Batch): void {
    this.enqueue(batch, false)
    this.scheduleSend()
  }

  /** Takes a sealed batch that is to be stored now, and sent when `send` is called or another one is sent. */
  addDelayed(batch: Batch): void {
    this.enqueue(batch, true)
  }

  /** Sees that what has been taken is sent soon. */
  send(): void {
    this.scheduleSend()
  }

  private enqueue(batch: Batch, isDelayed: boolean): void {
    const queuedRequest = createQueuedRequest(++this.lastSequence, batch.count, { batch, isDelayed })
    this.batchBytes += queuedRequest.bytes
    this.pending.add(queuedRequest)
    this.backlog.add(queuedRequest)
    const { spool } = this
    if (spool) {
      queuedRequest.recycle = undefined
      this.startSpooling(queuedRequest, spool)
    }
  }

  /** Waits until everything so far is settled, no longer than the time given. */
  async flush(timeoutMillis: number): Promise<void> {
    const unsettled = this.pending.size + this.backlog.onDisk
    if (unsettled === 0) return
    const flushed = this.flushes.add(this.lastSequence, unsettled, timeoutMillis)
    withSuppressedTelemetry(() => this.sendNext())
    this.transport.resetBackoff()
    const hurry = unref(
      timers.setTimeout(() => this.stopWaitingForDetectors(), timerMillis(timeoutMillis / 2)),
    )
    await flushed
    timers.clearTimeout(hurry)
  }

  /** Leaves half of the time to send what has waited for resource detectors. */
  private stopWaitingForDetectors(): void {
    for (const { batch } of this.pending) batch?.resource.giveUpWaiting?.()
  }

  /** Flushes, then ends. What could not be sent in time stays in the spool, or is given up. */
  async close(timeoutMillis: number): Promise<void> {
    timers.clearInterval(this.recoveryTimer)
    await this.flush(timeoutMillis)
    this.abort.abort()
    timers.clearTimeout(this.drainDelay)
    timers.clearTimeout(this.diskRetry)
    this.backlog.clear()
    // Aborted attempts end at once.
    await Promise.all(this.exports)
    const { spool } = this
    const diskEnd = performance.now() + DISK_TIMEOUT_MILLIS
    // All at once, so that the disk takes them in groups. One that was full before may take them now.
    if (spool) await within(DISK_TIMEOUT_MILLIS, this.spoolAll(spool))
    await this.finalizeUnsent()
    this.transport.close()
    // A blocked event loop may have taken all of the time.
    const closeMillis = Math.max(diskEnd - performance.now(), DISK_TIMEOUT_MILLIS / 4)
    if (spool) await within(closeMillis, [withSuppressedTelemetry(() => spool.close())])
  }

  private spoolAll(spool: Spool): Promise<void>[] {
    return [...this.pending].map(async (queuedRequest) => {
      await queuedRequest.spooling
      await withSuppressedTelemetry(() => this.spoolRequest(queuedRequest, spool))
    })
  }

  /** Writes to the spool what is not there yet, at once. The process may end after that, or go on. */
  spillSync(): void {
    const { spool } = this
    if (spool === undefined) return
    const unsaved = [...this.pending].flatMap((queuedRequest) => {
      const request = isSpooled(queuedRequest) ? undefined : encodedRequestOf(queuedRequest)
      return request ? [{ queuedRequest, bytes: request, recordCount: queuedRequest.count }] : []
    })
    const entries = spool.appendSync(unsaved)
    unsaved.forEach(({ queuedRequest }, index) => {
      const entry = entries[index]
      if (entry) this.replaceEntry(queuedRequest, entry, spool)
    })
  }

  /**
   * Gives what is unsent and in memory, in flight included, oldest first; what lies on disk alone is left to the next process.
   * For a thread that is about to end: what is in flight is sent twice.
   */
  unsent(): UnsentRequest[] {
    return [...this.pending].flatMap((queuedRequest) =>
      chunksOf(queuedRequest).map((part) => ({
        ...part,
        complete: (outcome: ExportOutcome) => this.completeUnsent(queuedRequest, part, outcome),
      })),
    )
  }

  private completeUnsent(queuedRequest: QueuedRequest, part: EncodedRequest, outcome: ExportOutcome): void {
    const { bytes: request, recordCount: count } = part
    if (outcome.kind === 'retryable' || (outcome.kind === 'too_large' && count > 1)) return
    if (!queuedRequest.inFlight) {
      this.takeOff(queuedRequest)
      this.counters.exported += queuedRequest.count
    }
    if (outcome.kind === 'delivered') this.onDelivered(outcome)
    queuedRequest.parts = chunksOf(queuedRequest).filter((other) => other !== part)
    this.complete(queuedRequest, count)
    this.counters.complete(request, count, outcome)
  }

  /** The process ends. Without this, the next one would send again what is settled and not yet marked so. */
  endSync(): void {
    this.spillSync()
    this.spool?.closeSync()
  }

  private startSpooling(queuedRequest: QueuedRequest, spool: Spool): void {
    queuedRequest.spooling = withSuppressedTelemetry(() => this.spoolRequest(queuedRequest, spool)).catch(
      report,
    )
  }

  /** Offers one refused batch to the spool again, every 10 s and after each success: a full disk is asked seldom. */
  private retrySpooling(spool: Spool): void {
    if (this.abort.signal.aborted) return
    for (const queuedRequest of this.notSpooled) {
      this.notSpooled.delete(queuedRequest)
      if (!isSpooled(queuedRequest)) return this.startSpooling(queuedRequest, spool)
    }
  }

  private async spoolRequest(queuedRequest: QueuedRequest, spool: Spool): Promise<void> {
    const { batch } = queuedRequest
    if (isSpooled(queuedRequest)) return
    if (batch?.resource.ready) await untilAbort(batch.resource.ready, this.abort.signal)
    const request = encodedRequestOf(queuedRequest)
    if (request === undefined) return
    const entry = await spool.append(request, queuedRequest.count)
    if (entry === undefined) {
      if (this.pending.has(queuedRequest)) this.notSpooled.add(queuedRequest)
      return
    }
    this.retrySpooling(spool)
    // A spill may have been faster.
    if (entry === queuedRequest.entry) return
    if (isSpooled(queuedRequest) || !this.pending.has(queuedRequest)) return spool.ack(entry)
    this.replaceEntry(queuedRequest, entry, spool)
    for (const released of this.backlog.onSpooled(queuedRequest)) this.releaseMemory(released, spool)
  }

  /** Replaces the stored entry. The old one is settled after the new one is safe. */
  private replaceEntry(queuedRequest: QueuedRequest, entry: SpoolEntry, spool: Spool): void {
    if (queuedRequest.entry) spool.ack(queuedRequest.entry)
    else this.counters.spooled += queuedRequest.count
    queuedRequest.entry = entry
  }

  /** It is on disk, and read back when its turn comes. */
  private releaseMemory(queuedRequest: QueuedRequest, spool: Spool): void {
    this.pending.delete(queuedRequest)
    this.release(queuedRequest)
    spool.park(queuedRequest.entry!, queuedRequest.sequence)
  }

  private release(queuedRequest: QueuedRequest): void {
    this.notSpooled.delete(queuedRequest)
    this.batchBytes -= queuedRequest.bytes
    queuedRequest.bytes = 0
    queuedRequest.batch = undefined
    queuedRequest.parts = undefined
  }

  private async recoverOrphans(spool: Spool): Promise<void> {
    this.retrySpooling(spool)
    await spool.recover((_entries, records) => {
      this.counters.recovered += records
      this.counters.queued += records
      this.counters.spooled += records
      this.draining = true
      this.concurrency = 1
      this.scheduleSend()
      return ++this.lastSequence
    })
  }

  private scheduleSend(): void {
    if (this.sendScheduled) return
    this.sendScheduled = true
    withSuppressedTelemetry(() => timers.setImmediate(() => this.sendNext()))
  }

  private sendNext(): void {
    this.sendScheduled = false
    if (this.drainDelay !== undefined && !this.flushes.any) return
    if (this.exports.size >= this.concurrency || this.abort.signal.aborted) return
    const taken = this.backlog.take()
    if (taken.length === 0) {
      this.draining = false
      if (!this.backlog.isEmpty) this.retryDiskLater()
      return
    }
    for (const queuedRequest of taken) {
      this.pending.add(queuedRequest)
      this.takeOff(queuedRequest)
    }
    this.start(taken)
    // One in each turn of the event loop: four together held it up for 12 ms.
    if (!this.backlog.isEmpty) this.scheduleSend()
  }

  private retryDiskLater(): void {
    this.diskRetry ??= unref(
      timers.setTimeout(() => {
        this.diskRetry = undefined
        this.sendNext()
      }, DISK_RETRY_MILLIS),
    )
  }

  private start(taken: QueuedRequest[]): void {
    const start = performance.now()
    const running = this.export(taken).finally(() => {
      this.exports.delete(running)
      this.scheduleNext(performance.now() - start)
    })
    this.exports.add(running)
  }

  private async export(taken: QueuedRequest[]): Promise<void> {
    const { signal } = this.abort
    try {
      for (const { batch } of taken) {
        if (batch?.resource.ready) await untilAbort(batch.resource.ready, signal)
      }
      await this.deliver(taken, true)
    } catch (error) {
      report(error)
    }
    // What is not to be read now waits already, and is no longer unsettled.
    for (const queuedRequest of taken) if (this.pending.has(queuedRequest)) this.requeue(queuedRequest)
  }

  /** Sends queuedRequests as one request; where that is too large, by halves. */
  private async deliver(taken: readonly QueuedRequest[], isFirst: boolean): Promise<void> {
    const { loaded, request } = await this.load(taken)
    const [first] = loaded
    if (first === undefined || this.abort.signal.aborted) return
    if (isFirst) for (const { count } of loaded) this.counters.exported += count
    if (loaded.length === 1) {
      if (request) {
        first.parts = [{ bytes: request, recordCount: first.count }]
        first.bytes = request.length
        this.batchBytes += request.length
      }
      return this.deliverParts(first)
    }
    const joined =
      request ?? joinRequests(loaded.flatMap((queuedRequest) => encodedRequestOf(queuedRequest) ?? []))
    this.batchBytes += joined.length
    const outcome = await this.attempt(joined)
    this.batchBytes -= joined.length
    if (outcome.kind === 'retryable') {
      for (const queuedRequest of loaded) queuedRequest.ended = outcome
    } else if (outcome.kind === 'too_large') {
      const half = loaded.length >>> 1
      await this.deliver(loaded.slice(0, half), false)
      await this.deliver(loaded.slice(half), false)
    } else {
      if (outcome.kind === 'delivered') this.onDelivered(outcome)
      let count = 0
      for (const queuedRequest of loaded) {
        count += queuedRequest.count
        this.complete(queuedRequest, queuedRequest.count)
      }
      this.counters.complete(joined, count, outcome)
    }
  }

  /**
   * Reads from the disk what is there alone.
   * @returns those that are to be sent, and the request of those that were read
   */
  private async load(
    taken: readonly QueuedRequest[],
  ): Promise<{ loaded: readonly QueuedRequest[]; request?: Uint8Array | undefined }> {
    if (taken.every((queuedRequest) => encodedRequestOf(queuedRequest) !== undefined))
      return { loaded: taken }
    const entries = taken.map(({ entry }) => entry as SpoolEntry)
    const result = await untilAbort(this.spool?.read(entries, joinRequests), this.abort.signal)
    if (result === undefined) return { loaded: [] }
    const loaded = taken.filter((queuedRequest, index) => this.handleRead(queuedRequest, result.read[index]!))
    return { loaded, request: result.request }
  }

  /** Sees what becomes of a queuedRequest that was read from the disk. @returns whether it is to be sent */
  private handleRead(queuedRequest: QueuedRequest, read: SpoolRead): boolean {
    const { count } = queuedRequest
    if (read === 'later') {
      this.pending.delete(queuedRequest)
      this.requeue(queuedRequest)
    } else if (read === 'taken') {
      this.counters.recovered -= count
      this.complete(queuedRequest, count)
    } else if (read === 'corrupt') {
      this.complete(queuedRequest, count)
      this.counters.dropUnsent('spool_corrupted', undefined, count)
    } else if (read === 'unreadable') {
      this.counters.inFlight -= count
      this.counters.spooled -= count
      this.remove(queuedRequest)
      this.counters.dropUnsent('spool_unreadable', undefined, count)
    }
    return read === 'read'
  }

  private takeOff(queuedRequest: QueuedRequest): void {
    queuedRequest.inFlight = true
    this.counters.queued -= queuedRequest.count
    this.counters.inFlight += queuedRequest.count
  }

  /** Everything ends: what is left of it waits again. */
  private requeue(queuedRequest: QueuedRequest): void {
    queuedRequest.inFlight = false
    this.counters.inFlight -= queuedRequest.count
    this.counters.queued += queuedRequest.count
  }

  /** The fate of so many of its records is known. */
  private complete(queuedRequest: QueuedRequest, count: number): void {
    const { entry } = queuedRequest
    queuedRequest.count -= count
    this.counters.inFlight -= count
    if (entry) this.counters.spooled -= count
    if (queuedRequest.count > 0) return
    if (entry) this.spool?.ack(entry)
    this.remove(queuedRequest)
  }

  private remove(queuedRequest: QueuedRequest): void {
    this.pending.delete(queuedRequest)
    this.release(queuedRequest)
    this.flushes.onCompleted(queuedRequest.sequence)
  }

  /** Goes on with what waits: at once, or after as long as the last request took where a backlog is sent. */
  private scheduleNext(lastMillis: number): void {
    // Several answers may have come in one turn: not all of the next requests are made in it, too.
    if (!this.draining || this.flushes.any) return this.scheduleSend()
    timers.clearTimeout(this.drainDelay)
    const millis = Math.min(lastMillis, MAX_DRAIN_DELAY_MILLIS)
    this.drainDelay = unref(
      timers.setTimeout(() => {
        this.drainDelay = undefined
        this.sendNext()
      }, millis),
    )
  }

  /**
   * Sends a queuedRequest; where the receiver finds its request too large, in halves, down to the record that cannot go. When
   * everything ends, the queuedRequest has what is still to be sent.
   */
  private async deliverParts(queuedRequest: QueuedRequest): Promise<void> {
    for (let [part, ...rest] = queuedRequest.parts ?? []; part !== undefined; [part, ...rest] = rest) {
      const { bytes: request, recordCount: count } = part
      const outcome = await this.attempt(request)
      // An attempt that has failed, or was answered early, may still have some of it to send.
      if (outcome.kind !== 'delivered' || outcome.attempts !== undefined || outcome.stillRead) {
        queuedRequest.recycle = undefined
      }
      if (outcome.kind === 'retryable') {
        queuedRequest.ended = outcome
        return
      }
      if (outcome.kind === 'too_large' && count > 1) {
        rest = [...splitInHalf(part), ...rest]
        queuedRequest.parts = rest
        continue
      }
      queuedRequest.parts = rest
      if (outcome.kind === 'delivered') this.onDelivered(outcome)
      this.complete(queuedRequest, count)
      this.counters.complete(request, count, outcome)
      queuedRequest.recycle?.()
    }
  }

  private async attempt(request: Uint8Array): Promise<ExportOutcome> {
    const { signal } = this.abort
    if (signal.aborted) return { kind: 'retryable', reason: 'it was not sent again' }
    const start = performance.now()
    // Bounded also where a transport is not, because a shutdown waits for it.
    const outcome = await withDeadline(Infinity, signal, (attempt) =>
      this.transport.send(request, attempt),
    ).catch((): ExportOutcome => ({ kind: 'retryable', reason: 'no answer yet' }))
    this.onExport?.(outcome, (performance.now() - start) / 1000)
    return outcome
  }

  private onDelivered({ attempts = 1, rejected, message }: ExportOutcome & { kind: 'delivered' }): void {
    if (rejected > 0 || message) {
      warnOnce('partial-success', `the receiver rejected ${rejected} log records`, message)
    } else rearm('partial-success')
    if (attempts === 1) this.concurrency = Math.min(this.concurrency + 1, MAX_CONCURRENT_EXPORTS)
    // Once more may be a connection that was closed, or a receiver that is busy.
    if (attempts <= 2) return
    // It is back: the other requests need not wait for the end of their backoff.
    this.draining = true
    this.concurrency = 1
    this.transport.resetBackoff()
  }

  /** Gives up what is neither sent nor stored, and leaves the rest to the next process. */
  private async finalizeUnsent(): Promise<void> {
    let turnedAt = performance.now()
    for (const queuedRequest of this.pending) {
      if (queuedRequest.entry === undefined) {
        this.counters.queued -= queuedRequest.count
        this.drop(queuedRequest)
      }
      this.remove(queuedRequest)
      if (performance.now() - turnedAt < TURN_MILLIS) continue
      await nextTurn()
      turnedAt = performance.now()
    }
  }

  private drop(queuedRequest: QueuedRequest): void {
    const { batch, count, ended } = queuedRequest
    // Not as a request, which may still have to be made.
    if (batch) return this.counters.dropUnsent('shutdown_timeout', batch, count)
    for (const { bytes: request, recordCount: count } of chunksOf(queuedRequest)) {
      if (ended) this.counters.complete(request, count, ended)
      else this.counters.dropUnsent('shutdown_timeout', request, count)
    }
  }
}

/** Says that a batch could be neither sent nor stored. It stays in memory, and is stored at a shutdown. */
function report(error: unknown): void {
  warnOnce('dispatch', 'a batch of log records waits for the shutdown: it could not be handled', error)
}

/** Tells whether the spool holds what is still to be sent, and nothing else: after a 413 a part may have been delivered. */
function isSpooled({ entry, count }: QueuedRequest): boolean {
  return entry !== undefined && entry.count <= count
}

/** Waits no longer than until the abort: what is waited for may never come. */
function untilAbort<T>(waited: Promise<T> | undefined, signal: AbortSignal): Promise<T | undefined> {
  return raceAbort(signal, waited).catch(() => undefined)
}
