import { rearm, timers, unref, warnOnce } from '@logbridge/bridge/internal'
import type { SpoolConfig } from '../config/spool.ts'
import { withSuppressedTelemetry } from '../transport/suppressed.ts'
import { type Fs, isMissing } from './files.ts'
import {
  abandonDirectory,
  bytesInDirectory,
  bytesInDirectorySync,
  createDirectory,
  createDirectorySync,
  isOwn,
  isOwnSync,
  releaseDirectory,
} from './ownedDirectory.ts'
import { ACK_BYTES, ENTRY_HEADER_BYTES, MAX_REQUEST_BYTES, SEGMENT_HEADER_BYTES } from './format.ts'
import { beat, beatSync, type Claim, HEARTBEAT_MILLIS } from './owner.ts'
import type { OwnedDirectory, Segment } from './segment.ts'

/** Part of `maxBytes` that is reserved in advance, up to `MAX_ADVANCE_BYTES`. */
const ADVANCE_SHARE = 1 / 64
const MAX_ADVANCE_BYTES = 1024 * 1024
/** Time after a refused reservation in which an equal or larger one is not tried. */
const REFUSAL_MILLIS = 1000

/**
 * Divides `maxBytes` among the processes that share a spool directory, and owns the directories of this spool.
 *
 * Each process announces in its owner file how many bytes it may add. Before it adds them, it sums the segments and the
 * announcements of the other processes. Of two processes that reserve at the same time at least one sees the other, so together
 * they never exceed `maxBytes`; both may be refused.
 */
export class DiskQuota {
  /** Owned directories by name: the one that is written to, and recovered ones. */
  readonly directories: Map<string, OwnedDirectory> = new Map()
  /** Directory that this spool writes to. */
  own: OwnedDirectory | undefined
  /** Bytes of all segments in the owned directories, including the writes under way. */
  bytes = 0
  private readonly fs: Fs
  private readonly config: SpoolConfig
  /** Bytes that are reserved in advance, beyond the need. */
  private readonly advance: number
  /** Bytes that this spool may use, including all acks. */
  private granted = 0
  /** Bytes of the reservation under way. `requestedSync` has those of a synchronous one meanwhile. */
  private requested = 0
  private requestedSync = 0
  /** Reserved bytes as last written to the owner file. */
  private announced = 0
  /** Bytes of the last refused reservation. */
  private refused = Infinity
  /** Time of the last refused reservation. */
  private refusedAt = -Infinity
  /** Error of the last reservation. */
  private failure: unknown
  /** True when a request was appended since the last heartbeat. */
  private isActive = false
  private heartbeat: NodeJS.Timeout | undefined
  private isBeating = false
  private announcing: Promise<void> = Promise.resolve()

  constructor(fs: Fs, config: SpoolConfig) {
    this.fs = fs
    this.config = config
    this.advance = Math.min(Math.ceil(config.maxBytes * ADVANCE_SHARE), MAX_ADVANCE_BYTES)
  }

  /**
   * Checks that a request fits into the reserved bytes, and warns once when it does not.
   * @param before bytes that are written before the request
   */
  hasSpace(bytes: number, before: number): boolean {
    const { directory, maxBytes } = this.config
    if (bytes > MAX_REQUEST_BYTES) {
      warnOnce(
        'spool-too-large',
        `a request of ${bytes} bytes stays in memory only, because the spool accepts up to ${MAX_REQUEST_BYTES} bytes`,
      )
      return false
    }
    this.isActive = true
    if (
      this.committed() + before + SEGMENT_HEADER_BYTES + ENTRY_HEADER_BYTES + bytes + ACK_BYTES <=
      this.granted
    ) {
      rearm('spool-full')
      return true
    }
    if (this.failure !== undefined) {
      this.warnOfWrite(this.failure)
      return false
    }
    warnOnce(
      'spool-full',
      `the spool ${directory} is full (maxBytes: ${maxBytes}), log records stay in memory only until space is freed`,
    )
    return false
  }

  /** Warns once that a write failed, or that the bytes of other processes could not be read. */
  warnOfWrite(error: unknown): void {
    warnOnce(
      'spool-disk',
      `writing to the spool ${this.config.directory} failed, log records stay in memory only until a write succeeds`,
      error,
    )
  }

