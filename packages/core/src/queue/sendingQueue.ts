import { diagnose, nextTurn, rearm, timers, unref } from '@logbridge/bridge'
import { unlessAborted, withDeadline } from '../transport/deadline.ts'
import { quietly } from '../transport/suppressed.ts'
import type { ExportOutcome, Transport } from '../transport/transport.ts'
import type { UnsentRequest } from '../exitFlush/exitFlush.ts'
import { timerMillis, within } from '../process/processExit.ts'
import type { RequestLimits, Spool, SpoolEntry, SpoolRead } from '../spool/types.ts'
import type { Account } from './counters.ts'
import { Backlog } from './backlog.ts'
import type { Batch } from '../otlp/openBatch.ts'
import { type Consignment, consign, halves, type Part, partsOf, requestOf } from './queuedRequest.ts'
import { Flushes } from './pendingFlushes.ts'
import type { ExportObserver } from '../logs/metrics.ts'
import { joinRequests } from '../otlp/logsRequest.ts'

const MAX_CONCURRENT_EXPORTS = 4
/** The longest pause between two requests while a backlog is sent. */
const MAX_PAUSE_MILLIS = 1000
/** How often the spool is looked through for what other processes have left. */
const ADOPT_MILLIS = 10_000
/** Pause before the spool is asked again. */
const ASK_DISK_MILLIS = 1000
/** How long the disk may take at a shutdown, for all that it is asked. */
const DISK_MILLIS = 2000
/** Longest stretch without a turn of the event loop at a shutdown. */
const TURN_MILLIS = 2

/**
 * Sends sealed batches, oldest first, and keeps them in the spool until their fate is known. After the receiver has been
 * away, what has piled up is sent by one request at a time at first, with pauses: it has just come back, and not for us alone.
 */
export class Dispatcher {
  private readonly transport: Transport
  private readonly account: Account
  private readonly spool: Spool | undefined
  private readonly onExport: ExportObserver | undefined
  private readonly backlog: Backlog
  /** Bytes of memory that batches hold, waiting or in flight. */
  private batchBytes = 0
  /** Those in memory, waiting or in flight, and those in flight from the disk. */
  private readonly unsettled = new Set<Consignment>()
  /** Batches in memory that the spool has refused. */
  private readonly refused = new Set<Consignment>()
  private readonly abort = new AbortController()
  private readonly adoption: NodeJS.Timeout | undefined
  private readonly exports = new Set<Promise<void>>()
  private pumpScheduled = false
  /** How many requests may be under way at a time. */
  private window = MAX_CONCURRENT_EXPORTS
  /** Sends what has piled up while the receiver was away. */
  private recovering = false
  private pause: NodeJS.Timeout | undefined
  private askDisk: NodeJS.Timeout | undefined
  /** While someone waits, there are no pauses. */
  private readonly flushes = new Flushes()
  private consignments = 0

  constructor(
    transport: Transport,
    account: Account,
    spool: Spool | undefined,
    onExport: ExportObserver | undefined,
    limits: RequestLimits,
  ) {
    this.backlog = new Backlog(spool, limits)
    this.transport = transport
    this.account = account
    this.spool = spool
    this.onExport = onExport
    if (spool === undefined) return
    this.adoption = quietly(() => {
      void this.adopt(spool)
      return unref(timers.setInterval(() => void this.adopt(spool), ADOPT_MILLIS))
    })
  }

  /** Bytes of memory that everything unsettled holds; what waits on disk has a little of it. */
  get bytes(): number {
    return this.batchBytes + (this.spool?.memory ?? 0)
  }

  /** Takes a sealed batch, and sees that it is sent soon: not within the application's log call. */
  add(batch: Batch): void {
    this.enqueue(batch, false)
    this.schedulePump()
  }

  /** Takes a sealed batch that is to be stored now, and sent when `send` is called or another one is sent. */
  addDelayed(batch: Batch): void {
    this.enqueue(batch, true)
  }

