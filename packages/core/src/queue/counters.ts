import { status as grpcStatus } from '@grpc/grpc-js'
import type { ExportOutcome } from '../transport/transport.ts'
import { claimCounts, COUNTS, IN_FLIGHT, QUEUED, releaseCounts, SPOOLED } from '../process/threadRecords.ts'
import type { Batch } from '../otlp/openBatch.ts'
import { DropReporter } from './dropReporter.ts'
import { severitiesOf } from '../otlp/logsRequest.ts'
import type { LogsStats } from './stats.ts'
import type { DropListener, DropReason } from '../config/dropReasons.ts'

/** The accounts of one pipeline, and what its losses are told through. */
export class PipelineCounters {
  created = 0
  recovered = 0
  delivered = 0
  rejected = 0
  /** Records handed to the transport so far, each once. */
  exported = 0
  /** Records given up before they were handed to the transport, by reason. */
  readonly enqueueFailed: Partial<Record<DropReason, number>> = {}
  /** Records given up after that, by `error.type`. */
  readonly sendFailed: Map<string, number> = new Map()
  private readonly dropped: Partial<Record<DropReason, number>> = {}
  private readonly dropReporter: DropReporter
  /** Queued, in flight and spooled. Shared in a worker thread: the thread that has started it outlives it. */
  private counts = claimCounts() ?? new Int32Array(COUNTS)

  constructor(onDrop: DropListener | undefined) {
    this.dropReporter = new DropReporter(onDrop)
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

  /** Counts one record that gets into a batch. */
  accept(): void {
    // No call stands between these, a setter neither: on a full stack it would throw.
    this.created += 1
    this.counts[QUEUED]! += 1
  }

  /** Counts one record that does not get into a batch. */
  dropOne(reason: DropReason, severityNumber: number, cause?: unknown): void {
    // Counts are kept for each severity: an application from JavaScript may give any number.
    const isKnown = Number.isInteger(severityNumber) && severityNumber > 0 && severityNumber <= 24
    // No call stands between these: on a full stack it would throw, and leave the account unbalanced.
    this.created += 1
    this.enqueueFailed[reason] = (this.enqueueFailed[reason] ?? 0) + 1
    this.dropped[reason] = (this.dropped[reason] ?? 0) + 1
    this.dropReporter.add(reason, 1, isKnown ? severityNumber : 0, cause)
  }

  /** Counts records that a worker thread has taken with it: created there, dropped here. */
  dropWithThread(count: number): void {
    this.recovered += count
    this.dropUnsent('thread_terminated', undefined, count, `${count}`)
  }

  /** Records that are not handed to the transport. @param of their request or batch; `undefined` when it cannot be read */
  dropUnsent(reason: DropReason, of: Uint8Array | Batch | undefined, count: number, cause?: unknown): void {
    this.enqueueFailed[reason] = (this.enqueueFailed[reason] ?? 0) + count
    this.dropBySeverity(reason, of, count, cause)
  }

  /** What became of a request that has been handed to the transport. */
  complete(request: Uint8Array, count: number, outcome: ExportOutcome): void {
    if (outcome.kind === 'delivered') {
      const rejected = Math.min(Math.max(outcome.rejected, 0), count)
      this.delivered += count - rejected
      this.rejected += rejected
      return
    }
    const type = errorType(outcome)
    this.sendFailed.set(type, (this.sendFailed.get(type) ?? 0) + count)
    this.dropBySeverity(DROP_REASON[outcome.kind], request, count, outcome.reason)
  }

  /** Reports the losses so far, and shares no counts any more: what is left is known. */
  end(): void {
    this.dropReporter.end()
    const { counts } = this
    this.counts = Int32Array.from(counts)
    releaseCounts(counts)
  }

  stats(bytes: number): LogsStats {
    const { created, recovered, delivered, rejected, queued, inFlight, spooled } = this
    const dropped = { ...this.dropped }
    return { created, recovered, delivered, rejected, dropped, queued, inFlight, spooled, bytes }
  }

  private dropBySeverity(
    reason: DropReason,
    of: Uint8Array | Batch | undefined,
    count: number,
    cause?: unknown,
  ): void {
    // Counted only now that it is lost.
    const severities = of === undefined ? [[0, count] as const] : severitiesOf(of)
    for (const [severityNumber, records] of severities) this.drop(reason, records, severityNumber, cause)
  }

  private drop(reason: DropReason, count: number, severityNumber: number, cause: unknown): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + count
    this.dropReporter.add(reason, count, severityNumber, cause)
  }
}

/** A retryable outcome that is final: the pipeline has been shut down. */
const DROP_REASON = { retryable: 'shutdown', too_large: 'too_large', failed: 'export_failed' } as const

/** The name of a gRPC status, or the number of an HTTP status; counts are kept for each, and a receiver may make up others. https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/ */
export function errorType({ status }: ExportOutcome): string {
  if (status === undefined) return '_OTHER'
  return grpcStatus[status] ?? (status >= 100 && status < 1000 ? String(status) : '_OTHER')
}
