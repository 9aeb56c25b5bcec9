/** Encoded request on disk that the caller has taken. */
export interface SpoolEntry {
  /** Log records in the request. */
  readonly count: number
  /** Upper bound of the request's size in bytes. */
  readonly bytes: number
  /** Sequence that `park` or `recover` gave the entry. */
  readonly sequence: number
}

/** Limits of a request that entries are joined to. */
export interface RequestLimits {
  readonly bytes: number
  readonly records: number
}

/** Encoded request with the number of its log records. */
export interface SpoolRequest {
  readonly bytes: Uint8Array
  readonly recordCount: number
}

/**
 * Result of reading one entry:
 *
 * - `read`: its request is part of the joined request.
 * - `deferred`: the disk cannot read it now. The entry waits again, and the caller has it no longer.
 * - `unreadable`: the disk could not read it for 5 minutes. The entry stays on disk for the next process.
 * - `corrupt`: its checksum fails, or its segment is missing.
 * - `recovered`: another process has recovered the entry and sends it.
 */
export type SpoolRead = 'read' | 'deferred' | 'unreadable' | 'corrupt' | 'recovered'

/** Joins requests to one. Their bytes are valid until the function returns. */
export type JoinRequests = (requests: readonly Uint8Array[]) => Uint8Array

/**
 * Write-ahead copy of the queue on disk: its requests outlive the process. No method throws or rejects.
 *
 * An entry is either taken, by the caller of `append` or `take`, or waiting. A waiting entry takes 12 bytes of memory.
 */
export interface Spool {
  /**
   * Appends an encoded ExportLogsServiceRequest, in the order of the calls. Its bytes must stay unchanged until the promise
   * resolves.
   * @returns `undefined` when the request is in memory only: `maxBytes` is reached, the spool is closed, or the disk is
   * full, read-only, or unresponsive
   */
  append(request: Uint8Array, count: number): Promise<SpoolEntry | undefined>
  /**
   * Appends requests synchronously at the end of a process, to as few files as hold them. A request that an asynchronous
   * `append` has queued is written by this call, and both calls return the same entry. A request that is being written
   * right now is written twice.
   */
  appendSync(requests: readonly SpoolRequest[]): (SpoolEntry | undefined)[]
  /** Lets a taken entry wait on disk alone, until it is taken again. @param sequence its new sequence */
  park(entry: SpoolEntry, sequence: number): void
  /**
   * Takes waiting entries, oldest first: at least one, then up to the limits.
   * @returns an empty array when no entry waits, or when the disk can read none of them now
   */
  take(limits: RequestLimits): SpoolEntry[]
  /**
   * Reads entries and joins their requests.
   * @returns one result for each entry; `request` is absent when no entry could be read
   */
  read(
    entries: readonly SpoolEntry[],
    join: JoinRequests,
  ): Promise<{ readonly request?: Uint8Array; readonly read: readonly SpoolRead[] }>
  /**
   * Acknowledges an entry: it is not sent again, and its disk space is freed with the last pending entry of its segment.
   * Returns at once. A second call has no effect.
   */
  ack(entry: SpoolEntry): void
  /**
   * Recovers the entries of ended processes in the spool directory. Recovered entries wait, oldest first, before those of
   * this process. Call it from time to time; it returns at once while another call is under way.
   * @param onRecovered is called before the entries can be taken; returns their sequence
   */
  recover(onRecovered: (entries: number, records: number) => number): Promise<void>
  /** Entries that wait. */
  readonly waiting: number
  /** Memory of all entries in bytes. */
  readonly memory: number
  /** Disk space in bytes of own and recovered segments, including the writes under way. */
  readonly bytes: number
  /** Finishes the disk work under way, leaves pending entries to the next process, and removes empty directories. */
  close(): Promise<void>
  /** Closes synchronously at the end of the process. Queued appends resolve to `undefined`: call `appendSync` before. */
  closeSync(): void
}