  /** Sees that what has been taken is sent soon. */
  send(): void {
    this.schedulePump()
  }

  private enqueue(batch: Batch, isDelayed: boolean): void {
    const consignment = consign(++this.consignments, batch.count, { batch, isDelayed })
    this.batchBytes += consignment.bytes
    this.unsettled.add(consignment)
    this.backlog.add(consignment)
    const { spool } = this
    if (spool) {
      consignment.recycle = undefined
      this.startStoring(consignment, spool)
    }
  }

  /** Waits until everything so far is settled, no longer than the time given. */
  async flush(timeoutMillis: number): Promise<void> {
    const unsettled = this.unsettled.size + this.backlog.onDisk
    if (unsettled === 0) return
    const flushed = this.flushes.wait(this.consignments, unsettled, timeoutMillis)
    quietly(() => this.pump())
    this.transport.wake()
    const hurry = unref(timers.setTimeout(() => this.giveUpDetection(), timerMillis(timeoutMillis / 2)))
    await flushed
    timers.clearTimeout(hurry)
  }

  /** Leaves half of the time to send what has waited for resource detectors. */
  private giveUpDetection(): void {
    for (const { batch } of this.unsettled) batch?.resource.giveUpWaiting?.()
  }

  /** Flushes, then ends. What could not be sent in time stays in the spool, or is given up. */
  async close(timeoutMillis: number): Promise<void> {
    timers.clearInterval(this.adoption)
    await this.flush(timeoutMillis)
    this.abort.abort()
    timers.clearTimeout(this.pause)
    timers.clearTimeout(this.askDisk)
    this.backlog.clear()
    // Aborted attempts end at once.
    await Promise.all(this.exports)
    const { spool } = this
    const diskEnd = performance.now() + DISK_MILLIS
    // All at once, so that the disk takes them in groups. One that was full before may take them now.
    if (spool) await within(DISK_MILLIS, this.storeAll(spool))
    await this.leaveAll()
    this.transport.close()
    // A blocked event loop may have taken all of the time.
    const closeMillis = Math.max(diskEnd - performance.now(), DISK_MILLIS / 4)
    if (spool) await within(closeMillis, [quietly(() => spool.close())])
  }

  private storeAll(spool: Spool): Promise<void>[] {
    return [...this.unsettled].map(async (consignment) => {
      await consignment.stored
      await quietly(() => this.store(consignment, spool))
    })
  }

  /** Writes to the spool what is not there yet, at once. The process may end after that, or go on. */
  spillSync(): void {
    const { spool } = this
    if (spool === undefined) return
    const unsaved = [...this.unsettled].flatMap((consignment) => {
      const request = isStored(consignment) ? undefined : requestOf(consignment)
      return request ? [{ consignment, request, count: consignment.count }] : []
    })
    const entries = spool.appendSync(unsaved)
    unsaved.forEach(({ consignment }, index) => {
      const entry = entries[index]
      if (entry) this.replaceEntry(consignment, entry, spool)
    })
  }

  /**
   * Gives what is unsent and in memory, in flight included, oldest first; what lies on disk alone is left to the next process.
   * For a thread that is about to end: what is in flight is sent twice.
   */
  unsent(): UnsentRequest[] {
    return [...this.unsettled].flatMap((consignment) =>
      partsOf(consignment).map((part) => ({
        ...part,
        complete: (outcome: ExportOutcome) => this.completeUnsent(consignment, part, outcome),
      })),
    )
  }

  private completeUnsent(consignment: Consignment, part: Part, outcome: ExportOutcome): void {
    const { request, count } = part
    if (outcome.kind === 'retryable' || (outcome.kind === 'too-large' && count > 1)) return
    if (!consignment.inFlight) {
      this.takeOff(consignment)
      this.account.exported += consignment.count
    }
    if (outcome.kind === 'delivered') this.received(outcome)
    consignment.parts = partsOf(consignment).filter((other) => other !== part)
    this.conclude(consignment, count)
    this.account.conclude(request, count, outcome)
  }

