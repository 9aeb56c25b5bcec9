import { warnOnce, rearm, timers, unref } from '@logbridge/bridge/internal'
import type { SpoolConfig } from '../config/spool.ts'
import { withSuppressedTelemetry } from '../transport/suppressed.ts'
import { type Fs, isMissing } from './files.ts'
import {
  abandonDirectory,
  bytesInDirectory,
  bytesInDirectorySync,
  type OwnedDirectory,
  isOwn,
  isOwnSync,
  releaseDirectory,
  createDirectory,
  createDirectorySync,
} from './ownedDirectory.ts'
import { ENTRY_BYTES, HEADER_BYTES, ACK_BYTES, MAX_REQUEST_BYTES } from './format.ts'
import { beat, beatSync, type Claim, HEARTBEAT_MILLIS } from './owner.ts'
import type { Segment } from './segment.ts'

/** Share of `maxBytes` reserved in advance, at most `MAX_RESERVED_BYTES`. */
const RESERVED_SHARE = 1 / 64
const MAX_RESERVED_BYTES = 1024 * 1024
/** How long after a reservation that was refused as much is asked for again. */
const REFUSED_MILLIS = 1000

/**
 * Accounts for the part of the directory that one spool holds. All processes share `maxBytes`: each announces in its owner file how many bytes it
 * may add, and looks what the others hold and have announced before it adds them. Of two that ask at the same time at least
 * one sees the other, so together they never exceed `maxBytes`; both may be refused.
 */
export class DiskQuota {
  /** By name: the own folder, and those that have been taken over. */
  readonly folders: Map<string, OwnedDirectory> = new Map()
  /** The one that is written to. */
  own: OwnedDirectory | undefined
  /** Of all segments in these folders, and of what is being written to them. */
  bytes = 0
  private readonly fs: Fs
  private readonly config: SpoolConfig
  /** Bytes that are reserved beyond what is needed. */
  private readonly share: number
  /** Bytes that this spool may hold, marks included. */
  private granted = 0
  /** Bytes of the pending request for room; `askedSync`: of a synchronous one meanwhile. */
  private asked = 0
  private askedSync = 0
  /** Bytes that the owner file says may come to what lies on disk. */
  private announced = 0
  /** Bytes that were refused last, and when. */
  private refused = Infinity
  private refusedAt = -Infinity
  /** Why the last reservation could not be made. */
  private failure: unknown
  /** Whether something was appended since the last heartbeat. */
  private isActive = false
  private heartbeat: NodeJS.Timeout | undefined
  private beating = false
  private announcing: Promise<void> = Promise.resolve()

  constructor(fs: Fs, config: SpoolConfig) {
    this.fs = fs
    this.config = config
    this.share = Math.min(Math.ceil(config.maxBytes * RESERVED_SHARE), MAX_RESERVED_BYTES)
  }

  /**
   * Whether there is room for a request, and says so once when there is none.
   * @param before bytes that are to be written before it
   */
  hasSpace(bytes: number, before: number): boolean {
    const { directory, maxBytes } = this.config
    if (bytes > MAX_REQUEST_BYTES) {
      warnOnce(
        'spool-too-large',
        `a request of ${bytes} bytes is not kept on disk: it takes up to ${MAX_REQUEST_BYTES}`,
      )
      return false
    }
    this.isActive = true
    if (this.committed() + before + HEADER_BYTES + ENTRY_BYTES + bytes + ACK_BYTES <= this.granted) {
      rearm('spool-full')
      return true
    }
    if (this.failure !== undefined) {
      this.complain(this.failure)
      return false
    }
    warnOnce(
      'spool-full',
      `the spool ${directory} is full (maxBytes: ${maxBytes}): until there is room, log records are kept in memory alone`,
    )
    return false
  }

  /** Says once that the directory cannot be written to, or that it does not tell how much others hold. */
  complain(error: unknown): void {
    warnOnce(
      'spool-disk',
      `the spool ${this.config.directory} cannot be written to: until it can, log records are kept in memory alone`,
      error,
    )
  }

