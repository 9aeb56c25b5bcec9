import { join } from 'node:path'
import type { SpoolConfig } from '../config/spool.ts'
import {
  byteLength,
  CREATE,
  FILE_MODE,
  type FileHandle,
  type Fs,
  isMissing,
  READ_WRITE,
  removeQuietly,
  writeAll,
  writeAllSync,
} from './files.ts'
import { type OwnedDirectory, segmentName, syncDirectory, syncDirectorySync } from './ownedDirectory.ts'
import { encodeHeader, encodeRequestEntry, encodeAckEntry, createSyncMarker } from './format.ts'
import type { DiskQuota } from './diskQuota.ts'
import { Entry, Segment } from './segment.ts'
import { TAKEN } from './table.ts'
import type { SpoolRequest } from './types.ts'

interface Active {
  readonly segment: Segment
  readonly file: FileHandle
}

/** Appends to segments. All but the methods that end in `Sync` must be called one after another. */
export class Writer {
  /** What is being written to at this moment, by a thread that cannot be stopped. */
  busy: Segment | undefined
  private readonly fs: Fs
  private readonly config: SpoolConfig
  private readonly room: DiskQuota
  private readonly segmentBytes: number
  private active: Active | undefined
  private number = 0

  /** @param segmentBytes when a segment has as many, the next one is begun */
  constructor(fs: Fs, config: SpoolConfig, room: DiskQuota, segmentBytes: number) {
    this.fs = fs
    this.config = config
    this.room = room
    this.segmentBytes = segmentBytes
  }

  /**
   * Appends requests, with one write and at most one sync.
   * @throws when the disk does not take them; none of them is kept then
   */
  async append(requests: readonly SpoolRequest[]): Promise<Entry[]> {
    try {
      return await this.appendOnce(requests)
    } catch (error) {
      if (!(error instanceof TakenError)) throw error
      // Another process has the folder now, and may not have seen what was written last.
      return await this.appendOnce(requests)
    }
  }

  private async appendOnce(requests: readonly SpoolRequest[]): Promise<Entry[]> {
    const { fs, room, config } = this
    if (this.active?.segment.folder.taken) await this.rotate()
    const most = requests.reduce((sum, { bytes: request }) => sum + request.length, 0)
    if (this.active && this.active.segment.size + most > this.segmentBytes) await this.rotate()
    this.active ??= await this.begin()
    const { segment, file } = this.active
    const start = segment.size
    const { chunks, offsets } = encode(segment.syncMarker, start, requests)
    const bytes = byteLength(chunks)
    this.busy = segment
    room.bytes += bytes
    segment.pendingEntries += requests.length
    try {
      await writeAll(file, chunks, start)
      if (config.fsync) await file.datasync()
      if (config.fsync && start === 0) await syncDirectory(fs, segment.folder.path)
      if (!(await room.holds(segment.folder))) throw new TakenError(segment.folder)
      // Where someone has removed the file, writing to it succeeds all the same.
      if ((await file.stat()).nlink === 0) throw removed(segment.path)
      segment.size += bytes
      await room.onWritten()
      return added(segment, offsets, requests)
    } catch (error) {
      room.bytes -= bytes
      segment.pendingEntries -= requests.length
      await this.abandon(start, error)
      throw error
    } finally {
      this.busy = undefined
    }
  }

  /**
   * Appends requests at once, to a segment of their own: what is being written to another one is not disturbed.
   * @param requests one or more
   * @throws as `append` does
   */
  appendSync(requests: readonly SpoolRequest[]): Entry[] {
    const { room } = this
    try {
      const entries = this.writeSegmentSync(requests)
      if (room.holdsSync(entries[0]!.segment.folder)) return entries
      return this.writeSegmentSync(requests)
    } catch (error) {
      if (room.own === undefined || !isMissing(error)) throw error
      // Someone has removed the folder. It was the last chance of a process that is dying: another one is made now.
      room.own = undefined
      return this.writeSegmentSync(requests)
    }
  }

  private writeSegmentSync(requests: readonly SpoolRequest[]): Entry[] {
    const { fs, room, config } = this
    const folder = room.openSync()
    const name = segmentName(++this.number)
    const path = join(folder.path, name)
    const mark = createSyncMarker()
    const { chunks, offsets } = encode(mark, 0, requests)
    const fd = fs.openSync(path, CREATE, FILE_MODE)
    try {
      try {
        writeAllSync(fs, fd, chunks, 0)
        if (config.fsync) fs.fdatasyncSync(fd)
      } finally {
        fs.closeSync(fd)
      }
      if (config.fsync) syncDirectorySync(fs, folder.path)
    } catch (error) {
      // Half an entry that stays is cut off by its reader.
      removeQuietly(fs, path)
      throw error
    }
    const segment = new Segment(folder, name, mark, byteLength(chunks))
    segment.pendingEntries = requests.length
    const entries = added(segment, offsets, requests)
    segment.table.trim()
    room.bytes += segment.size
    room.onWrittenSync()
    return entries
  }

