import * as nodeFs from 'node:fs'
import { warnOnce, rearm, timers, unref } from '@logbridge/bridge/internal'
import type { SpoolConfig } from '../config/spool.ts'
import { withSuppressedTelemetry } from '../transport/suppressed.ts'
import { recoverOrphans } from './recovery.ts'
import { type Fs, isFull } from './files.ts'
import { releaseDirectory, releaseDirectorySync, MAX_DIRECTORY_BYTES } from './ownedDirectory.ts'
import { ENTRY_BYTES, HEADER_BYTES, ACK_BYTES } from './format.ts'
import { canLock } from './lock.ts'
import { DiskTimeout } from './diskTimeout.ts'
import { Reader } from './reader.ts'
import { DiskQuota } from './diskQuota.ts'
import { Entry, type Segment } from './segment.ts'
import type { JoinRequests, RequestLimits, Spool, SpoolEntry, SpoolRequest } from './types.ts'
import { WaitingEntries } from './waitingEntries.ts'
import { Writer } from './writer.ts'

const SEGMENT_BYTES = 4 * 1024 * 1024
/** What is written, and synced, in one go: checksums of 1 MiB take about 1 ms, and a writev takes 1024 chunks, two a request. */
const GROUP_BYTES = 1024 * 1024
const MAX_GROUP = 256
/** Settled entries are written down this often at the most, where their segment still holds others. */
const ACK_INTERVAL_MILLIS = 100

interface Waiting extends SpoolRequest {
  readonly resolve: (entry: SpoolEntry | undefined) => void
}

/**
 * Opens a spool. Nothing is touched until the first append or adoption. Trouble with the disk is told once on stderr; what
 * cannot be kept then is for the memory alone.
 * @param fs another file system, for tests
 */
export function openSpool(config: SpoolConfig, fs: Fs = nodeFs): Spool {
  const spool = new DiskSpool(config, fs)
  const obstacle = obstacleTo(config)
  if (obstacle === undefined) return spool
  warnOnce('spool-unavailable', `log records are not kept on disk: ${obstacle}`)
  spool.closeSync()
  return spool
}

function obstacleTo({ directory }: SpoolConfig): string | undefined {
  if (!canLock()) {
    return (
      'the spool needs the module node:sqlite, which this Node.js does not have. ' +
      'Node.js 22.15 and later have it, unless built without'
    )
  }
  const bytes = Buffer.byteLength(directory)
  if (bytes <= MAX_DIRECTORY_BYTES) return undefined
  return `the path of the spool has ${bytes} bytes. Give one of at most ${MAX_DIRECTORY_BYTES}: ${directory}`
}

class DiskSpool implements Spool {
  memory = 0
  private readonly config: SpoolConfig
  private readonly fs: Fs
  private readonly room: DiskQuota
  private readonly writer: Writer
  private readonly segmentBytes: number
  private readonly groupBytes: number
  /** Appends that wait, by their requests. */
  private readonly queue = new Map<Uint8Array, Waiting>()
  private readonly patience = new DiskTimeout()
  private readonly reader: Reader
  private readonly entries = new WaitingEntries()
  /** Segments that nothing is left in, to be removed. */
  private readonly done = new Set<Segment>()
  /** Those that could not be removed. */
  private readonly stuck = new Set<Segment>()
  /** Segments with entries that are settled and not marked so. */
  private readonly unwrittenAcks = new Set<Segment>()
  private ackTimer: NodeJS.Timeout | undefined
  private acksAreDue = false
  /** Folders that are better left alone. */
  private readonly left = new Set<string>()
  private working: Promise<void> | undefined
  private recovering: Promise<void> | undefined
  private closing: Promise<void> | undefined
  /** Takes no more appends. */
  private closed = false
  /** The locks are gone. */
  private ended = false

  constructor(config: SpoolConfig, fs: Fs) {
    this.config = config
    this.fs = fs
    this.room = new DiskQuota(fs, config)
    // Room is freed by the segment, so a small spool has small ones.
    this.segmentBytes = Math.min(SEGMENT_BYTES, Math.ceil(config.maxBytes / 8))
    this.groupBytes = Math.min(GROUP_BYTES, this.segmentBytes)
    this.writer = new Writer(fs, config, this.room, this.segmentBytes)
    this.reader = new Reader(fs, config.directory, this.patience, this.room)
  }

  get bytes(): number {
    return this.room.bytes
  }

  get waiting(): number {
    return this.entries.count
  }

  append(request: Uint8Array, count: number): Promise<SpoolEntry | undefined> {
    const { promise, resolve } = Promise.withResolvers<SpoolEntry | undefined>()
    if (this.closed || this.patience.isOver) resolve(undefined)
    else {
      this.queue.set(request, { bytes: request, recordCount: count, resolve })
      this.work()
    }
    return promise
  }