  /** The process ends. Without this, the next one would send again what is settled and not yet marked so. */
  endSync(): void {
    this.spillSync()
    this.spool?.closeSync()
  }

  private startStoring(consignment: Consignment, spool: Spool): void {
    consignment.stored = quietly(() => this.store(consignment, spool)).catch(report)
  }

  /** Offers one refused batch to the spool again, every 10 s and after each success: a full disk is asked seldom. */
  private storeRefused(spool: Spool): void {
    if (this.abort.signal.aborted) return
    for (const consignment of this.refused) {
      this.refused.delete(consignment)
      if (!isStored(consignment)) return this.startStoring(consignment, spool)
    }
  }

  private async store(consignment: Consignment, spool: Spool): Promise<void> {
    const { batch } = consignment
    if (isStored(consignment)) return
    if (batch?.resource.ready) await orAbort(batch.resource.ready, this.abort.signal)
    const request = requestOf(consignment)
    if (request === undefined) return
    const entry = await spool.append(request, consignment.count)
    if (entry === undefined) {
      if (this.unsettled.has(consignment)) this.refused.add(consignment)
      return
    }
    this.storeRefused(spool)
    // A spill may have been faster.
    if (entry === consignment.entry) return
    if (isStored(consignment) || !this.unsettled.has(consignment)) return spool.settle(entry)
    this.replaceEntry(consignment, entry, spool)
    for (const released of this.backlog.stored(consignment)) this.park(released, spool)
  }

  /** Replaces the stored entry. The old one is settled after the new one is safe. */
  private replaceEntry(consignment: Consignment, entry: SpoolEntry, spool: Spool): void {
    if (consignment.entry) spool.settle(consignment.entry)
    else this.account.spooled += consignment.count
    consignment.entry = entry
  }

  /** It is on disk, and read back when its turn comes. */
  private park(consignment: Consignment, spool: Spool): void {
    this.unsettled.delete(consignment)
    this.release(consignment)
    spool.park(consignment.entry!, consignment.number)
  }

  private release(consignment: Consignment): void {
    this.refused.delete(consignment)
    this.batchBytes -= consignment.bytes
    consignment.bytes = 0
    consignment.batch = undefined
    consignment.parts = undefined
  }

  private async adopt(spool: Spool): Promise<void> {
    this.storeRefused(spool)
    await spool.adopt((_entries, records) => {
      this.account.adopted += records
      this.account.queued += records
      this.account.spooled += records
      this.recovering = true
      this.window = 1
      this.schedulePump()
      return ++this.consignments
    })
  }

  private schedulePump(): void {
    if (this.pumpScheduled) return
    this.pumpScheduled = true
    quietly(() => timers.setImmediate(() => this.pump()))
  }

  private pump(): void {
    this.pumpScheduled = false
    if (this.pause !== undefined && !this.flushes.any) return
    if (this.exports.size >= this.window || this.abort.signal.aborted) return
    const taken = this.backlog.take()
    if (taken.length === 0) {
      this.recovering = false
      if (!this.backlog.isEmpty) this.askDiskLater()
      return
    }
    for (const consignment of taken) {
      this.unsettled.add(consignment)
      this.takeOff(consignment)
    }
    this.start(taken)
    // One in each turn of the event loop: four together held it up for 12 ms.
    if (!this.backlog.isEmpty) this.schedulePump()
  }

  private askDiskLater(): void {
    this.askDisk ??= unref(
      timers.setTimeout(() => {
        this.askDisk = undefined
        this.pump()
      }, ASK_DISK_MILLIS),
    )
  }

  private start(taken: Consignment[]): void {
    const start = performance.now()
    const running = this.export(taken).finally(() => {
      this.exports.delete(running)
      this.proceed(performance.now() - start)
    })
    this.exports.add(running)
  }

