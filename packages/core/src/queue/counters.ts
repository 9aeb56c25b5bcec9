import { CELLS } from '@logbridge/bridge/threads'
import type { DropListener, DropReason } from '../config/dropReasons.ts'
import type { Batch } from '../otlp/openBatch.ts'
import { severitiesOf } from '../otlp/logsRequest.ts'
import { claimRow, privateRow, releaseRow } from '../process/threadRecords.ts'
import { GRPC_STATUS_NAMES } from '../transport/grpcCall.ts'
import type { ExportOutcome } from '../transport/transport.ts'
import { DropReporter, type RecordUnit } from './dropReporter.ts'

/** Cells of the counts in a row. Local, because the CommonJS build reads an imported name by a getter (`pnpm bench pipeline`). */
const { QUEUED, IN_FLIGHT, SPOOLED } = CELLS

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

/** Counts the log records of one pipeline, and reports those that are dropped. */
export class PipelineCounters {
  created = 0
  recovered = 0
  delivered = 0
  rejected = 0
  /** Records handed to the transport. A retry counts no record again. */
  exported = 0
  /** Records dropped before they were handed to the transport, by reason. */
  readonly enqueueFailed: Partial<Record<DropReason, number>> = {}
  /** Records dropped after they were handed to the transport, by `error.type`. */
  readonly sendFailed: Map<string, number> = new Map()
  /** Number of unsent records that a line has named. */
  announcedLoss = 0
  /** Word for one record, in messages. */
  readonly unit: RecordUnit
  private readonly dropped: Partial<Record<DropReason, number>> = {}
  private readonly dropReporter: DropReporter
  /** Queued, in flight and spooled. A worker thread shares them with the thread that started it, which outlives the worker. */
  private counts = claimRow() ?? privateRow()

  constructor(onDrop: DropListener | undefined, unit: RecordUnit = 'log record') {
    this.unit = unit
    this.dropReporter = new DropReporter(onDrop, unit)
  }

  get queued(): number {
    return this.counts[QUEUED]!
  }
  set queued(count: number) {
    this.counts[QUEUED] = count
  }
  get inFlight(): number {
    return this.counts[IN_FLIGHT]!
  }
  set inFlight(count: number) {
    this.counts[IN_FLIGHT] = count
  }
  get spooled(): number {
    return this.counts[SPOOLED]!
  }
  set spooled(count: number) {
    this.counts[SPOOLED] = count
  }

  /** Counts the records of a request of another program, which enter the queue. */
  acceptAll(count: number): void {
    this.created += count
    this.counts[QUEUED]! += count
  }

  /** Counts one record that enters a batch. */
  accept(): void {
    // Neither a call nor a setter stands between these lines because on a full stack it would throw.
    this.created += 1
    this.counts[QUEUED]! += 1
  }

  /** Counts and reports one record that enters no batch. */
  dropOne(reason: DropReason, severityNumber: number, cause?: unknown): void {
    // Counts are kept for each severity number, and an application in JavaScript may pass any number.
    const isKnown = Number.isInteger(severityNumber) && severityNumber > 0 && severityNumber <= 24
    // No call stands between these lines because on a full stack it would throw and leave the counters unbalanced.
    this.created += 1
    this.enqueueFailed[reason] = (this.enqueueFailed[reason] ?? 0) + 1
    this.dropped[reason] = (this.dropped[reason] ?? 0) + 1
    this.dropReporter.add(reason, 1, isKnown ? severityNumber : 0, cause)
  }

  /** Counts and reports the records of a request of another program that enters no queue. */
  dropAll(reason: DropReason, request: Uint8Array, count: number): void {
    this.created += count
    this.dropUnsent(reason, request, count)
  }

  /** Counts the records of a terminated worker thread: created there, dropped here. */
  dropWithThread(count: number): void {
    this.recovered += count
    this.dropUnsent('thread_terminated', undefined, count, `${count}`)
  }

  /**
   * Counts and reports records that were not handed to the transport.
   *
   * @param records their request or batch; `undefined` when its bytes cannot be read
   */
  dropUnsent(
    reason: DropReason,
    records: Uint8Array | Batch | undefined,
    count: number,
    cause?: unknown,
  ): void {
    this.enqueueFailed[reason] = (this.enqueueFailed[reason] ?? 0) + count
    this.dropBySeverity(reason, records, count, cause)
  }

  /** Counts the records of a request that was handed to the transport, by its final outcome. */
  complete(request: Uint8Array, count: number, outcome: ExportOutcome): void {
    if (outcome.kind === 'delivered') {
      this.announcedLoss = 0
      const rejected = Math.min(Math.max(outcome.rejected, 0), count)
      this.delivered += count - rejected
      this.rejected += rejected
      return
    }
    const type = errorType(outcome)
    this.sendFailed.set(type, (this.sendFailed.get(type) ?? 0) + count)
    this.dropBySeverity(DROP_REASON[outcome.kind], request, count, outcome.reason)
  }

  /** Notes that a line has named the number of unsent records. */
  announceLoss(): void {
    this.announcedLoss = this.queued + this.inFlight
  }

  /** Reports the drops so far, and stops sharing counts with the thread that started this worker. */
  end(): void {
    this.dropReporter.end(this.announcedLoss)
    const { counts } = this
    this.counts = Int32Array.from(counts)
    releaseRow(counts)
  }

  /** @param bytes memory that queued records and records in flight hold */
  stats(bytes: number): LogsStats {
    const { created, recovered, delivered, rejected, queued, inFlight, spooled } = this
    const dropped = { ...this.dropped }
    return { created, recovered, delivered, rejected, dropped, queued, inFlight, spooled, bytes }
  }

  private dropBySeverity(
    reason: DropReason,
    records: Uint8Array | Batch | undefined,
    count: number,
    cause?: unknown,
  ): void {
    const severities = records === undefined ? [[0, count] as const] : severitiesOf(records)
    for (const [severityNumber, dropped] of severities) {
      this.dropped[reason] = (this.dropped[reason] ?? 0) + dropped
      this.dropReporter.add(reason, dropped, severityNumber, cause)
    }
  }
}

/** Drop reasons by final outcome. `retryable` is final when the pipeline is shut down. */
const DROP_REASON = {
  retryable: 'shutdown_timeout',
  too_large: 'too_large',
  failed: 'export_failed',
} as const

/**
 * Returns the name of a gRPC status or the number of an HTTP status. Every other status, which a receiver may make up, is
 * `_OTHER`, because counts are kept for each type.
 * https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/
 */
export function errorType({ status }: ExportOutcome): string {
  if (status === undefined) return '_OTHER'
  return GRPC_STATUS_NAMES[status] ?? (status >= 100 && status < 1000 ? String(status) : '_OTHER')
}
