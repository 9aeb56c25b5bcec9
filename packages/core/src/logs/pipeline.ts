import { randomUUID } from 'node:crypto'
import { safeGet } from '@logbridge/bridge'
import { isOmitted, timers, unref, type ValueLimits } from '@logbridge/bridge/internal'
import type { LogsConfig } from '../config/config.ts'
import { takesLines } from '../config/file.ts'
import { withSuppressedTelemetry } from '../transport/suppressed.ts'
import type { RetryingTransport } from '../transport/retry.ts'
import { createShutdown } from '../process/shutdown.ts'
import { limitMillis, type TimeLimit } from '../process/timers.ts'
import type { UnsentRequest } from '../process/exitFlush.ts'
import { watchLostRecords } from '../process/threadRecords.ts'
import { openSpool } from '../spool/spool.ts'
import { type LogsStats, PipelineCounters } from '../queue/counters.ts'
import { type Batch, BATCH_BYTES, type EncodedScope, OpenBatch } from '../otlp/openBatch.ts'
import { OpenRequests } from '../otlp/openRequests.ts'
import type { RecordUnit } from '../queue/dropReporter.ts'
import { MemoryStore } from '../queue/queuedRequest.ts'
import { SendingQueue } from '../queue/sendingQueue.ts'
import { SpooledQueue } from '../queue/spooledQueue.ts'
import type { EncodableRecord } from '../otlp/recordEncoder.ts'
import { observePipeline } from './metrics.ts'
import { MAX_RECORD_BYTES } from '../otlp/protobufWriter.ts'

/** Largest batch as a share of `maxQueueBytes`, because memory holds the open batch and four requests in flight even when the spool holds the rest. */
const BATCH_SHARE = 1 / 8
/** Size of a full batch that becomes one line of JSON, which is two to three times larger, because readers of lines accept 1 MiB. */
const LINE_BATCH_BYTES = BATCH_BYTES / 2
/** Share of a cap from which on records below WARN are dropped, so that severe records find room. */
const LOW_SEVERITY_SHARE = 0.8
const WARN = 13
/** Delay before records are written to the spool: half of the 100 ms of records that a crash may cost. The other half is for the disk. */
const SPOOL_DELAY_MILLIS = 50
const UID_ATTRIBUTE = 'log.record.uid'

/**
 * Encodes records at the call into the open batch, and seals batches for the sending queue. Bounds memory by
 * `maxQueueBytes`, and by `maxQueueSize` when it is set.
 *
 * Requests of other programs enter the queue by `forward`. A pipeline of their spans or metrics has these alone.
 */
export class LogPipeline {
  private readonly config: LogsConfig
  private readonly limits: ValueLimits
  private readonly open: OpenBatch
  /** Requests of other programs since the last seal. */
  private readonly forwarded = new OpenRequests()
  private readonly counters: PipelineCounters
  private readonly queue: SendingQueue | SpooledQueue
  /** The queue, when there is a spool. */
  private readonly spooledQueue: SpooledQueue | undefined
  private readonly stopWatchingThreads: () => void
  private readonly maxBatchBytes: number
  private readonly maxBatchRecords: number
  private delayTimer: NodeJS.Timeout | undefined
  /** Runs with a spool only. */
  private spoolTimer: NodeJS.Timeout | undefined
  /** True when all timers of the open batch run. */
  private areTimersRunning = false
  /** Bytes of batches that were handed to the spool before the scheduled delay is over. */
  private delayedBytes = 0
  /** Records of batches that were handed to the spool before the scheduled delay is over. */
  private delayedRecords = 0
  private isEncoding = false
  private readonly ending = createShutdown((timeoutMillis) => this.close(timeoutMillis))
  private closed = false
  /** Resolves with the acknowledgment of the open batch, when something waits for that. */
  private openAcknowledged: PromiseWithResolvers<boolean> | undefined

  /** True when records count as `already_shutdown`. */
  get isClosed(): boolean {
    return this.closed
  }

  /**
   * @param limitsBehindSdk given when records come from the official SDK, which counts `otel.sdk.log.created`: the limits that the SDK
   * does not apply
   * @param unit word for the records of the pipeline in messages
   */
  constructor(
    config: LogsConfig,
    transport: RetryingTransport,
    limitsBehindSdk?: ValueLimits,
    unit?: RecordUnit,
  ) {
    const isBehindSdk = limitsBehindSdk !== undefined
    this.config = config
    this.limits = limitsBehindSdk ?? config.limits
    const batchBytes = config.exporter && takesLines(config.exporter) ? LINE_BATCH_BYTES : BATCH_BYTES
    this.maxBatchBytes = Math.min(batchBytes, config.maxQueueBytes * BATCH_SHARE)
    this.maxBatchRecords = config.maxExportBatchSize ?? Infinity
    this.open = new OpenBatch(this.maxBatchBytes)
    this.counters = new PipelineCounters(config.onDrop, unit)
    this.stopWatchingThreads = watchLostRecords((count) => this.counters.dropWithThread(count))
    const { meterProvider, maxQueueSize, exporter } = config
    const onExport =
      meterProvider &&
      exporter &&
      observePipeline(meterProvider, { exporter, maxQueueSize }, this.counters, isBehindSdk)
    const limits = { bytes: this.maxBatchBytes, records: this.maxBatchRecords }
    const spool = config.spool && openSpool(config.spool)
    this.spooledQueue = spool && new SpooledQueue(transport, this.counters, spool, onExport, limits)
    this.queue =
      this.spooledQueue ?? new SendingQueue(transport, this.counters, new MemoryStore(limits), onExport)
  }