  appendSync(requests: readonly SpoolRequest[]): (SpoolEntry | undefined)[] {
    if (this.closed) return requests.map(() => undefined)
    const waiting = requests.map(({ bytes: request }) => this.queue.get(request))
    for (const { bytes: request } of requests) this.queue.delete(request)
    const entries = withSuppressedTelemetry(() => this.spill(requests))
    waiting.forEach((append, index) => append?.resolve(entries[index]))
    return entries
  }

  private spill(requests: readonly SpoolRequest[]): (Entry | undefined)[] {
    const entries: (Entry | undefined)[] = []
    for (let start = 0, end = 0; start < requests.length; start = end) {
      let bytes = HEADER_BYTES
      while (end < requests.length) {
        bytes += spaceOf(requests[end]!)
        if (end > start && bytes > this.segmentBytes) break
        end += 1
      }
      entries.push(...this.spillSegment(requests.slice(start, end)))
    }
    if (!entries.includes(undefined)) rearm('spool-disk')
    return entries
  }

  /** Writes requests to one segment; where the disk has room for some of them only, by halves. */
  private spillSegment(requests: readonly SpoolRequest[]): (Entry | undefined)[] {
    this.room.reserveSync(requests.reduce((bytes, request) => bytes + spaceOf(request), 0))
    let before = 0
    const admitted = requests.filter((request) => {
      const isAdmitted = this.room.hasSpace(request.bytes.length, before)
      if (isAdmitted) before += spaceOf(request)
      return isAdmitted
    })
    if (admitted.length === 0) return requests.map(() => undefined)
    try {
      const entries = this.writer.appendSync(admitted)
      if (admitted.length === requests.length) return entries
      const byRequest = new Map(admitted.map((request, index) => [request, entries[index]]))
      return requests.map((request) => byRequest.get(request))
    } catch (error) {
      this.room.complain(error)
      const half = requests.length >>> 1
      const first = isFull(error) && half > 0 ? this.spillSegment(requests.slice(0, half)) : []
      // Where none of the first half fits, none of the second one does.
      const isOver = !first.some((entry) => entry !== undefined)
      return isOver ? requests.map(() => undefined) : [...first, ...this.spillSegment(requests.slice(half))]
    }
  }

  park(entry: SpoolEntry, number: number): void {
    if (entry instanceof Entry) this.entries.park(entry, number)
  }

  take(limits: RequestLimits): SpoolEntry[] {
    return this.ended || this.patience.isOver ? [] : this.entries.take(limits)
  }

  async read(taken: readonly SpoolEntry[], join: JoinRequests): ReturnType<Spool['read']> {
    if (this.ended) return { read: taken.map(() => 'later') }
    const entries = taken as readonly Entry[]
    const result = await withSuppressedTelemetry(() => this.reader.read(entries, join))
    result.read.forEach((read, index) => {
      if (read === 'later') this.entries.add(entries[index]!.segment, 1)
    })
    return result
  }

  ack(entry: SpoolEntry): void {
    if (!(entry instanceof Entry)) return
    const { segment } = entry
    const isLast = segment.ack(entry)
    if (isLast === undefined) return
    if (!isLast) return this.scheduleAckWrite(segment)
    this.done.add(segment)
    this.work()
  }

  private scheduleAckWrite(segment: Segment): void {
    this.unwrittenAcks.add(segment)
    if (this.closed) this.writeAcksNow()
    else
      this.ackTimer ??= withSuppressedTelemetry(() =>
        unref(timers.setTimeout(() => this.writeAcksNow(), ACK_INTERVAL_MILLIS)),
      )
  }

  private writeAcksNow(): void {
    timers.clearTimeout(this.ackTimer)
    this.ackTimer = undefined
    this.acksAreDue = true
    this.work()
  }

  recover(found: (entries: number, records: number) => number): Promise<void> {
    if (this.closed || this.recovering || this.patience.isOver) return Promise.resolve()
    this.retryRemoval()
    this.recovering = withSuppressedTelemetry(() => this.recoverDirectory(found))
      .catch((error: unknown) => this.room.complain(error))
      .finally(() => {
        this.recovering = undefined
      })
    return this.recovering
  }

  private async recoverDirectory(found: (entries: number, records: number) => number): Promise<void> {
    const { fs, room, left, config } = this
    const orphans = await recoverOrphans(fs, config.directory, { own: room.folders, left })
    for (const { folder, segments } of orphans) {
      if (this.ended) await releaseDirectory(fs, folder)
      else if (!folder.left) room.adopt(folder, segments)
    }
    // Closed meanwhile: they are left to the next process.
    if (this.closed) return
    this.entries.recover(
      orphans.flatMap(({ folder, segments }) => (folder.left ? [] : segments)),
      found,
    )
    this.weigh()
  }

  /** What could not be removed may be by now. */
  private retryRemoval(): void {
    if (this.stuck.size === 0) return
    for (const segment of this.stuck) this.done.add(segment)
    this.stuck.clear()
    this.work()
  }

  private weigh(): void {
    let bytes = 0
    for (const { segments } of this.room.folders.values()) {
      for (const { table } of segments) bytes += table.bytes
    }
    this.memory = bytes
  }

