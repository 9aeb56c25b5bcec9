import { join } from 'node:path'
import type { SpoolConfig } from '../config/spool.ts'
import type { DiskQuota } from './diskQuota.ts'
import {
  byteLength,
  CREATE,
  FILE_MODE,
  type FileHandle,
  type Fs,
  isMissing,
  READ_WRITE,
  removeIgnoringErrors,
  writeAll,
  writeAllSync,
} from './files.ts'
import { segmentName, syncDirectory, syncDirectorySync } from './ownedDirectory.ts'
import { createSyncMarker, encodeAckEntry, encodeRequestEntry, encodeSegmentHeader } from './format.ts'
import { EntryLocation, type OwnedDirectory, Segment } from './segment.ts'
import { TAKEN } from './table.ts'
import type { SpoolRequest } from './types.ts'

interface Active {
  readonly segment: Segment
  readonly file: FileHandle
}

/** Appends entries and acks to segments. The asynchronous methods must be called one after another. */
export class Writer {
  /** Segment that a thread of libuv is writing to. The write cannot be canceled. */
  busy: Segment | undefined
  private readonly fs: Fs
  private readonly config: SpoolConfig
  private readonly quota: DiskQuota
  private readonly segmentBytes: number
  private active: Active | undefined
  private number = 0

  /** @param segmentBytes size at which the next segment is started */
  constructor(fs: Fs, config: SpoolConfig, quota: DiskQuota, segmentBytes: number) {
    this.fs = fs
    this.config = config
    this.quota = quota
    this.segmentBytes = segmentBytes
  }

  /**
   * Appends requests with one write and at most one sync.
   * @throws when the write or the sync fails; the spool has none of the requests then
   */
  async append(requests: readonly SpoolRequest[]): Promise<EntryLocation[]> {
    try {
      return await this.appendOnce(requests)
    } catch (error) {
      if (!(error instanceof LostDirectoryError)) throw error
      // Append again, because the process that has recovered the directory may have missed the last write.
      return await this.appendOnce(requests)
    }
  }

  private async appendOnce(requests: readonly SpoolRequest[]): Promise<EntryLocation[]> {
    const { fs, quota, config } = this
    if (this.active?.segment.directory.isLost) await this.rotate()
    const requestBytes = requests.reduce((sum, { bytes }) => sum + bytes.length, 0)
    if (this.active && this.active.segment.size + requestBytes > this.segmentBytes) await this.rotate()
    this.active ??= await this.createSegment()
    const { segment, file } = this.active
    const start = segment.size
    const { chunks, offsets } = encode(segment.syncMarker, start, requests)
    const bytes = byteLength(chunks)
    this.busy = segment
    quota.bytes += bytes
    segment.pendingEntries += requests.length
    try {
      await writeAll(file, chunks, start)
      if (config.fsync) await file.datasync()
      if (config.fsync && start === 0) await syncDirectory(fs, segment.directory.path)
      if (!(await quota.owns(segment.directory))) throw new LostDirectoryError(segment.directory)
      // Check the links, because a write to a removed file succeeds.
      if ((await file.stat()).nlink === 0) throw removedError(segment.path)
      segment.size += bytes
      await quota.onWritten()
      return addEntries(segment, offsets, requests)
    } catch (error) {
      quota.bytes -= bytes
      segment.pendingEntries -= requests.length
      await this.recoverFromFailure(start, error)
      throw error
    } finally {
      this.busy = undefined
    }
  }

  /**
   * Appends requests synchronously to a new segment, beside an asynchronous write to another one.
   * @param requests at least one
   * @throws when the write or the sync fails; the spool has none of the requests then
   */
  appendSync(requests: readonly SpoolRequest[]): EntryLocation[] {
    const { quota } = this
    try {
      const entries = this.writeSegmentSync(requests)
      if (quota.ownsSync(entries[0]!.segment.directory)) return entries
      return this.writeSegmentSync(requests)
    } catch (error) {
      if (quota.own === undefined || !isMissing(error)) throw error
      // Create another directory when this one was removed, because the process is ending and cannot try later.
      quota.own = undefined
      return this.writeSegmentSync(requests)
    }
  }

  private writeSegmentSync(requests: readonly SpoolRequest[]): EntryLocation[] {
    const { fs, quota, config } = this
    const directory = quota.openSync()
    const name = segmentName(++this.number)
    const path = join(directory.path, name)
    const syncMarker = createSyncMarker()
    const { chunks, offsets } = encode(syncMarker, 0, requests)
    const fd = fs.openSync(path, CREATE, FILE_MODE)
    try {
      try {
        writeAllSync(fs, fd, chunks, 0)
        if (config.fsync) fs.fdatasyncSync(fd)
      } finally {
        fs.closeSync(fd)
      }
      if (config.fsync) syncDirectorySync(fs, directory.path)
    } catch (error) {
      // Remove the torn segment. Where that fails, recovery cuts its tail off.
      removeIgnoringErrors(fs, path)
      throw error
    }
    const segment = new Segment(directory, name, syncMarker, byteLength(chunks))
    segment.pendingEntries = requests.length
    const entries = addEntries(segment, offsets, requests)
    segment.table.trim()
    quota.bytes += segment.size
    quota.onWrittenSync()
    return entries
  }