  /** Encodes one record into the open batch. Later changes of the record's objects have no effect. */
  write(scope: EncodedScope, record: EncodableRecord): void {
    const { open, config, counters } = this
    if (this.closed) return counters.dropOne('already_shutdown', record.severityNumber)
    if (!this.hasRoomFor(record.severityNumber)) return counters.dropOne('queue_full', record.severityNumber)
    // A getter or toJSON of the record that is being encoded has logged: its bytes would land amid that record.
    if (this.isEncoding) return counters.dropOne('reentrant', record.severityNumber)
    if (!open.hasRoomFor(scope, record.body)) this.seal()
    let size: number
    this.isEncoding = true
    try {
      size = open.add(scope, record, this.limits, config.recordUid ? uidFor(record) : undefined)
    } catch (error) {
      // Only a record that no request can hold makes the encoder throw.
      return counters.dropOne('too_large', record.severityNumber, error)
    } finally {
      this.isEncoding = false
    }
    if (size > MAX_RECORD_BYTES) {
      open.removeLast(size)
      return counters.dropOne('too_large', record.severityNumber)
    }
    counters.accept()
    if (
      open.bytes + this.delayedBytes >= this.maxBatchBytes ||
      open.count + this.delayedRecords >= this.maxBatchRecords
    )
      this.seal()
    else if (!this.areTimersRunning) this.startTimers()
  }

  /**
   * Takes a request that another program has made, with its own resources and scopes. The caller may reuse its bytes.
   *
   * @param count number of records in the request, 1 or more
   */
  forward(request: Uint8Array, count: number): void {
    const reason = this.closed ? 'already_shutdown' : this.hasRoomFor(0) ? undefined : 'queue_full'
    if (reason !== undefined) return this.counters.dropAll(reason, request, count)
    this.counters.acceptAll(count)
    const { forwarded } = this
    forwarded.add(request, count)
    const isFull = forwarded.bytes >= this.maxBatchBytes || forwarded.count >= this.maxBatchRecords
    if (isFull) this.sealUnlessEncoding()
    else if (!this.areTimersRunning) this.startTimers()
  }

  /** Counts a record that a processor of the application emitted on each record, recursively. */
  dropReentrant(severityNumber: number): void {
    this.counters.dropOne('reentrant', severityNumber)
  }

  /** True when unsent records may be in a spool. */
  get hasSpool(): boolean {
    return this.spooledQueue !== undefined
  }

  /** Word for one record, in messages. */
  get unit(): RecordUnit {
    return this.counters.unit
  }

  /** Number of records that `announceLoss` counted. */
  get announcedLoss(): number {
    return this.counters.announcedLoss
  }

  /** Notes that a line has named the number of unsent records, so that no other line reports that number of dropped records. */
  announceLoss(): void {
    this.counters.announceLoss()
  }

  stats(): LogsStats {
    return this.counters.stats(this.bytes)
  }

  /**
   * Sends all records that were written before the call. Unsent records stay in the queue after the timeout.
   *
   * @param limit default: `exportTimeoutMillis`
   * @returns a promise that never rejects
   * @throws LogbridgeError `INVALID_OPTION`
   */
  forceFlush(limit?: TimeLimit): Promise<void> {
    return this.flush(limitMillis(limit, this.config.flushTimeoutMillis))
  }

  /**
   * Waits until each record that was written before the call is in the spool, or has the final answer of the receiver.
   *
   * @returns a promise of false when the shutdown has ended the wait; never rejects
   */
  acknowledged(): Promise<boolean> {
    if (this.open.count + this.forwarded.count === 0) return this.queue.acknowledged()
    this.openAcknowledged ??= Promise.withResolvers()
    return this.openAcknowledged.promise
  }

  /**
   * Flushes, then ends. Records that are unsent at the deadline stay in the spool for the next process, or count as
   * `shutdown_timeout`. Records written later count as `already_shutdown`.
   *
   * @param limit default 3000
   * @returns the same promise for each call; never rejects
   */
  shutdown(limit?: TimeLimit): Promise<void> {
    return this.ending.begin(limit)
  }

