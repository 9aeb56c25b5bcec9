/** One encoded request that lies on disk, and that somebody has taken. */
export interface SpoolEntry {
  /** Log records in it. */
  readonly count: number
  /** Bytes of the request at most. */
  readonly bytes: number
  /** What `park` or `adopt` was given for it. */
  readonly sequence: number
}

/** How large a request may become that entries are joined to. */
export interface RequestLimits {
  readonly bytes: number
  readonly records: number
}

/** A request, and the log records in it. */
export interface SpoolRequest {
  readonly bytes: Uint8Array
  readonly recordCount: number
}

/**
 * What the reading of an entry came to. `later`: it cannot be read now, waits again, and is no longer the caller's.
 * `unreadable`: that has lasted too long; it stays on disk for the next process. `corrupt`: it is not what was written.
 * `taken`: another process has recovered it from this one, and sends it.
 */
export type SpoolRead = 'read' | 'later' | 'unreadable' | 'corrupt' | 'taken'

/** Makes one request of several, whose bytes are valid only until it returns. */
export type JoinRequests = (requests: readonly Uint8Array[]) => Uint8Array

/**
 * A write-ahead spool: requests that outlive the process. None of its methods throws or rejects. An entry is either taken,
 * by whoever has appended it or got it from `take`, or waiting. A waiting one holds 12 bytes of memory.
 */
export interface Spool {
  /**
   * Appends an encoded ExportLogsServiceRequest, in the order of the calls; the bytes must not change until this has
   * resolved. `undefined` when it could not be kept: `maxBytes` reached, disk full, read-only or without an answer, spool
   * closed.
   */
  append(request: Uint8Array, count: number): Promise<SpoolEntry | undefined>
  /**
   * Appends requests at once, for a process that is dying: to as few files as hold them. When the same `request` still waits
   * for an asynchronous append, this takes its place, and both give the same entry; when it is being written at this
   * moment, it is written twice.
   */
  appendSync(requests: readonly SpoolRequest[]): (SpoolEntry | undefined)[]
  /** Has an entry wait on disk alone, until it is taken again. @param number which it then has */
  park(entry: SpoolEntry, number: number): void
  /**
   * Takes waiting entries, oldest first: at least one, then up to the limits. None where nothing waits, and
   * where nothing of it can be read now.
   */
  take(limits: RequestLimits): SpoolEntry[]
  /** Reads entries, and joins the requests of those that can be read; none is made where there are none. */
  read(
    entries: readonly SpoolEntry[],
    join: JoinRequests,
  ): Promise<{ readonly request?: Uint8Array; readonly read: readonly SpoolRead[] }>
  /**
   * The fate of an entry is known: it is not sent again, and its room on disk is freed as soon as its segment has no
   * other unsettled entry. Returns at once; a second call does nothing.
   */
  ack(entry: SpoolEntry): void
  /**
   * Takes over what processes that are gone have left in the directory; to be called now and then. It waits, oldest
   * first, before all that this process has written. Returns at once while another call is under way.
   * @param found called with what was found, at the moment from which it can be taken; gives the entries' number
   */
  recover(found: (entries: number, records: number) => number): Promise<void>
  /** Entries that wait. */
  readonly waiting: number
  /** Bytes of memory that entries take. */
  readonly memory: number
  /** Bytes on disk of this spool's own and recovered segments, and of what is being written to them. */
  readonly bytes: number
  /** Finishes the disk work under way, leaves what is unsettled to the next process, and removes what is empty. */
  close(): Promise<void>
  /** The same at the end of the process. Appends that have not been written are given up: call `appendSync` before. */
  closeSync(): void
}
