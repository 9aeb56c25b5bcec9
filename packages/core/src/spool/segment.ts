import { join } from 'node:path'
import { ENTRY_HEADER_BYTES } from './format.ts'
import type { Lock } from './lock.ts'
import type { Claim } from './owner.ts'
import { ACK_WRITTEN, ACKED, DEFERRED, EntryTable, TAKEN, WAITING } from './table.ts'
import type { RequestLimits, SpoolEntry } from './types.ts'

/** Directory inside the spool directory that this spool has locked: its own, or a recovered one. */
export interface OwnedDirectory {
  readonly name: string
  readonly path: string
  readonly lock: Lock
  readonly segments: Set<Segment>
  /** Names of segments to recover that could not be read yet. */
  readonly unread: Set<string>
  /** Absent when the owner file could not be written. */
  readonly claim: Claim | undefined
  /** True when the former owner may live. */
  readonly contested: boolean
  /** True when another process has recovered the directory from this one. Its files must stay untouched. */
  isLost: boolean
  /** True when the lock and the claim are released. */
  isReleased: boolean
}

/** Time for which the reading of an entry is retried. */
const UNREADABLE_MILLIS = 5 * 60_000
const INITIAL_RETRY_MILLIS = 1000
const MAX_RETRY_MILLIS = 30_000

/** Entry that the caller has taken. Waiting entries have no object, only a row in the table of their segment. */
export class EntryLocation implements SpoolEntry {
  readonly segment: Segment
  readonly offset: number
  readonly count: number
  /** Upper bound of the request's size in bytes: acknowledged entries that follow the request are included. */
  readonly bytes: number
  readonly sequence: number

  constructor(segment: Segment, offset: number, count: number, bytes: number, sequence: number = 0) {
    this.segment = segment
    this.offset = offset
    this.count = count
    this.bytes = bytes
    this.sequence = sequence
  }
}

/** Failed reads of a segment since the last read that succeeded. */
interface ReadFailure {
  readonly since: number
  attempts: number
  retryAt: number
}

/** File that entries are appended to, with the state of each entry. */
export class Segment {
  readonly directory: OwnedDirectory
  readonly path: string
  readonly syncMarker: Buffer
  /** Bytes up to the end of the last whole entry. */
  size: number
  /** Entries without an ack, including those that are being written. */
  pendingEntries = 0
  /** Acknowledged entries whose acks are not on disk. */
  unwrittenAcks = 0
  /** Entries that wait to be taken. */
  waiting = 0
  /** Entries that could not be read and wait for another try. */
  deferred = 0
  /** Marks a segment that an ended process wrote. */
  isRecovered = false
  readonly table: EntryTable
  /** Index before which no entry waits. */
  private cursor = 0
  private readFailure: ReadFailure | undefined

  constructor(
    directory: OwnedDirectory,
    name: string,
    syncMarker: Buffer,
    size: number,
    table: EntryTable = new EntryTable(),
  ) {
    this.directory = directory
    this.path = join(directory.path, name)
    this.syncMarker = syncMarker
    this.size = size
    this.table = table
    directory.segments.add(this)
  }

  /** Lets a taken entry wait. @returns false when the entry is not taken */
  park({ offset }: EntryLocation, sequence: number): boolean {
    const index = this.table.find(offset)
    if (index < 0 || this.table.state(index) !== TAKEN) return false
    this.table.setSequence(index, sequence)
    this.wait(index)
    return true
  }

  /** Lets all entries wait, because the process that wrote them has ended. */
  recover(sequence: number): void {
    this.isRecovered = true
    for (let index = 0; index < this.table.length; index += 1) {
      this.table.setSequence(index, sequence)
      this.wait(index)
    }
  }

  /**
   * Takes waiting entries, oldest first: at least one, then up to the limits.
   * @param taken gets the entries
   * @param remaining limits, reduced by each entry
   * @returns false when the next entry exceeds the limits
   */
  take(taken: EntryLocation[], remaining: { -readonly [Limit in keyof RequestLimits]: number }): boolean {
    if (this.deferred > 0 && performance.now() >= this.readFailure!.retryAt) this.returnDeferred()
    const { table } = this
    let previousEnd: number | undefined
    for (; this.waiting > 0 && this.cursor < table.length; this.cursor += 1) {
      const index = this.cursor
      if (table.state(index) !== WAITING) continue
      const offset = table.offset(index)
      const end = index + 1 < table.length ? table.offset(index + 1) : this.size
      const count = table.count(index)
      // Count the acknowledged entries in between, because one read covers them too.
      const bytes = end - (previousEnd ?? offset)
      if (taken.length > 0 && (bytes > remaining.bytes || count > remaining.records)) return false
      remaining.bytes -= bytes
      remaining.records -= count
      previousEnd = end
      table.setState(index, TAKEN)
      this.waiting -= 1
      taken.push(
        new EntryLocation(this, offset, count, end - offset - ENTRY_HEADER_BYTES, table.sequence(index)),
      )
    }
    return true
  }

  /**
   * Defers entries that could not be read.
   * @param all also defers the waiting entries, because the whole file cannot be read
   * @returns false after the last try
   */
  defer(entries: readonly EntryLocation[], all: boolean): boolean {
    const now = performance.now()
    const failure = (this.readFailure ??= { since: now, attempts: 0, retryAt: now })
    // Count several reads that were under way at the same time as one attempt.
    if (now >= failure.retryAt) {
      failure.attempts += 1
      failure.retryAt = now + Math.min(INITIAL_RETRY_MILLIS * 2 ** (failure.attempts - 1), MAX_RETRY_MILLIS)
    }
    if (now - failure.since >= UNREADABLE_MILLIS) return false
    for (const { offset } of entries) this.deferEntry(this.table.find(offset), TAKEN)
    if (all) {
      for (let index = this.cursor; this.waiting > 0 && index < this.table.length; index += 1) {
        if (this.deferEntry(index, WAITING)) this.waiting -= 1
      }
    }
    return true
  }

  /** Ends a read failure, unless other entries are deferred. */
  onRead(): void {
    if (this.deferred === 0) this.readFailure = undefined
  }

  /** Acknowledges an entry. @returns true for the last pending one, `undefined` when it was acknowledged before */
  ack({ offset }: EntryLocation): boolean | undefined {
    const index = this.table.find(offset)
    if (index < 0 || this.table.state(index) >= ACKED) return undefined
    this.table.setState(index, ACKED)
    this.unwrittenAcks += 1
    this.pendingEntries -= 1
    return this.pendingEntries === 0
  }

  /** Takes the offsets of the acks to write. They count as written from now on. */
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

  /** Returns acks of `takeUnwrittenAcks` whose write failed. */
  returnUnwrittenAcks(offsets: readonly number[]): void {
    for (const offset of offsets) this.table.setState(this.table.find(offset), ACKED)
    this.unwrittenAcks += offsets.length
  }

  /** Frees the memory of entries whose acks are on disk, when these are at least half of the entries. */
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

  private returnDeferred(): void {
    for (let index = 0; this.deferred > 0 && index < this.table.length; index += 1) {
      if (this.table.state(index) !== DEFERRED) continue
      this.deferred -= 1
      this.wait(index)
    }
  }

  private deferEntry(index: number, from: number): boolean {
    if (this.table.state(index) !== from) return false
    this.table.setState(index, DEFERRED)
    this.deferred += 1
    return true
  }
}
