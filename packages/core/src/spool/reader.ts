import { diagnose, rearm } from '@logbridge/bridge'
import { type FileHandle, type Fs, isMissing, READ, readInto } from './files.ts'
import { decodeRequestEntry, ENTRY_BYTES } from './format.ts'
import type { Patience } from './patience.ts'
import type { Room } from './room.ts'
import type { Entry, Segment } from './segment.ts'
import type { SpoolRead } from './types.ts'

/** Reads entries back. One read is under way at a time: a disk that does not answer holds one thread of the process. */
export class Reader {
  private readonly fs: Fs
  private readonly directory: string
  private readonly patience: Patience
  private readonly room: Room
  private last: Promise<unknown> = Promise.resolve()

  constructor(fs: Fs, directory: string, patience: Patience, room: Room) {
    this.room = room
    this.fs = fs
    this.directory = directory
    this.patience = patience
  }

  /** Reads entries; those of one segment that follow one another at once. Gives an answer, in any case, within seconds. */
  read(entries: readonly Entry[]): Promise<SpoolRead[]> {
    return new Promise((resolve) => {
      let isLate = false
      const work = this.last.then(() => (isLate ? [] : this.readAll(entries)))
      const watched = this.patience.watch(work, () => {
        isLate = true
        this.complain(new Error('the disk does not answer'))
        resolve(this.setAside(entries, false))
      })
      this.last = watched
      // Those that were read too late wait again already.
      void watched.then((read) => !isLate && resolve(read))
    })
  }

  private async readAll(entries: readonly Entry[]): Promise<SpoolRead[]> {
    const read: SpoolRead[] = []
    while (read.length < entries.length) {
      const { segment } = entries[read.length]!
      let end = read.length
      while (entries[end]?.segment === segment) end += 1
      read.push(...(await this.readFrom(segment, entries.slice(read.length, end))))
    }
    return read
  }

  private async readFrom(segment: Segment, entries: readonly Entry[]): Promise<SpoolRead[]> {
    let file: FileHandle | undefined
    try {
      if (!(await this.room.holds(segment.folder))) return entries.map(() => 'taken')
      file = await this.fs.promises.open(segment.path, READ)
      const read = await this.readRange(file, segment, entries)
      if (!read.includes('damaged')) rearm('spool-read')
      return read
    } catch (error) {
      this.complain(error)
      if (isMissing(error)) return entries.map(() => 'damaged')
      if (file === undefined || !isOfPlace(error)) return this.setAside(entries, true)
      return await this.readEach(file, segment, entries)
    } finally {
      await file?.close().catch(() => {})
    }
  }

  private async readRange(
    file: FileHandle,
    segment: Segment,
    entries: readonly Entry[],
  ): Promise<SpoolRead[]> {
    const start = entries[0]!.offset
    const last = entries.at(-1)!
    const length = last.offset + ENTRY_BYTES + last.bytes - start
    const bytes = await readInto(file, start, Buffer.allocUnsafeSlow(length))
    const read = entries.map(
      ({ offset }) => decodeRequestEntry(bytes, offset - start, segment.mark) ?? 'damaged',
    )
    if (read.includes('damaged')) this.complain(`a request in ${segment.path} is damaged`)
    segment.readWell()
    return read
  }

  /** One by one, where a place on the disk is bad: those beside it are not. */
  private async readEach(
    file: FileHandle,
    segment: Segment,
    entries: readonly Entry[],
  ): Promise<SpoolRead[]> {
    const read: SpoolRead[] = []
    for (const entry of entries) {
      try {
        read.push(...(await this.readRange(file, segment, [entry])))
      } catch {
        read.push(...this.setAside([entry], false))
      }
    }
    return read
  }

  private setAside(entries: readonly Entry[], all: boolean): SpoolRead[] {
    return entries.map((entry) => (entry.segment.setAside([entry], all) ? 'later' : 'unreadable'))
  }

  private complain(error: unknown): void {
    diagnose('spool-read', `what the spool ${this.directory} has kept cannot be read`, error)
  }
}

/** Whether a read has failed for its place on the disk, where others of the same file may not. */
function isOfPlace(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EIO'
}
