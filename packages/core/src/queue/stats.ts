import type { DropReason } from '../config/dropReasons.ts'

/**
 * Counts of log records. At any moment
 * `created + recovered = delivered + rejected + sum(dropped) + queued + inFlight`.
 */
export interface LogsStats {
  /** Records that were emitted and passed `minimumSeverity`. */
  readonly created: number
  /**
   * Records recovered from the spool of other processes, minus those that other processes recovered from this process.
   * Records of a terminated worker thread count here and as dropped.
   */
  readonly recovered: number
  /** Records that the receiver accepted. */
  readonly delivered: number
  /** Records that the receiver refused within an accepted request (partial success). */
  readonly rejected: number
  /** Dropped records by reason. A reason that did not occur is absent. */
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>
  /** Records that wait. After a shutdown: records that the spool keeps for the next process. */
  readonly queued: number
  /** Records of requests that are being sent, or wait for a retry. */
  readonly inFlight: number
  /** Records, among those queued or in flight, that lie in the spool. */
  readonly spooled: number
  /** Bytes of memory that records hold while they are queued or in flight. */
  readonly bytes: number
}

/** The stats where no pipeline exists. */
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