  /** Sums the bytes on disk and those of all acks to come, because a full spool must not cause duplicates. */
  private committed(): number {
    let entries = 0
    for (const { segments } of this.directories.values()) {
      for (const { pendingEntries, unwrittenAcks } of segments) entries += pendingEntries + unwrittenAcks
    }
    return this.bytes + entries * ACK_BYTES
  }

  /** Returns the directory that this spool writes to, and creates it when missing. */
  async open(): Promise<OwnedDirectory> {
    if (this.own) return this.own
    const created = await createDirectory(this.fs, this.config.directory, this.config.fsync)
    // A synchronous append may have created another directory meanwhile. Both stay owned.
    this.setOwn(created)
    return created
  }

  /** Synchronous `open`. */
  openSync(): OwnedDirectory {
    if (this.own) return this.own
    const created = createDirectorySync(this.fs, this.config.directory, this.config.fsync)
    this.setOwn(created)
    return created
  }

  private setOwn(created: OwnedDirectory): void {
    this.own = created
    this.add(created)
    rearm('spool-taken')
    // The new owner file announces no bytes.
    this.announced = 0
    this.granted = Math.min(this.granted, this.committed())
  }

  /** Reserves bytes for requests, up to the part of `maxBytes` that other processes leave free. */
  async reserve(bytes: number): Promise<void> {
    let toReserve = this.bytesToReserve(bytes)
    if (toReserve === 0) return
    let otherProcessesBytes = 0
    this.failure = undefined
    try {
      await this.open()
      // Compute again, because a new directory starts without granted bytes.
      toReserve = this.bytesToReserve(bytes)
      this.requested = toReserve
      await this.announce()
      otherProcessesBytes = await bytesInDirectory(this.fs, this.config.directory, this.directories)
    } catch (error) {
      this.onReservationFailed(error)
    }
    this.requested = 0
    if (this.failure === undefined) this.grant(toReserve, otherProcessesBytes)
    await this.onWritten()
  }

  /** Synchronous `reserve`. */
  reserveSync(bytes: number): void {
    let toReserve = this.bytesToReserve(bytes)
    if (toReserve === 0) return
    let otherProcessesBytes = 0
    this.failure = undefined
    try {
      const { claim } = this.openSync()
      toReserve = this.bytesToReserve(bytes)
      this.requestedSync = toReserve
      if (claim) this.announceSync(claim)
      otherProcessesBytes = bytesInDirectorySync(this.fs, this.config.directory, this.directories)
    } catch (error) {
      this.onReservationFailed(error)
    }
    this.requestedSync = 0
    if (this.failure === undefined) this.grant(toReserve, otherProcessesBytes)
    this.onWrittenSync()
  }

  /** Notes an error, and grants no bytes. A missing directory is ignored here, because the next append reports it. */
  private onReservationFailed(error: unknown): void {
    if (!isMissing(error)) this.failure = error
  }

  /** Computes the bytes to reserve. Some are reserved in advance, to save a scan of the directory for each append. */
  private bytesToReserve(bytes: number): number {
    const needed = this.committed() + SEGMENT_HEADER_BYTES + bytes - this.granted
    const isRefused = needed >= this.refused && performance.now() - this.refusedAt < REFUSAL_MILLIS
    return needed <= 0 || isRefused ? 0 : needed + this.advance
  }

  private grant(requested: number, otherProcessesBytes: number): void {
    const granted = Math.min(
      requested,
      Math.max(0, this.config.maxBytes - otherProcessesBytes - this.granted),
    )
    this.granted += granted
    // Keep a heartbeat from releasing the grant before it is used.
    this.isActive = true
    this.refused = granted < requested - this.advance ? requested - this.advance : Infinity
    this.refusedAt = performance.now()
  }

  /** Computes the bytes that this spool may add to the segments on disk. */
  private reserved(): number {
    let onDisk = 0
    for (const { segments } of this.directories.values()) for (const { size } of segments) onDisk += size
    return Math.max(0, this.granted + this.requested + this.requestedSync - onDisk)
  }

  /** Announces the reduced reservation after a write, because the written bytes would count twice. */
  async onWritten(): Promise<void> {
    if (this.isOverstated()) await this.announce()
  }

  /** Synchronous `onWritten`. */
  onWrittenSync(): void {
    const claim = this.own?.claim
    if (claim && this.isOverstated()) this.announceSync(claim)
  }

  private isOverstated(): boolean {
    return this.announced - this.reserved() > this.advance
  }

