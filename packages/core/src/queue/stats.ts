import type { DropReason } from '../config/dropReasons.ts'

/**
 * The account of all records. At any moment
 * `created + recovered = delivered + rejected + sum(dropped) + queued + inFlight`.
 */
export interface LogsStats {
  /** Records that were emitted and not filtered out by `minimumSeverity`. */
  readonly created: number
  /**
   * Records recovered from the spool of other processes, less those that other processes recovered from this
   * one. Records that were lost with a worker thread count here and as dropped.
   */
  readonly recovered: number
  /** Records that the receiver has accepted. */
  readonly delivered: number
  /** Records that the receiver refused within a request that it accepted (partial success). */
  readonly rejected: number
  /** Records that were given up, by reason; reasons that did not occur are absent. */
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>
  /** Records that wait. After a shutdown: those that the spool keeps for the next process. */
  readonly queued: number
  /** Records that are being sent, or wait to be sent again. */
  readonly inFlight: number
  /** Records, among those queued or in flight, that lie in the spool. */
  readonly spooled: number
  /** Bytes of memory that queued records and those in flight hold. */
  readonly bytes: number
}

/** A moment's account of a pipeline that does not exist. */
export const EMPTY_STATS: LogsStats = {
  created: 0,
  recovered: 0,
  delivered: 0,
  rejected: 0,
  dropped: {},
  queued: 0,
  inFlight: 0,
  spooled: 0,
  bytes: 0,
}
