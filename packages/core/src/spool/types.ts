/** One encoded request that lies on disk, and that somebody has taken. */
export interface SpoolEntry {
  /** Log records in it. */
  readonly count: number
  /** Bytes of the request at most. */
  readonly bytes: number
  /** What `park` or `adopt` was given for it. */
  readonly number: number
}

/** How large a request may become that entries are joined to. */
export interface RequestLimits {
  readonly bytes: number
  readonly records: number
}

/**
 * What an entry holds. `later`: it cannot be read now, waits again, and is no longer the caller's. `unreadable`: that has
 * lasted too long; it stays on disk for the next process. `damaged`: it is not what was written. `taken`: another process
 * has recovered it from this one, and sends it.
 */
export type SpoolRead = Uint8Array | 'later' | 'unreadable' | 'damaged' | 'taken'

/**
 * A write-ahead spool: requests that outlive the process. None of its methods throws or rejects. An entry is taken, by
 * whoever has appended it or got it from `take`, or waits; what waits takes 12 bytes of memory.
 */
export interface Spool {
  /**
   * Appends an encoded ExportLogsServiceRequest, in the order of the calls; the bytes must not change until this has
   * resolved. `undefined` when it could not be kept: `maxBytes` reached, disk full, read-only or without an answer, spool
   * closed.
   */
  append(request: Uint8Array, count: number): Promise<SpoolEntry | undefined>
  /**
   * The same at once, for a process that is dying. When the same `request` still waits for an asynchronous append, this
   * takes its place, and both give the same entry; when it is being written at this moment, it is written twice.
   */
  appendSync(request: Uint8Array, count: number): SpoolEntry | undefined
  /** Has an entry wait on disk alone, until it is taken again. @param number which it then has */
  park(entry: SpoolEntry, number: number): void
  /**
   * Takes entries that wait, oldest first: as many as fit into one request, one in any case. None where nothing waits, and
   * where nothing of it can be read now.
   */
  take(limits: RequestLimits): SpoolEntry[]
  /** The requests of entries, in the same order. */
  read(entries: readonly SpoolEntry[]): Promise<SpoolRead[]>
  /**
   * The fate of an entry is known: it is not sent again, and its room on disk is freed as soon as its segment has no
   * other unsettled entry. Returns at once; a second call does nothing.
   */
  settle(entry: SpoolEntry): void
  /**
   * Takes over what processes that are gone have left in the directory; to be called now and then. It waits, oldest
   * first, before all that this process has written. Returns at once while another call is under way.
   * @param found called with what was found, at the moment from which it can be taken; gives the entries' number
   */
  adopt(found: (entries: number, records: number) => number): Promise<void>
  /** Entries that wait. */
  readonly waiting: number
  /** Bytes of memory that entries take. */
  readonly memory: number
  /** Bytes on disk of this spool's own and adopted segments, and of what is being written to them. */
  readonly bytes: number
  /** Finishes the disk work under way, leaves what is unsettled to the next process, and removes what is empty. */
  close(): Promise<void>
  /** The same at the end of the process. Appends that have not been written are given up: call `appendSync` before. */
  closeSync(): void
}
