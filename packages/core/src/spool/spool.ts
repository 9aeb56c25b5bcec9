import * as nodeFs from 'node:fs'
import { rearm, warnOnce } from '@logbridge/bridge/internal'
import type { SpoolConfig } from '../config/spool.ts'
import { withSuppressedTelemetry } from '../transport/suppressed.ts'
import { AckQueue } from './ackQueue.ts'
import { DiskQuota } from './diskQuota.ts'
import { DiskTimeout } from './diskTimeout.ts'
import type { Fs } from './files.ts'
import { canLock } from './lock.ts'
import { MAX_DIRECTORY_BYTES, releaseDirectory, releaseDirectorySync } from './ownedDirectory.ts'
import { Reader } from './reader.ts'
import { recoverOrphans } from './recovery.ts'
import { EntryLocation } from './segment.ts'
import { spaceOf, spill } from './spill.ts'
import type { JoinRequests, RequestLimits, Spool, SpoolEntry, SpoolRequest } from './types.ts'
import { WaitingEntries } from './waitingEntries.ts'
import { Writer } from './writer.ts'

const SEGMENT_BYTES = 4 * 1024 * 1024
/** Least number of segments in `maxBytes`, because space is freed by whole segments. */
const MIN_SEGMENTS = 8
/** Limits of one write and its sync: 1 MiB, and 256 requests, because a writev takes 1024 chunks and a request has two. */
const GROUP_BYTES = 1024 * 1024
const MAX_GROUP = 256

type OnRecovered = (entries: number, records: number) => number

interface QueuedAppend extends SpoolRequest {
  readonly resolve: (entry: SpoolEntry | undefined) => void
}

/**
 * Opens a spool. The disk is first accessed by an append or a recovery. Faults of the disk are warned of once; requests
 * that cannot be written stay in memory only.
 * @param fs file system; tests pass one that fails
 */
export function openSpool(config: SpoolConfig, fs: Fs = nodeFs): Spool {
  const spool = new DiskSpool(config, fs)
  const obstacle = findObstacle(config)
  if (obstacle === undefined) return spool
  warnOnce('spool-unavailable', `spool disabled, log records stay in memory only: ${obstacle}`)
  spool.closeSync()
  return spool
}

function findObstacle({ directory }: SpoolConfig): string | undefined {
  if (!canLock()) {
    return (
      'the spool needs the module node:sqlite, which this Node.js does not have. ' +
      'Node.js 22.15 and later have it, unless built without'
    )
  }
  const bytes = Buffer.byteLength(directory)
  if (bytes <= MAX_DIRECTORY_BYTES) return undefined
  return `the path of the spool has ${bytes} bytes, more than the limit of ${MAX_DIRECTORY_BYTES}: ${directory}`
}

class DiskSpool implements Spool {
  memory = 0
  private readonly config: SpoolConfig
  private readonly fs: Fs
  private readonly quota: DiskQuota
  private readonly writer: Writer
  private readonly reader: Reader
  private readonly acks: AckQueue
  private readonly diskTimeout = new DiskTimeout()
  private readonly segmentBytes: number
  private readonly groupBytes: number
  /** Appends that are not written yet, by their requests. */
  private readonly queue = new Map<Uint8Array, QueuedAppend>()
  private readonly waitingEntries = new WaitingEntries()
  /** Names of directories that recovery skips. */
  private readonly ignored = new Set<string>()
  private working: Promise<void> | undefined
  private recovering: Promise<void> | undefined
  private closing: Promise<void> | undefined
  /** True from the first close on: appends resolve to `undefined`. */
  private isClosed = false
  /** True when no disk work follows and the locks are being released. */
  private isReleased = false

  constructor(config: SpoolConfig, fs: Fs) {
    this.config = config
    this.fs = fs
    this.quota = new DiskQuota(fs, config)
    this.segmentBytes = Math.min(SEGMENT_BYTES, Math.ceil(config.maxBytes / MIN_SEGMENTS))
    this.groupBytes = Math.min(GROUP_BYTES, this.segmentBytes)
    this.writer = new Writer(fs, config, this.quota, this.segmentBytes)
    this.reader = new Reader(fs, config.directory, this.diskTimeout, this.quota)
    this.acks = new AckQueue(this.quota, this.writer, () => this.work())
  }

  get bytes(): number {
    return this.quota.bytes
  }

  get waiting(): number {
    return this.waitingEntries.count
  }

  append(request: Uint8Array, count: number): Promise<SpoolEntry | undefined> {
    const { promise, resolve } = Promise.withResolvers<SpoolEntry | undefined>()
    if (this.isClosed || this.diskTimeout.isUnresponsive) resolve(undefined)
    else {
      this.queue.set(request, { bytes: request, recordCount: count, resolve })
      this.work()
    }
    return promise
  }

  appendSync(requests: readonly SpoolRequest[]): (SpoolEntry | undefined)[] {
    if (this.isClosed) return requests.map(() => undefined)
    const { quota, writer, segmentBytes } = this
    const queued = requests.map(({ bytes }) => this.queue.get(bytes))
    for (const { bytes } of requests) this.queue.delete(bytes)
    const entries = withSuppressedTelemetry(() => spill({ quota, writer, segmentBytes }, requests))
    if (!entries.includes(undefined)) rearm('spool-disk')
    queued.forEach((append, index) => append?.resolve(entries[index]))
    return entries
  }

  park(entry: SpoolEntry, sequence: number): void {
    if (entry instanceof EntryLocation) this.waitingEntries.park(entry, sequence)
  }

  take(limits: RequestLimits): SpoolEntry[] {
    return this.isReleased || this.diskTimeout.isUnresponsive ? [] : this.waitingEntries.take(limits)
  }

