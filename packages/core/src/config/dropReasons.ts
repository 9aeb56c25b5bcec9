import type { SeverityNumber } from '@opentelemetry/api'

/** Reason why a log record was dropped. Also the `error.type` in the metrics of the pipeline. */
export type DropReason =
  /** The queue was full. */
  | 'queue_full'
  /** The record alone is larger than the receiver accepts in one request. */
  | 'too_large'
  /**
   * The record was logged by a getter or `toJSON` of another record's value, while that value was being encoded, or by a
   * processor on each record, more than three records deep.
   */
  | 'reentrant'
  /** The receiver refused the request with an error that forbids a retry, or the request could not be made. */
  | 'export_failed'
  /** The record was emitted after the shutdown. */
  | 'already_shutdown'
  /** The record was unsent at the deadline of the shutdown, and the spool did not hold it. */
  | 'shutdown_timeout'
  /** The record was in the spool, and its bytes on disk fail their checksum. */
  | 'spool_corrupted'
  /** The record is in the spool and could not be read for five minutes. It stays there for the next process. */
  | 'spool_unreadable'
  /** The record was logged in a worker thread that was terminated before the record was known to be delivered. */
  | 'thread_terminated'

/** Listener for dropped records, called at most once a second for each reason and severity number. */
export type DropListener = (reason: DropReason, count: number, severityNumber: SeverityNumber | 0) => void