  /** Bytes held, and what it may take to mark each entry as settled: a full directory is no reason to send them twice. */
  private committed(): number {
    let entries = 0
    for (const { segments } of this.folders.values()) {
      for (const { pendingEntries: live, unwrittenAcks: unmarked } of segments) entries += live + unmarked
    }
    return this.bytes + entries * ACK_BYTES
  }

  /** The folder that is written to. */
  async open(): Promise<OwnedDirectory> {
    if (this.own) return this.own
    const made = await createDirectory(this.fs, this.config.directory, this.config.fsync)
    // A synchronous append may have made one meanwhile; two do no harm.
    this.begin(made)
    return made
  }

  /** The same at once. */
  openSync(): OwnedDirectory {
    if (this.own) return this.own
    const made = createDirectorySync(this.fs, this.config.directory, this.config.fsync)
    this.begin(made)
    return made
  }

  private begin(made: OwnedDirectory): void {
    this.own = made
    this.add(made)
    rearm('spool-taken')
    // Its owner file announces nothing yet.
    this.announced = 0
    this.granted = Math.min(this.granted, this.committed())
  }

  /** Reserves room for requests, up to what other processes leave. */
  async reserve(bytes: number): Promise<void> {
    let missing = this.missing(bytes)
    if (missing === 0) return
    let others = 0
    this.failure = undefined
    try {
      await this.open()
      // A new folder begins with nothing granted.
      missing = this.missing(bytes)
      this.asked = missing
      await this.announce()
      others = await bytesInDirectory(this.fs, this.config.directory, this.folders)
    } catch (error) {
      this.fail(error)
    }
    this.asked = 0
    if (this.failure === undefined) this.grant(missing, others)
    await this.onWritten()
  }

  /** The same at once. */
  reserveSync(bytes: number): void {
    let missing = this.missing(bytes)
    if (missing === 0) return
    let others = 0
    this.failure = undefined
    try {
      const { claim } = this.openSync()
      missing = this.missing(bytes)
      this.askedSync = missing
      if (claim) this.announceSync(claim)
      others = bytesInDirectorySync(this.fs, this.config.directory, this.folders)
    } catch (error) {
      this.fail(error)
    }
    this.askedSync = 0
    if (this.failure === undefined) this.grant(missing, others)
    this.onWrittenSync()
  }

  /** Grants nothing while it is not known how much others hold. Where the directory is missing, the next append tells. */
  private fail(error: unknown): void {
    if (!isMissing(error)) this.failure = error
  }

  /** Computes the bytes to ask for. Asks in advance, to save a scan per append. */
  private missing(bytes: number): number {
    const needed = this.committed() + HEADER_BYTES + bytes - this.granted
    const isRefused = needed >= this.refused && performance.now() - this.refusedAt < REFUSED_MILLIS
    return needed <= 0 || isRefused ? 0 : needed + this.share
  }

  private grant(asked: number, others: number): void {
    const granted = Math.min(asked, Math.max(0, this.config.maxBytes - others - this.granted))
    this.granted += granted
    // It is used next: a heartbeat meanwhile leaves it.
    this.isActive = true
    this.refused = granted < asked - this.share ? asked - this.share : Infinity
    this.refusedAt = performance.now()
  }

  /** Bytes that may come to what lies on disk. */
  private reserved(): number {
    let onDisk = 0
    for (const { segments } of this.folders.values()) for (const { size } of segments) onDisk += size
    return Math.max(0, this.granted + this.asked + this.askedSync - onDisk)
  }

  /** Announces how little is still reserved, when that has become much less: what lies on disk would count twice. */
  async onWritten(): Promise<void> {
    if (this.isOverstated()) await this.announce()
  }

  /** The same at once. */
  onWrittenSync(): void {
    const claim = this.own?.claim
    if (claim && this.isOverstated()) this.announceSync(claim)
  }

  private isOverstated(): boolean {
    return this.announced - this.reserved() > this.share
  }

  private announceSync(claim: Claim): void {
    this.announced = this.reserved()
    try {
      beatSync(this.fs, claim, this.announced)
    } catch {
      // As below.
    }
  }