  async read(taken: readonly SpoolEntry[], join: JoinRequests): ReturnType<Spool['read']> {
    if (this.isReleased) return { read: taken.map(() => 'deferred') }
    const entries = taken as readonly EntryLocation[]
    const result = await withSuppressedTelemetry(() => this.reader.read(entries, join))
    result.read.forEach((read, index) => {
      if (read === 'deferred') this.waitingEntries.add(entries[index]!.segment, 1)
    })
    return result
  }

  ack(entry: SpoolEntry): void {
    if (entry instanceof EntryLocation) this.acks.add(entry)
  }

  recover(onRecovered: OnRecovered): Promise<void> {
    if (this.isClosed || this.recovering || this.diskTimeout.isUnresponsive) return Promise.resolve()
    this.acks.retryRemoval()
    this.recovering = withSuppressedTelemetry(() => this.recoverOnce(onRecovered))
      .catch((error: unknown) => this.quota.warnOfWrite(error))
      .finally(() => {
        this.recovering = undefined
      })
    return this.recovering
  }

  private async recoverOnce(onRecovered: OnRecovered): Promise<void> {
    const { fs, quota, ignored, config } = this
    const orphans = await recoverOrphans(fs, config.directory, { own: quota.directories, ignored })
    for (const { directory, segments } of orphans) {
      if (this.isReleased) await releaseDirectory(fs, directory)
      else if (!directory.isReleased) quota.addRecovered(directory, segments)
    }
    // Leave the entries to the next process when the spool was closed meanwhile.
    if (this.isClosed) return
    this.waitingEntries.recover(
      orphans.flatMap(({ directory, segments }) => (directory.isReleased ? [] : segments)),
      onRecovered,
    )
    this.updateMemory()
  }

  private updateMemory(): void {
    let bytes = 0
    for (const { segments } of this.quota.directories.values()) {
      for (const { table } of segments) bytes += table.bytes
    }
    this.memory = bytes
  }

  close(): Promise<void> {
    this.closing ??= withSuppressedTelemetry(() => this.finish())
    return this.closing
  }

  private async finish(): Promise<void> {
    this.isClosed = true
    this.acks.close()
    await this.recovering
    this.acks.flush()
    while (this.working) await this.working
    if (this.isReleased) return
    this.isReleased = true
    this.quota.stop()
    await this.writer.rotate()
    for (const directory of this.quota.directories.values()) await releaseDirectory(this.fs, directory)
  }

  closeSync(): void {
    if (this.isReleased) return
    this.isClosed = true
    this.isReleased = true
    this.quota.stop()
    this.acks.close()
    this.refuseQueued()
    withSuppressedTelemetry(() => {
      for (const { segments } of this.quota.directories.values()) {
        for (const segment of segments) if (segment !== this.writer.busy) this.acks.finishSync(segment)
      }
      // Keep the locks while a thread is writing, so that no other process reads. `run` or the end of the process releases them.
      if (!this.writer.busy) this.releaseSync()
    })
  }

  private releaseSync(): void {
    this.writer.release()
    for (const directory of this.quota.directories.values()) releaseDirectorySync(this.fs, directory)
  }

  /** Starts the disk work in the background, unless it is running. */
  private work(): void {
    if (this.isReleased) return
    this.working ??= withSuppressedTelemetry(() => this.run())
  }

  /** Does one disk operation after another until none is due. */
  private async run(): Promise<void> {
    // Wait for all appends of this turn, so that one write takes them.
    await Promise.resolve()
    const { acks, diskTimeout } = this
    const onLate = (): void => this.onLate()
    while (!this.isReleased && (this.queue.size > 0 || acks.isDue)) {
      try {
        if (this.queue.size > 0) await diskTimeout.watch(this.writeQueued(), onLate)
        await diskTimeout.watch(acks.removeSegments(), onLate)
        await diskTimeout.watch(acks.writeAcks(), onLate)
      } catch (error) {
        this.quota.warnOfWrite(error)
        this.refuseQueued()
      }
      this.updateMemory()
    }
    this.working = undefined
    // `closeSync` was called during the last write, and the process continues.
    if (this.isReleased) this.releaseSync()
  }

  /** Refuses the queued appends while the disk is unresponsive, because they would pile up in memory. */
  private onLate(): void {
    this.quota.warnOfWrite(new Error('the disk does not respond'))
    this.refuseQueued()
  }

  private refuseQueued(): void {
    for (const { resolve } of this.queue.values()) resolve(undefined)
    this.queue.clear()
  }

  private async writeQueued(): Promise<void> {
    await this.quota.reserve(this.nextGroupBytes())
    const group = this.takeGroup()
    if (group.length === 0) return
    try {
      const entries = await this.writer.append(group)
      rearm('spool-disk')
      group.forEach(({ resolve }, index) => resolve(entries[index]))
    } catch (error) {
      this.quota.warnOfWrite(error)
      for (const { resolve } of group) resolve(undefined)
    }
  }

  /** Computes the bytes that the next group takes on disk. */
  private nextGroupBytes(): number {
    let bytes = 0
    for (const append of this.queue.values()) {
      bytes += spaceOf(append)
      if (bytes > this.groupBytes) break
    }
    return bytes
  }

  /** Takes the appends of one write: at least one. Refuses those without space. */
  private takeGroup(): QueuedAppend[] {
    const group: QueuedAppend[] = []
    let bytes = 0
    for (const [request, append] of this.queue) {
      if (group.length === MAX_GROUP) break
      if (group.length > 0 && bytes + request.length > this.groupBytes) break
      this.queue.delete(request)
      if (!this.quota.hasSpace(request.length, bytes)) {
        append.resolve(undefined)
        continue
      }
      group.push(append)
      bytes += spaceOf(append)
    }
    return group
  }
}
