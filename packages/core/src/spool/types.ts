/** One encoded request that lies on disk. */
export interface SpoolEntry {
  /** Log records in it. */
  readonly count: number
  /** Bytes of the request. */
  readonly bytes: number
}

/** A write-ahead spool: requests that outlive the process. None of its methods throws or rejects. */
export interface Spool {
  /**
   * Appends an encoded ExportLogsServiceRequest, in the order of the calls; the bytes must not change until this has
   * resolved. `undefined` when it could not be kept: `maxBytes` reached, disk full or read-only, spool closed.
   */
  append(request: Uint8Array, count: number): Promise<SpoolEntry | undefined>
  /**
   * The same at once, for a process that is dying. When the same `request` still waits for an asynchronous append, this
   * takes its place, and both give the same entry; when it is being written at this moment, it is written twice.
   */
  appendSync(request: Uint8Array, count: number): SpoolEntry | undefined
  /**
   * The request of an entry; `undefined` when it can't be read or its checksum fails, and when the spool is closed; `taken`
   * when another process has recovered it from this one, and sends it.
   */
  read(entry: SpoolEntry): Promise<Uint8Array | 'taken' | undefined>
  /**
   * The fate of an entry is known: it is not sent again, and its room on disk is freed as soon as its segment has no
   * other unsettled entry. Returns at once; a second call does nothing.
   */
  settle(entry: SpoolEntry): void
  /**
   * Takes over what processes that are gone have left in the directory; to be called now and then. Oldest first. `[]`
   * when there is none, and while another call is under way.
   */
  adopt(): Promise<SpoolEntry[]>
  /** Bytes on disk of this spool's own and adopted segments, and of what is being written to them. */
  readonly bytes: number
  /** Finishes the disk work under way, leaves what is unsettled to the next process, and removes what is empty. */
  close(): Promise<void>
  /** The same at the end of the process. Appends that have not been written are given up: call `appendSync` before. */
  closeSync(): void
}