  /** Writes the heartbeat of the own folder, with what is reserved: one after another, so that the last one is written last. */
  private announce(): Promise<void> {
    const before = this.announcing
    const write = async (): Promise<void> => {
      await before
      const { own } = this
      if (own?.claim === undefined) return
      const reserved = (): number => (this.announced = this.reserved())
      // A disk that takes no heartbeat still has the lock.
      await beat(this.fs, own.path, own.claim, reserved).catch(() => {})
    }
    this.announcing = write()
    return this.announcing
  }

  private add(folder: OwnedDirectory): void {
    this.folders.set(folder.name, folder)
    this.keepAlive()
  }

  /** Takes in segments of a folder that has been taken over: what were the bytes of others are now one's own. */
  adopt(folder: OwnedDirectory, segments: readonly Segment[]): void {
    this.add(folder)
    for (const { size } of segments) {
      this.bytes += size
      this.granted += size
    }
  }

  /** Removes a segment that nothing is left in. */
  async remove(segment: Segment): Promise<void> {
    if (!segment.folder.segments.has(segment) || !(await this.holds(segment.folder))) return
    await this.fs.promises.unlink(segment.path).catch((error: unknown) => {
      if (!isMissing(error)) throw error
    })
    this.forget(segment)
    await this.releaseIfEmpty(segment.folder)
  }

  /** The same at once. */
  removeSync(segment: Segment): void {
    if (!this.holdsSync(segment.folder)) return
    try {
      this.fs.unlinkSync(segment.path)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    this.forget(segment)
  }

  /** Whether a folder is still this spool's; lets go of one that another process has taken over. */
  async holds(folder: OwnedDirectory): Promise<boolean> {
    if (!folder.taken && !(await isOwn(this.fs, folder))) this.lose(folder)
    return !folder.taken
  }

  /** The same at once. */
  holdsSync(folder: OwnedDirectory): boolean {
    if (!folder.taken && !isOwnSync(this.fs, folder)) this.lose(folder)
    return !folder.taken
  }

  private lose(folder: OwnedDirectory): void {
    if (folder.taken) return
    abandonDirectory(this.fs, folder)
    if (this.own === folder) this.own = undefined
    this.folders.delete(folder.name)
    for (const segment of folder.segments) this.forget(segment)
    warnOnce(
      'spool-taken',
      `another process has recovered the spool ${folder.path} and sends what is in it, as this process had lost its lock ` +
        'and showed no sign of life for 10 s: nothing is lost, some log records may be sent twice',
    )
  }

  /** Keeps the heartbeat of all folders that this spool owns. */
  private keepAlive(): void {
    this.heartbeat ??= withSuppressedTelemetry(() =>
      unref(timers.setInterval(() => void withSuppressedTelemetry(() => this.beat()), HEARTBEAT_MILLIS)),
    )
  }

  private async beat(): Promise<void> {
    if (this.beating) return
    this.beating = true
    // What is not used is for others.
    if (!this.isActive && this.asked === 0) this.granted = Math.min(this.granted, this.committed())
    this.isActive = false
    // One folder that fails does not keep the others from their heartbeats.
    for (const folder of this.folders.values()) await this.beatIn(folder).catch(() => {})
    this.beating = false
  }

  private async beatIn(folder: OwnedDirectory): Promise<void> {
    const { path, claim } = folder
    if (claim === undefined || !(await this.holds(folder))) return
    if (folder === this.own) await this.announce()
    else await beat(this.fs, path, claim, () => 0)
  }

  /** Ends the heartbeat. */
  stop(): void {
    timers.clearInterval(this.heartbeat)
  }

  private forget(segment: Segment): void {
    if (!segment.folder.segments.delete(segment)) return
    this.bytes -= segment.size
    this.granted -= segment.size
    this.refused = Infinity
  }

  /** Gives a folder up when nothing is in it, and nothing will be. */
  async releaseIfEmpty(folder: OwnedDirectory): Promise<void> {
    if (folder === this.own || folder.segments.size > 0) return
    this.folders.delete(folder.name)
    await releaseDirectory(this.fs, folder)
  }
}