  private announceSync(claim: Claim): void {
    this.announced = this.reserved()
    try {
      beatSync(this.fs, claim, this.announced)
    } catch {
      // Ignored: the lock still protects the directory.
    }
  }

  /** Writes the heartbeat of the own directory with the reserved bytes. Calls run one after another, so the last value stays. */
  private announce(): Promise<void> {
    const before = this.announcing
    const write = async (): Promise<void> => {
      await before
      const { own } = this
      if (own?.claim === undefined) return
      const reserved = (): number => (this.announced = this.reserved())
      // Ignore errors, because the lock still protects the directory.
      await beat(this.fs, own.path, own.claim, reserved).catch(() => {})
    }
    this.announcing = write()
    return this.announcing
  }

  private add(directory: OwnedDirectory): void {
    this.directories.set(directory.name, directory)
    this.keepAlive()
  }

  /** Adds a recovered directory: the bytes of its segments are granted to this spool. */
  addRecovered(directory: OwnedDirectory, segments: readonly Segment[]): void {
    this.add(directory)
    for (const { size } of segments) {
      this.bytes += size
      this.granted += size
    }
  }

  /** Removes a segment without pending entries. */
  async remove(segment: Segment): Promise<void> {
    if (!segment.directory.segments.has(segment) || !(await this.owns(segment.directory))) return
    await this.fs.promises.unlink(segment.path).catch((error: unknown) => {
      if (!isMissing(error)) throw error
    })
    this.removeFromUsage(segment)
    await this.releaseIfEmpty(segment.directory)
  }

  /** Synchronous `remove`. */
  removeSync(segment: Segment): void {
    if (!this.ownsSync(segment.directory)) return
    try {
      this.fs.unlinkSync(segment.path)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    this.removeFromUsage(segment)
  }

  /** Checks that no other process has recovered a directory, and abandons the directory otherwise. */
  async owns(directory: OwnedDirectory): Promise<boolean> {
    if (!directory.isLost && !(await isOwn(this.fs, directory))) this.abandon(directory)
    return !directory.isLost
  }

  /** Synchronous `owns`. */
  ownsSync(directory: OwnedDirectory): boolean {
    if (!directory.isLost && !isOwnSync(this.fs, directory)) this.abandon(directory)
    return !directory.isLost
  }

  private abandon(directory: OwnedDirectory): void {
    if (directory.isLost) return
    abandonDirectory(this.fs, directory)
    if (this.own === directory) this.own = undefined
    this.directories.delete(directory.name)
    for (const segment of directory.segments) this.removeFromUsage(segment)
    warnOnce(
      'spool-taken',
      `another process has recovered the spool ${directory.path} and sends its log records, because this process had lost ` +
        'its lock and wrote no heartbeat for 10 s: no log record is lost, some may be sent twice',
    )
  }

  /** Starts the heartbeat of all owned directories. */
  private keepAlive(): void {
    this.heartbeat ??= withSuppressedTelemetry(() =>
      unref(timers.setInterval(() => void withSuppressedTelemetry(() => this.beat()), HEARTBEAT_MILLIS)),
    )
  }

  private async beat(): Promise<void> {
    if (this.isBeating) return
    this.isBeating = true
    // Release the unused bytes for other processes.
    if (!this.isActive && this.requested === 0) this.granted = Math.min(this.granted, this.committed())
    this.isActive = false
    // Ignore errors of one directory, so that all others get their heartbeats.
    for (const directory of this.directories.values()) await this.beatIn(directory).catch(() => {})
    this.isBeating = false
  }

  private async beatIn(directory: OwnedDirectory): Promise<void> {
    const { path, claim } = directory
    if (claim === undefined || !(await this.owns(directory))) return
    if (directory === this.own) await this.announce()
    else await beat(this.fs, path, claim, () => 0)
  }

  /** Stops the heartbeat. */
  stop(): void {
    timers.clearInterval(this.heartbeat)
  }

  private removeFromUsage(segment: Segment): void {
    if (!segment.directory.segments.delete(segment)) return
    this.bytes -= segment.size
    this.granted -= segment.size
    this.refused = Infinity
  }

  /** Releases a recovered or replaced directory when it has no segments. */
  async releaseIfEmpty(directory: OwnedDirectory): Promise<void> {
    if (directory === this.own || directory.segments.size > 0) return
    this.directories.delete(directory.name)
    await releaseDirectory(this.fs, directory)
  }
}