  /**
   * Writes the acks of a segment in one entry. Acks whose write fails are tried again with the next ones. If the process is
   * killed before, their requests are sent twice.
   */
  async writeAcks(segment: Segment): Promise<void> {
    if (!(await this.quota.owns(segment.directory))) return
    const offsets = segment.takeUnwrittenAcks()
    const chunks = encodeAckEntry(segment.syncMarker, offsets)
    const bytes = byteLength(chunks)
    this.busy = segment
    const active = this.active?.segment === segment ? this.active : undefined
    try {
      const file = active?.file ?? (await this.fs.promises.open(segment.path, READ_WRITE))
      try {
        // Cut off the rest of a failed append, which may be longer than the acks.
        if (!active) await file.truncate(segment.size).catch(() => {})
        await writeAll(file, chunks, segment.size)
        segment.size += bytes
        this.quota.bytes += bytes
        segment.compact()
      } finally {
        if (!active) await file.close()
      }
    } catch (error) {
      segment.returnUnwrittenAcks(offsets)
      if (active) await this.recoverFromFailure(segment.size, error)
    } finally {
      this.busy = undefined
    }
  }

  /** Writes the acks synchronously, for a segment that no thread is writing to. */
  writeAcksSync(segment: Segment): void {
    if (!this.quota.ownsSync(segment.directory)) return
    const chunks = encodeAckEntry(segment.syncMarker, segment.takeUnwrittenAcks())
    const fd = this.fs.openSync(segment.path, READ_WRITE)
    try {
      writeAllSync(this.fs, fd, chunks, segment.size)
    } finally {
      this.fs.closeSync(fd)
    }
  }

  /** Closes the active segment. The next append creates another one. */
  async rotate(): Promise<void> {
    const { active } = this
    if (active === undefined) return
    this.active = undefined
    active.segment.table.trim()
    await active.file.close().catch(() => {})
    if (active.segment.pendingEntries === 0) await this.quota.remove(active.segment).catch(() => {})
  }

  /** Closes the active file without waiting. */
  release(): void {
    void this.active?.file.close().catch(() => {})
    this.active = undefined
  }

  isActive(segment: Segment): boolean {
    return this.active?.segment === segment
  }

  private async createSegment(): Promise<Active> {
    const { fs, quota } = this
    const directory = await quota.open()
    const name = segmentName(++this.number)
    try {
      const file = await fs.promises.open(join(directory.path, name), CREATE, FILE_MODE)
      return { segment: new Segment(directory, name, createSyncMarker(), 0), file }
    } catch (error) {
      await this.releaseIfMissing(error)
      throw error
    }
  }

  /** Cuts off a torn entry after a failed write, and closes the segment, because its later writes may fail as well. */
  private async recoverFromFailure(size: number, error: unknown): Promise<void> {
    if (this.active && (await this.quota.owns(this.active.segment.directory))) {
      await this.active.file.truncate(size).catch(() => {})
    }
    await this.rotate()
    await this.releaseIfMissing(error)
  }

  /** Releases the own directory when it was removed with its lock. The next append creates another one. */
  private async releaseIfMissing(error: unknown): Promise<void> {
    const { own } = this.quota
    if (own === undefined || !isMissing(error)) return
    this.quota.own = undefined
    await this.quota.releaseIfEmpty(own)
  }
}

/** Error of an append to a directory that another process has recovered meanwhile. */
class LostDirectoryError extends Error {
  constructor({ path }: OwnedDirectory) {
    super(`another process has recovered ${path}`)
  }
}

/** Encodes requests for a segment of the given size, with the segment header when the segment is empty. */
function encode(
  syncMarker: Buffer,
  start: number,
  requests: readonly SpoolRequest[],
): { chunks: Uint8Array[]; offsets: number[] } {
  const chunks: Uint8Array[] = start === 0 ? [encodeSegmentHeader(syncMarker)] : []
  const offsets: number[] = []
  let offset = start + byteLength(chunks)
  for (const { bytes, recordCount } of requests) {
    const entry = encodeRequestEntry(syncMarker, bytes, recordCount)
    offsets.push(offset)
    chunks.push(...entry)
    offset += byteLength(entry)
  }
  return { chunks, offsets }
}

/** Adds written requests to the table of their segment. */
function addEntries(
  segment: Segment,
  offsets: readonly number[],
  requests: readonly SpoolRequest[],
): EntryLocation[] {
  return requests.map(({ bytes, recordCount }, index) => {
    const offset = offsets[index]!
    segment.table.add(offset, recordCount, TAKEN)
    return new EntryLocation(segment, offset, recordCount, bytes.length)
  })
}

function removedError(path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${path} has been removed`), { code: 'ENOENT' })
}