  private async export(taken: Consignment[]): Promise<void> {
    const { signal } = this.abort
    try {
      for (const { batch } of taken) {
        if (batch?.resource.ready) await orAbort(batch.resource.ready, signal)
      }
      await this.deliver(taken, true)
    } catch (error) {
      report(error)
    }
    // What is not to be read now waits already, and is no longer unsettled.
    for (const consignment of taken) if (this.unsettled.has(consignment)) this.keep(consignment)
  }

  /** Sends consignments as one request; where that is too large, by halves. */
  private async deliver(taken: readonly Consignment[], isFirst: boolean): Promise<void> {
    const { loaded, request } = await this.load(taken)
    const [first] = loaded
    if (first === undefined || this.abort.signal.aborted) return
    if (isFirst) for (const { count } of loaded) this.account.exported += count
    if (loaded.length === 1) {
      if (request) {
        first.parts = [{ request, count: first.count }]
        first.bytes = request.length
        this.batchBytes += request.length
      }
      return this.deliverParts(first)
    }
    const joined = request ?? joinRequests(loaded.flatMap((consignment) => requestOf(consignment) ?? []))
    this.batchBytes += joined.length
    const outcome = await this.attempt(joined)
    this.batchBytes -= joined.length
    if (outcome.kind === 'retryable') {
      for (const consignment of loaded) consignment.ended = outcome
    } else if (outcome.kind === 'too-large') {
      const half = loaded.length >>> 1
      await this.deliver(loaded.slice(0, half), false)
      await this.deliver(loaded.slice(half), false)
    } else {
      if (outcome.kind === 'delivered') this.received(outcome)
      let count = 0
      for (const consignment of loaded) {
        count += consignment.count
        this.conclude(consignment, consignment.count)
      }
      this.account.conclude(joined, count, outcome)
    }
  }

  /**
   * Reads from the disk what is there alone.
   * @returns those that are to be sent, and the request of those that were read
   */
  private async load(
    taken: readonly Consignment[],
  ): Promise<{ loaded: readonly Consignment[]; request?: Uint8Array | undefined }> {
    if (taken.every((consignment) => requestOf(consignment) !== undefined)) return { loaded: taken }
    const entries = taken.map(({ entry }) => entry as SpoolEntry)
    const result = await orAbort(this.spool?.read(entries, joinRequests), this.abort.signal)
    if (result === undefined) return { loaded: [] }
    const loaded = taken.filter((consignment, index) => this.isRead(consignment, result.read[index]!))
    return { loaded, request: result.request }
  }

  /** Sees what becomes of a consignment that was read from the disk. @returns whether it is to be sent */
  private isRead(consignment: Consignment, read: SpoolRead): boolean {
    const { count } = consignment
    if (read === 'later') {
      this.unsettled.delete(consignment)
      this.keep(consignment)
    } else if (read === 'taken') {
      this.account.adopted -= count
      this.conclude(consignment, count)
    } else if (read === 'damaged') {
      this.conclude(consignment, count)
      this.account.discard('spool-damaged', undefined, count)
    } else if (read === 'unreadable') {
      this.account.inFlight -= count
      this.account.spooled -= count
      this.settle(consignment)
      this.account.discard('spool_unreadable', undefined, count)
    }
    return read === 'read'
  }

  private takeOff(consignment: Consignment): void {
    consignment.inFlight = true
    this.account.queued -= consignment.count
    this.account.inFlight += consignment.count
  }

  /** Everything ends: what is left of it waits again. */
  private keep(consignment: Consignment): void {
    consignment.inFlight = false
    this.account.inFlight -= consignment.count
    this.account.queued += consignment.count
  }

  /** The fate of so many of its records is known. */
  private conclude(consignment: Consignment, count: number): void {
    const { entry } = consignment
    consignment.count -= count
    this.account.inFlight -= count
    if (entry) this.account.spooled -= count
    if (consignment.count > 0) return
    if (entry) this.spool?.settle(entry)
    this.settle(consignment)
  }

