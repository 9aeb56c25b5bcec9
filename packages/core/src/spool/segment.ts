import { join } from 'node:path'
import type { OwnedDirectory } from './ownedDirectory.ts'
import { ENTRY_BYTES } from './format.ts'
import { ACKED, ASIDE, EntryTable, ACK_WRITTEN, TAKEN, WAITING } from './table.ts'
import type { RequestLimits, SpoolEntry } from './types.ts'

/** How long an entry that cannot be read is tried again. */
const UNREADABLE_MILLIS = 5 * 60_000
const INITIAL_RETRY_MILLIS = 1000
const MAX_RETRY_MILLIS = 30_000

/** One entry that somebody has taken. What waits has no object. */
export class Entry implements SpoolEntry {
  readonly segment: Segment
  readonly offset: number
  readonly count: number
  /** Bytes of the request at most: more where settled entries lay behind it. */
  readonly bytes: number
  readonly sequence: number

  constructor(segment: Segment, offset: number, count: number, bytes: number, number = 0) {
    this.segment = segment
    this.offset = offset
    this.count = count
    this.bytes = bytes
    this.sequence = number
  }
}

/** Reads that have failed since one last succeeded. */
interface ReadFailure {
  readonly since: number
  tries: number
  retryAt: number
}

/** A file that entries have been appended to, and what is known of each of them. */
export class Segment {
  readonly folder: OwnedDirectory
  readonly path: string
  readonly syncMarker: Buffer
  /** Bytes, up to the end of the last whole entry. */
  size: number
  /** Entries whose fate is not known, and those that are being written. */
  pendingEntries = 0
  /** Settled entries that the file does not yet say so of. */
  unwrittenAcks = 0
  /** Entries that wait to be taken. */
  waiting = 0
  /** Entries that could not be read, and wait to be tried again. */
  aside = 0
  /** Written by a process that is gone. */
  isRecovered = false
  readonly table: EntryTable
  /** No entry before this index waits. */
  private cursor = 0
  private readFailure: ReadFailure | undefined

  constructor(
    folder: OwnedDirectory,
    name: string,
    mark: Buffer,
    size: number,
    table: EntryTable = new EntryTable(),
  ) {
    this.folder = folder
    this.path = join(folder.path, name)
    this.syncMarker = mark
    this.size = size
    this.table = table
    folder.segments.add(this)
  }

  /** Has an entry wait until it is taken. @returns whether it has not waited before */
  park({ offset }: Entry, number: number): boolean {
    const index = this.table.find(offset)
    if (index < 0 || this.table.state(index) !== TAKEN) return false
    this.table.setNumber(index, number)
    this.wait(index)
    return true
  }

  /** Has all entries wait: the process that has written them is gone. */
  recover(number: number): void {
    this.isRecovered = true
    for (let index = 0; index < this.table.length; index += 1) {
      this.table.setNumber(index, number)
      this.wait(index)
    }
  }

  /**
   * Takes waiting entries, oldest first: at least one, then up to the limits.
   * @param room what may be taken still; is lessened by what has been
   * @returns whether nothing is left that could be taken now
   */
  take(taken: Entry[], room: { -readonly [Limit in keyof RequestLimits]: number }): boolean {
    if (this.aside > 0 && performance.now() >= this.readFailure!.retryAt) this.returnAside()
    const { table } = this
    let previousEnd: number | undefined
    for (; this.waiting > 0 && this.cursor < table.length; this.cursor += 1) {
      const index = this.cursor
      if (table.state(index) !== WAITING) continue
      const offset = table.offset(index)
      const end = index + 1 < table.length ? table.offset(index + 1) : this.size
      const count = table.count(index)
      // Settled entries in between are read along.
      const bytes = end - (previousEnd ?? offset)
      if (taken.length > 0 && (bytes > room.bytes || count > room.records)) return false
      room.bytes -= bytes
      room.records -= count
      previousEnd = end
      table.setState(index, TAKEN)
      this.waiting -= 1
      taken.push(new Entry(this, offset, count, end - offset - ENTRY_BYTES, table.number(index)))
    }
    return true
  }

  /**
   * Notes that entries could not be read.
   * @param all the fault is the file's, and not of these entries alone
   * @returns true to retry later, false after the last try
   */
  setAside(entries: readonly Entry[], all: boolean): boolean {
    const now = performance.now()
    const trouble = (this.readFailure ??= { since: now, tries: 0, retryAt: now })
    // Several reads may have been under way.
    if (now >= trouble.retryAt) {
      trouble.tries += 1
      trouble.retryAt = now + Math.min(INITIAL_RETRY_MILLIS * 2 ** (trouble.tries - 1), MAX_RETRY_MILLIS)
    }
    if (now - trouble.since >= UNREADABLE_MILLIS) return false
    for (const { offset } of entries) this.moveAside(this.table.find(offset), TAKEN)
    if (all) {
      for (let index = this.cursor; this.waiting > 0 && index < this.table.length; index += 1) {
        if (this.moveAside(index, WAITING)) this.waiting -= 1
      }
    }
    return true
  }

  /** Notes that entries could be read. */
  readWell(): void {
    if (this.aside === 0) this.readFailure = undefined
  }

  /** @returns whether this was the last one; `undefined` when it was settled before */
  ack({ offset }: Entry): boolean | undefined {
    const index = this.table.find(offset)
    if (index < 0 || this.table.state(index) >= ACKED) return undefined
    this.table.setState(index, ACKED)
    this.unwrittenAcks += 1
    this.pendingEntries -= 1
    return this.pendingEntries === 0
  }

  /** Offsets of settled entries that the file does not yet say so of; they count as said from now on. */
  takeUnwrittenAcks(): number[] {
    const offsets: number[] = []
    for (let index = 0; offsets.length < this.unwrittenAcks && index < this.table.length; index += 1) {
      if (this.table.state(index) !== ACKED) continue
      offsets.push(this.table.offset(index))
      this.table.setState(index, ACK_WRITTEN)
    }
    this.unwrittenAcks = 0
    return offsets
  }

  /** Takes back the above: it could not be written. */
  returnUnwrittenAcks(offsets: readonly number[]): void {
    for (const offset of offsets) this.table.setState(this.table.find(offset), ACKED)
    this.unwrittenAcks += offsets.length
  }

  /** Gives the memory of entries back that are settled and marked so, where they are the most. */
  compact(): void {
    if (this.pendingEntries * 2 > this.table.length) return
    this.table.dropAcked()
    this.table.trim()
    this.cursor = 0
  }

  private wait(index: number): void {
    this.table.setState(index, WAITING)
    this.waiting += 1
    this.cursor = Math.min(this.cursor, index)
  }

  private returnAside(): void {
    for (let index = 0; this.aside > 0 && index < this.table.length; index += 1) {
      if (this.table.state(index) !== ASIDE) continue
      this.aside -= 1
      this.wait(index)
    }
  }

  private moveAside(index: number, from: number): boolean {
    if (this.table.state(index) !== from) return false
    this.table.setState(index, ASIDE)
    this.aside += 1
    return true
  }
}