  /**
   * Writes unsent records to the spool before it returns, because the process may be about to end. Does nothing without a spool.
   *
   * @returns the number of records in the spool
   */
  spillSync(): number {
    this.sealUnlessEncoding()
    this.spooledQueue?.spillSync()
    return this.counters.spooled
  }

  /** Writes unsent records to the spool, and returns the unsent requests in memory, for a thread that is about to end. */
  unsent(): UnsentRequest[] {
    this.sealUnlessEncoding()
    this.spooledQueue?.spillSync()
    return this.queue.unsent()
  }

  /** Writes unsent records to the spool, and reports drops, because the process ends. Records written later count as `already_shutdown`. */
  end(): void {
    this.sealUnlessEncoding()
    this.closed = true
    this.spooledQueue?.endSync()
    this.stopWatchingThreads()
    this.counters.end()
  }

  private async flush(timeoutMillis: number): Promise<void> {
    if (this.isEncoding) await afterRecord()
    this.seal()
    await this.queue.flush(timeoutMillis)
  }

  private async close(timeoutMillis: number): Promise<void> {
    if (this.isEncoding) await afterRecord()
    this.seal()
    this.closed = true
    await this.queue.close(timeoutMillis)
    this.open.pool.close()
    this.stopWatchingThreads()
    this.counters.end()
  }

  /** Memory of all records in bytes. */
  private get bytes(): number {
    return this.open.bytes + this.forwarded.bytes + this.queue.bytes
  }

  /** Tells if the caps leave room for a record: above 80 % for WARN and worse only. */
  private hasRoomFor(severityNumber: number): boolean {
    const { maxQueueBytes, maxQueueSize } = this.config
    const share = severityNumber >= WARN ? 1 : LOW_SEVERITY_SHARE
    const { open, bytes } = this
    // Memory of free buffers makes room for records.
    if (bytes + open.pool.spareBytes + this.maxBatchBytes >= maxQueueBytes) open.pool.releaseSpare()
    if (bytes >= maxQueueBytes * share) return false
    if (maxQueueSize === undefined) return true
    const { queued, inFlight, spooled } = this.counters
    return queued + inFlight - spooled < maxQueueSize * share
  }

  private startTimers(): void {
    const { spool, scheduledDelayMillis } = this.config
    this.areTimersRunning = true
    withSuppressedTelemetry(() => {
      this.delayTimer ??= unref(timers.setTimeout(() => this.seal(), scheduledDelayMillis))
      if (spool && scheduledDelayMillis > SPOOL_DELAY_MILLIS)
        this.spoolTimer = unref(timers.setTimeout(() => this.spoolEarly(), SPOOL_DELAY_MILLIS))
    })
  }

  /** Seals the open batch for the spool before its scheduled delay is over. The batch is sent after the delay, joined with later batches. */
  private spoolEarly(): void {
    this.spoolTimer = undefined
    this.areTimersRunning = false
    // A getter of the record can run a nested event loop, and so this timer.
    if (this.isEncoding) return
    const batches = this.sealed()
    if (batches.length === 0) return
    for (const batch of batches) {
      this.delayedBytes += batch.body.length
      this.delayedRecords += batch.count
      this.spooledQueue?.addDelayed(batch)
    }
    this.onSealed()
    if (this.delayedBytes >= this.maxBatchBytes) this.seal()
  }

  private sealUnlessEncoding(): void {
    // While a record is being encoded, the open batch ends amid that record.
    if (!this.isEncoding) this.seal()
  }

  /** Seals the open batch and queues it. */
  private seal(): void {
    timers.clearTimeout(this.delayTimer)
    timers.clearTimeout(this.spoolTimer)
    this.delayTimer = undefined
    this.spoolTimer = undefined
    this.areTimersRunning = false
    const batches = this.sealed()
    for (const batch of batches) this.queue.add(batch)
    if (batches.length === 0 && this.delayedRecords > 0) this.queue.send()
    this.onSealed()
    this.delayedBytes = 0
    this.delayedRecords = 0
  }

  private sealed(): Batch[] {
    return [this.forwarded.seal(), this.open.seal()].filter((batch) => batch !== undefined)
  }

  private onSealed(): void {
    this.openAcknowledged?.resolve(this.queue.acknowledged())
    this.openAcknowledged = undefined
  }
}

/** Resolves after the record that is being encoded, whose getter or toJSON has called, because a batch must not end amid a record. */
const afterRecord = (): Promise<void> => Promise.resolve()

/**
 * Returns a random `log.record.uid`, or `undefined` when the application has set that attribute.
 * https://opentelemetry.io/docs/specs/semconv/registry/attributes/log/
 */
function uidFor({ attributes }: EncodableRecord): string | undefined {
  try {
    if (
      attributes &&
      Object.hasOwn(attributes, UID_ATTRIBUTE) &&
      !isOmitted(safeGet(attributes, UID_ATTRIBUTE))
    )
      return undefined
  } catch {
    // A trap of a Proxy has thrown.
  }
  return randomUUID()
}