  private settle(consignment: Consignment): void {
    this.unsettled.delete(consignment)
    this.release(consignment)
    this.flushes.settled(consignment.number)
  }

  /** Goes on with what waits: at once, or after as long as the last request took where a backlog is sent. */
  private proceed(lastMillis: number): void {
    // Several answers may have come in one turn: not all of the next requests are made in it, too.
    if (!this.recovering || this.flushes.any) return this.schedulePump()
    timers.clearTimeout(this.pause)
    const millis = Math.min(lastMillis, MAX_PAUSE_MILLIS)
    this.pause = unref(
      timers.setTimeout(() => {
        this.pause = undefined
        this.pump()
      }, millis),
    )
  }

  /**
   * Sends a consignment; where the receiver finds its request too large, in halves, down to the record that cannot go. When
   * everything ends, the consignment has what is still to be sent.
   */
  private async deliverParts(consignment: Consignment): Promise<void> {
    for (let [part, ...rest] = consignment.parts ?? []; part !== undefined; [part, ...rest] = rest) {
      const { request, count } = part
      const outcome = await this.attempt(request)
      // An attempt that has failed, or was answered early, may still have some of it to send.
      if (outcome.kind !== 'delivered' || outcome.attempts !== undefined || outcome.stillRead) {
        consignment.recycle = undefined
      }
      if (outcome.kind === 'retryable') {
        consignment.ended = outcome
        return
      }
      if (outcome.kind === 'too-large' && count > 1) {
        rest = [...halves(part), ...rest]
        consignment.parts = rest
        continue
      }
      consignment.parts = rest
      if (outcome.kind === 'delivered') this.received(outcome)
      this.conclude(consignment, count)
      this.account.conclude(request, count, outcome)
      consignment.recycle?.()
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

  private received({ attempts = 1, rejected, message }: ExportOutcome & { kind: 'delivered' }): void {
    if (rejected > 0 || message) {
      diagnose('partial-success', `the receiver refused ${rejected} log records`, message)
    } else rearm('partial-success')
    if (attempts === 1) this.window = Math.min(this.window + 1, MAX_CONCURRENT_EXPORTS)
    // Once more may be a connection that was closed, or a receiver that is busy.
    if (attempts <= 2) return
    // It is back: the other requests need not wait for the end of their backoff.
    this.recovering = true
    this.window = 1
    this.transport.wake()
  }

  /** Gives up what is neither sent nor stored, and leaves the rest to the next process. */
  private async leaveAll(): Promise<void> {
    let turnedAt = performance.now()
    for (const consignment of this.unsettled) {
      if (consignment.entry === undefined) {
        this.account.queued -= consignment.count
        this.giveUp(consignment)
      }
      this.settle(consignment)
      if (performance.now() - turnedAt < TURN_MILLIS) continue
      await nextTurn()
      turnedAt = performance.now()
    }
  }

  private giveUp(consignment: Consignment): void {
    const { batch, count, ended } = consignment
    // Not as a request, which may still have to be made.
    if (batch) return this.account.discard('shutdown', batch, count)
    for (const { request, count } of partsOf(consignment)) {
      if (ended) this.account.conclude(request, count, ended)
      else this.account.discard('shutdown', request, count)
    }
  }
}

/** Says that a batch could be neither sent nor stored. It stays in memory, and is stored at a shutdown. */
function report(error: unknown): void {
  diagnose('dispatch', 'a batch of log records waits for the shutdown: it could not be handled', error)
}

/** Tells whether the spool holds what is still to be sent, and nothing else: after a 413 a part may have been delivered. */
function isStored({ entry, count }: Consignment): boolean {
  return entry !== undefined && entry.count <= count
}

/** Waits no longer than until the abort: what is waited for may never come. */
function orAbort<T>(waited: Promise<T> | undefined, signal: AbortSignal): Promise<T | undefined> {
  return unlessAborted(signal, waited).catch(() => undefined)
}