  close(): Promise<void> {
    this.closing ??= withSuppressedTelemetry(() => this.end())
    return this.closing
  }

  private async end(): Promise<void> {
    this.closed = true
    await this.recovering
    this.writeAcksNow()
    while (this.working) await this.working
    if (this.ended) return
    this.ended = true
    this.room.stop()
    await this.writer.rotate()
    for (const folder of this.room.folders.values()) await releaseDirectory(this.fs, folder)
  }

  closeSync(): void {
    if (this.ended) return
    this.closed = true
    this.ended = true
    this.room.stop()
    timers.clearTimeout(this.ackTimer)
    this.refuseQueued()
    withSuppressedTelemetry(() => {
      for (const { segments } of this.room.folders.values()) {
        for (const segment of segments) if (segment !== this.writer.busy) this.finishSync(segment)
      }
      // While a thread is still writing, no other process may read: the locks go with the process, or when it is done.
      if (!this.writer.busy) this.leaveSync()
    })
  }

  private leaveSync(): void {
    this.writer.release()
    for (const folder of this.room.folders.values()) releaseDirectorySync(this.fs, folder)
  }

  private finishSync(segment: Segment): void {
    try {
      if (segment.pendingEntries === 0) this.room.removeSync(segment)
      else if (segment.unwrittenAcks > 0) this.writer.writeAcksSync(segment)
    } catch {
      // What is settled is sent twice.
    }
  }

  /** Starts the disk work in the background, one task at a time. */
  private work(): void {
    if (this.ended) return
    this.working ??= withSuppressedTelemetry(() => this.run())
  }

  private async run(): Promise<void> {
    // What is appended in one go is written in one go.
    await Promise.resolve()
    while (!this.ended && (this.queue.size > 0 || this.done.size > 0 || this.acksAreDue)) {
      try {
        if (this.queue.size > 0) await this.patience.watch(this.writeQueued(), () => this.onLate())
        await this.patience.watch(this.removeDone(), () => this.onLate())
        if (this.acksAreDue) await this.patience.watch(this.writeAcks(), () => this.onLate())
      } catch (error) {
        this.room.complain(error)
        this.refuseQueued()
      }
      this.weigh()
    }
    this.working = undefined
    // Closed at once while this was under way, and the process goes on.
    if (this.ended) this.leaveSync()
  }

  /** The disk does not answer. What waits for it would pile up in memory, behind records that have long been sent. */
  private onLate(): void {
    this.room.complain(new Error('the disk does not answer'))
    this.refuseQueued()
  }

  private refuseQueued(): void {
    for (const { resolve } of this.queue.values()) resolve(undefined)
    this.queue.clear()
  }

  private async writeQueued(): Promise<void> {
    await this.room.reserve(this.queuedBytes())
    const group = this.takeGroup()
    if (group.length === 0) return
    try {
      const entries = await this.writer.append(group)
      rearm('spool-disk')
      group.forEach(({ resolve }, index) => resolve(entries[index]))
    } catch (error) {
      this.room.complain(error)
      for (const { resolve } of group) resolve(undefined)
    }
  }

  /** What the requests take that are written next. */
  private queuedBytes(): number {
    let bytes = 0
    for (const waiting of this.queue.values()) {
      bytes += spaceOf(waiting)
      if (bytes > this.groupBytes) break
    }
    return bytes
  }

  /** Takes the next group to write: at least one request. */
  private takeGroup(): Waiting[] {
    const group: Waiting[] = []
    let bytes = 0
    for (const [request, waiting] of this.queue) {
      if (group.length === MAX_GROUP) break
      if (group.length > 0 && bytes + request.length > this.groupBytes) break
      this.queue.delete(request)
      if (!this.room.hasSpace(request.length, bytes)) {
        waiting.resolve(undefined)
        continue
      }
      group.push(waiting)
      bytes += spaceOf(waiting)
    }
    return group
  }

  private async removeDone(): Promise<void> {
    for (const segment of this.done) {
      this.done.delete(segment)
      // It may have been appended to since.
      if (segment.pendingEntries > 0) this.scheduleAckWrite(segment)
      else if (this.writer.isActive(segment)) await this.writer.rotate()
      else await this.room.remove(segment).catch((error: unknown) => this.keepDone(segment, error))
    }
  }

  /** A segment cannot be removed: it says at least that nothing is left in it, and is tried again with the next adoption. */
  private async keepDone(segment: Segment, error: unknown): Promise<void> {
    this.room.complain(error)
    this.stuck.add(segment)
    if (segment.unwrittenAcks > 0) await this.writer.writeAcks(segment)
  }

  private async writeAcks(): Promise<void> {
    this.acksAreDue = false
    for (const segment of this.unwrittenAcks) {
      this.unwrittenAcks.delete(segment)
      if (segment.pendingEntries > 0) await this.writer.writeAcks(segment)
    }
  }
}

/** Bytes that a request takes on disk, with what says that it is settled. */
function spaceOf({ bytes: request }: SpoolRequest): number {
  return ENTRY_BYTES + request.length + ACK_BYTES
}
