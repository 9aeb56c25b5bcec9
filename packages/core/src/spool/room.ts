import { diagnose, timers, unref } from '@logbridge/bridge'
import type { SpoolConfig } from '../config/spool.ts'
import { quietly } from '../delivery/quiet.ts'
import { type Fs, isMissing } from './files.ts'
import {
  abandonFolder,
  bytesInDirectory,
  bytesInDirectorySync,
  type Folder,
  isOwn,
  isOwnSync,
  leaveFolder,
  type Segment,
} from './folder.ts'
import { beat, HEARTBEAT_MILLIS } from './owner.ts'
import { ENTRY_BYTES, HEADER_BYTES, MARK_BYTES, MAX_REQUEST_BYTES } from './format.ts'

/** What others hold in the directory is looked up this often, and only when something is to be appended. */
const LOOK_MILLIS = 10_000

/**
 * What a spool holds of its directory. `maxBytes` is shared by all processes in it: one's own bytes are known exactly, those
 * of the others as of ten seconds ago at most, so that together they can exceed it by what the others have written since.
 */
export class Room {
  /** By name: the own folder, and those that have been taken over. */
  readonly folders: Map<string, Folder> = new Map()
  /** The one that is written to. */
  own: Folder | undefined
  /** Of all segments in these folders, and of what is being written to them. */
  bytes = 0
  private readonly fs: Fs
  private readonly config: SpoolConfig
  private others = 0
  private lookedAt = -Infinity
  private heartbeat: NodeJS.Timeout | undefined
  private beating = false

  constructor(fs: Fs, config: SpoolConfig) {
    this.fs = fs
    this.config = config
  }

  /**
   * Whether there is room for a request, and says so once when there is none.
   * @param before bytes that are to be written before it
   */
  admits(bytes: number, before: number): boolean {
    const { directory, maxBytes } = this.config
    if (bytes > MAX_REQUEST_BYTES) {
      diagnose(
        'spool-too-large',
        `a request of ${bytes} bytes is not kept on disk: it takes up to ${MAX_REQUEST_BYTES}`,
      )
      return false
    }
    const taken = this.bytes + this.others + this.reserved() + before
    if (taken + HEADER_BYTES + ENTRY_BYTES + bytes + MARK_BYTES <= maxBytes) return true
    diagnose(
      'spool-full',
      `the spool ${directory} is full (maxBytes: ${maxBytes}): until there is room, log records are kept in memory alone`,
    )
    return false
  }

  /** What it may take to mark each entry as settled: a full directory is no reason to send them twice. */
  private reserved(): number {
    let entries = 0
    for (const { segments } of this.folders.values()) {
      for (const { live, unmarked } of segments) entries += live + unmarked.length
    }
    return entries * MARK_BYTES
  }

  /** Looks what others hold, when that was long ago. */
  async look(): Promise<void> {
    if (performance.now() - this.lookedAt < LOOK_MILLIS) return
    this.lookedAt = performance.now()
    try {
      this.others = await bytesInDirectory(this.fs, this.config.directory, this.folders)
    } catch {
      // Not made yet, or not to be read: writing to it will tell.
    }
  }

  /** The same at once, where nobody has looked yet: processes that die young would fill the disk. */
  lookSync(): void {
    if (this.lookedAt !== -Infinity) return
    this.lookedAt = performance.now()
    try {
      this.others = bytesInDirectorySync(this.fs, this.config.directory, this.folders)
    } catch {
      // As above.
    }
  }

  /** Takes in a folder of one's own that has just been made. */
  add(folder: Folder): void {
    this.folders.set(folder.name, folder)
    this.keepAlive()
  }

  /** Takes in a folder that has been taken over: what were the bytes of others are now one's own. */
  adopt(folder: Folder): void {
    this.add(folder)
    for (const { size } of folder.segments) this.bytes += size
    this.lookedAt = -Infinity
  }

  /** Removes a segment that nothing is left in. */
  async remove(segment: Segment): Promise<void> {
    if (!segment.folder.segments.has(segment) || !(await this.holds(segment.folder))) return
    await this.fs.promises.unlink(segment.path).catch((error: unknown) => {
      if (!isMissing(error)) throw error
    })
    this.forget(segment)
    await this.tidy(segment.folder)
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
  async holds(folder: Folder): Promise<boolean> {
    if (!folder.taken && !(await isOwn(this.fs, folder))) this.lose(folder)
    return !folder.taken
  }

  /** The same at once. */
  holdsSync(folder: Folder): boolean {
    if (!folder.taken && !isOwnSync(this.fs, folder)) this.lose(folder)
    return !folder.taken
  }

  private lose(folder: Folder): void {
    if (folder.taken) return
    abandonFolder(this.fs, folder)
    if (this.own === folder) this.own = undefined
    this.folders.delete(folder.name)
    for (const segment of folder.segments) this.forget(segment)
    diagnose(
      'spool-taken',
      `another process has recovered the spool ${folder.path} and sends what is in it, as this process had lost its lock ` +
        'and showed no sign of life for 10 s: nothing is lost, some log records may be sent twice',
    )
  }

  /** Keeps the heartbeat of all folders that this spool owns. */
  private keepAlive(): void {
    this.heartbeat ??= quietly(() =>
      unref(timers.setInterval(() => void quietly(() => this.beat()), HEARTBEAT_MILLIS)),
    )
  }

  private async beat(): Promise<void> {
    if (this.beating) return
    this.beating = true
    for (const folder of this.folders.values()) {
      const { path, claim } = folder
      if (claim === undefined || !(await this.holds(folder))) continue
      // A disk that takes no heartbeat still has the lock.
      await beat(this.fs, path, claim, 0).catch(() => {})
    }
    this.beating = false
  }

  /** Ends the heartbeat. */
  stop(): void {
    timers.clearInterval(this.heartbeat)
  }

  private forget(segment: Segment): void {
    if (segment.folder.segments.delete(segment)) this.bytes -= segment.size
  }

  /** Gives a folder up when nothing is in it, and nothing will be. */
  async tidy(folder: Folder): Promise<void> {
    if (folder === this.own || folder.segments.size > 0) return
    this.folders.delete(folder.name)
    await leaveFolder(this.fs, folder)
  }
}