  /**
   * Writes down which entries of a segment are settled. What cannot be written is tried again with the next ones; should
   * the process be killed before, they are sent twice.
   */
  async writeAcks(segment: Segment): Promise<void> {
    if (!(await this.room.holds(segment.folder))) return
    const marked = segment.takeUnwrittenAcks()
    const chunks = encodeAckEntry(segment.syncMarker, marked)
    const bytes = byteLength(chunks)
    this.busy = segment
    const active = this.active?.segment === segment ? this.active : undefined
    try {
      const file = active?.file ?? (await this.fs.promises.open(segment.path, READ_WRITE))
      try {
        // What a failed append may have left there, longer than this.
        if (!active) await file.truncate(segment.size).catch(() => {})
        await writeAll(file, chunks, segment.size)
        segment.size += bytes
        this.room.bytes += bytes
        segment.compact()
      } finally {
        if (!active) await file.close()
      }
    } catch (error) {
      segment.returnUnwrittenAcks(marked)
      if (active) await this.abandon(segment.size, error)
    } finally {
      this.busy = undefined
    }
  }

  /** The same at once, for segments that are not being written to. */
  writeAcksSync(segment: Segment): void {
    if (!this.room.holdsSync(segment.folder)) return
    const chunks = encodeAckEntry(segment.syncMarker, segment.takeUnwrittenAcks())
    const fd = this.fs.openSync(segment.path, READ_WRITE)
    try {
      writeAllSync(this.fs, fd, chunks, segment.size)
    } finally {
      this.fs.closeSync(fd)
    }
  }

  /** Ends the segment that is being filled; the next append begins another one. */
  async rotate(): Promise<void> {
    const { active } = this
    if (active === undefined) return
    this.active = undefined
    active.segment.table.trim()
    await active.file.close().catch(() => {})
    if (active.segment.pendingEntries === 0) await this.room.remove(active.segment).catch(() => {})
  }

  /** Gives the file back that is being written to, when that is done; the process may go on. */
  release(): void {
    void this.active?.file.close().catch(() => {})
    this.active = undefined
  }

  isActive(segment: Segment): boolean {
    return this.active?.segment === segment
  }

  private async begin(): Promise<Active> {
    const { fs, room } = this
    const folder = await room.open()
    const name = segmentName(++this.number)
    try {
      const file = await fs.promises.open(join(folder.path, name), CREATE, FILE_MODE)
      return { segment: new Segment(folder, name, createSyncMarker(), 0), file }
    } catch (error) {
      await this.leaveOwnIfMissing(error)
      throw error
    }
  }

  /** After a failure: leaves no half entry, and writes no more to a segment that cannot be relied on. */
  private async abandon(size: number, error: unknown): Promise<void> {
    if (this.active && (await this.room.holds(this.active.segment.folder))) {
      await this.active.file.truncate(size).catch(() => {})
    }
    await this.rotate()
    await this.leaveOwnIfMissing(error)
  }

  /** With the folder its lock has gone: another one is made, or a process could take over what is written there next. */
  private async leaveOwnIfMissing(error: unknown): Promise<void> {
    const { own } = this.room
    if (own === undefined || !isMissing(error)) return
    this.room.own = undefined
    await this.room.releaseIfEmpty(own)
  }
}

/** The folder that was written to is no longer this spool's. */
class TakenError extends Error {
  constructor({ path }: OwnedDirectory) {
    super(`another process has recovered ${path}`)
  }
}

/** Requests as they are written from a place in a segment on: its header comes first. */
function encode(
  mark: Buffer,
  start: number,
  requests: readonly SpoolRequest[],
): { chunks: Uint8Array[]; offsets: number[] } {
  const chunks: Uint8Array[] = start === 0 ? [encodeHeader(mark)] : []
  const offsets: number[] = []
  let offset = start + byteLength(chunks)
  for (const { bytes: request, recordCount: count } of requests) {
    const bytes = encodeRequestEntry(mark, request, count)
    offsets.push(offset)
    chunks.push(...bytes)
    offset += byteLength(bytes)
  }
  return { chunks, offsets }
}

/** Adds what was written to the entries of its segment. */
function added(segment: Segment, offsets: readonly number[], requests: readonly SpoolRequest[]): Entry[] {
  return requests.map(({ bytes: request, recordCount: count }, index) => {
    const offset = offsets[index]!
    segment.table.add(offset, count, TAKEN)
    return new Entry(segment, offset, count, request.length)
  })
}

function removed(path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${path} has been removed`), { code: 'ENOENT' })
}
