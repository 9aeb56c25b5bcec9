import { randomUUID } from 'node:crypto'
import { safeGet } from '@logbridge/bridge'
import { END_TIMEOUT_MILLIS, isOmitted, timers, unref, type ValueLimits } from '@logbridge/bridge/internal'
import type { LogsConfig } from '../config/config.ts'
import type { ExportTransport } from '../transport/createTransport.ts'
import { withSuppressedTelemetry } from '../transport/suppressed.ts'
import type { Transport } from '../transport/transport.ts'
import { limitMillis } from '../process/timers.ts'
import type { ExitSource, UnsentRequest } from '../process/exitFlush.ts'
import { watchThreads } from '../process/threadRecords.ts'
import { openSpool } from '../spool/spool.ts'
import { PipelineCounters } from '../queue/counters.ts'
import { BATCH_BYTES, type EncodedScope, OpenBatch } from '../otlp/openBatch.ts'
import { SendingQueue } from '../queue/sendingQueue.ts'
import type { EncodableRecord } from '../otlp/recordEncoder.ts'
import { observePipeline } from './metrics.ts'
import { MAX_RECORD_BYTES } from '../otlp/protobufWriter.ts'
import type { LogsStats } from '../queue/stats.ts'

/** Share of the byte cap that a batch may take: where a spool keeps what waits, memory holds those in flight and the open one. */
const BATCH_SHARE = 1 / 8
/** From this share of a cap on, records below WARN are refused, so that what matters still finds room. */
const LOW_SEVERITY_SHARE = 0.8
const WARN = 13
/** Delay before records are written to the spool: half of the 100 ms that a crash may cost; the other half is for the disk. */
const STORE_DELAY_MILLIS = 50
const UID = 'log.record.uid'

/**
 * From records to the receiver: encodes at the call, fills batches, has them sent, and keeps the counters. Bounded in
 * bytes, and in records where the user asks for it.
 */
export class LogPipeline {
  private readonly config: LogsConfig
  private readonly limits: ValueLimits
  private readonly open: OpenBatch
  private readonly counters: PipelineCounters
  private readonly queue: SendingQueue
  private readonly stopWatching: () => void
  private readonly batchBytes: number
  private readonly batchRecords: number
  private delayTimer: NodeJS.Timeout | undefined
  /** With a spool only. */
  private storeTimer: NodeJS.Timeout | undefined
  /** Whether each timer that the open batch needs is running. */
  private timed = false
  /** Bytes and records that are in the spool or on their way there, and wait for the scheduled delay. */
  private storedBytes = 0
  private storedCount = 0
  private writing = false
  private closing: Promise<void> | undefined
  private closed = false

  /** @param isBehindSdk the official SDK hands records over: it has applied its limits, and counts what is created */
  constructor(config: LogsConfig, transport: Transport, isBehindSdk = false) {
    this.config = config
    this.limits = isBehindSdk ? {} : config.limits
    this.batchBytes = Math.min(BATCH_BYTES, config.maxQueueBytes * BATCH_SHARE)
    this.batchRecords = config.maxExportBatchSize ?? Infinity
    this.open = new OpenBatch(this.batchBytes)
    this.counters = new PipelineCounters(config.onDrop)
    this.stopWatching = watchThreads((count) => this.counters.dropWithThread(count))
    const { meterProvider, maxQueueSize, exporter } = config
    const onExport =
      meterProvider &&
      exporter &&
      observePipeline(meterProvider, { exporter, maxQueueSize }, this.counters, isBehindSdk)
    const spool = config.spool && openSpool(config.spool)
    this.queue = new SendingQueue(transport, this.counters, spool, onExport, {
      bytes: this.batchBytes,
      records: this.batchRecords,
    })
  }

  /** Takes one record: when this returns, everything of it has been copied. */
  write(scope: EncodedScope, record: EncodableRecord): void {
    const { open, config, counters } = this
    if (this.closed) return counters.dropOne('shutdown', record.severityNumber)
    if (!this.admits(record.severityNumber)) return counters.dropOne('queue_full', record.severityNumber)
    // A getter or toJSON among the values that are being written has logged: its bytes would land amid theirs.
    if (this.writing) return counters.dropOne('reentrant', record.severityNumber)
    if (!open.hasRoomFor(scope)) this.seal()
    let size: number
    this.writing = true
    try {
      size = open.add(scope, record, this.limits, config.recordUid ? uidFor(record) : undefined)
    } catch (error) {
      // Encoding is total; what is left is a record that no request can hold.
      return counters.dropOne('too_large', record.severityNumber, error)
    } finally {
      this.writing = false
    }
    if (size > MAX_RECORD_BYTES) {
      open.removeLast(size)
      return counters.dropOne('too_large', record.severityNumber)
    }
    counters.accept()
    if (
      open.bytes + this.storedBytes >= this.batchBytes ||
      open.count + this.storedCount >= this.batchRecords
    )
      this.seal()
    else if (!this.timed) this.startTimers()
  }

  /** Counts a record that a processor of the application has logged on each record, again and again. */
  refuseNested(severityNumber: number): void {
    this.counters.dropOne('reentrant', severityNumber)
  }

  stats(): LogsStats {
    return this.counters.stats(this.open.bytes + this.queue.bytes)
  }

  /**
   * Sends everything that was written before the call. Resolves, never rejects, when all of it is settled or the time
   * is up; what is left then stays in the queue.
   * @param timeoutMillis default: `exportTimeoutMillis`
   */
  async forceFlush(timeoutMillis?: number): Promise<void> {
    if (this.writing) await afterRecord()
    this.seal()
    await this.queue.flush(limitMillis(timeoutMillis, this.config.exportTimeoutMillis))
  }

  /**
   * Flushes, then ends: what could not be sent in time stays in the spool for the next process, or is counted as
   * dropped, and so is what comes later. A second call gives the promise of the first.
   * @param timeoutMillis default 3000
   */
  shutdown(timeoutMillis?: number): Promise<void> {
    this.closing ??= this.close(limitMillis(timeoutMillis, END_TIMEOUT_MILLIS))
    return this.closing
  }

  /**
   * Writes what is not yet sent to the spool, at once: the process may be about to die. Nothing without a spool.
   * @returns how many records are in the spool now
   */
  spillSync(): number {
    this.sealAtOnce()
    this.queue.spillSync()
    return this.counters.spooled
  }

  /** Writes what is not yet sent to the spool, at once, and gives what of it is in memory. For a thread that is about to end. */
  unsent(): UnsentRequest[] {
    this.sealAtOnce()
    this.queue.spillSync()
    return this.queue.unsent()
  }

  /** The process ends: writes what is not yet sent to the spool, and tells of what was lost. What comes later is lost, and said. */
  end(): void {
    this.sealAtOnce()
    this.closed = true
    this.queue.endSync()
    this.stopWatching()
    this.counters.end()
  }

  private async close(timeoutMillis: number): Promise<void> {
    if (this.writing) await afterRecord()
    this.seal()
    this.closed = true
    await this.queue.close(timeoutMillis)
    this.stopWatching()
    this.counters.end()
  }

  /** Whether the caps leave room: above 80 % only for WARN and worse. */
  private admits(severityNumber: number): boolean {
    const { maxQueueBytes, maxQueueSize } = this.config
    const share = severityNumber >= WARN ? 1 : LOW_SEVERITY_SHARE
    if (this.open.bytes + this.queue.bytes >= maxQueueBytes * share) return false
    if (maxQueueSize === undefined) return true
    const { queued, inFlight, spooled } = this.counters
    return queued + inFlight - spooled < maxQueueSize * share
  }

  private startTimers(): void {
    const { spool, scheduledDelayMillis } = this.config
    this.timed = true
    withSuppressedTelemetry(() => {
      this.delayTimer ??= unref(timers.setTimeout(() => this.seal(), scheduledDelayMillis))
      if (spool && scheduledDelayMillis > STORE_DELAY_MILLIS)
        this.storeTimer = unref(timers.setTimeout(() => this.store(), STORE_DELAY_MILLIS))
    })
  }

  /** Closes the open batch and has it stored. It is sent with what comes until the scheduled delay is over. */
  private store(): void {
    this.storeTimer = undefined
    this.timed = false
    // A getter that is being read cannot be interrupted by a timer, but may run an event loop of its own.
    if (this.writing) return
    const batch = this.open.seal()
    if (batch === undefined) return
    this.storedBytes += batch.body.length
    this.storedCount += batch.count
    this.queue.addDelayed(batch)
    if (this.storedBytes >= this.batchBytes) this.seal()
  }

  private sealAtOnce(): void {
    // The getter that is being read has thrown beyond everything: the batch ends in the midst of a record.
    if (!this.writing) this.seal()
  }

  /** Closes the open batch and hands it on. */
  private seal(): void {
    timers.clearTimeout(this.delayTimer)
    timers.clearTimeout(this.storeTimer)
    this.delayTimer = undefined
    this.storeTimer = undefined
    this.timed = false
    const batch = this.open.seal()
    if (batch) this.queue.add(batch)
    else if (this.storedCount > 0) this.queue.send()
    this.storedBytes = 0
    this.storedCount = 0
  }
}

/** What an exit flush takes from a pipeline and its transport. */
export function exitSource(
  pipeline: LogPipeline,
  transport: Pick<ExportTransport, 'prepareExit' | 'exitTarget'>,
): ExitSource {
  return {
    signal: 'logs',
    prepare: () => transport.prepareExit(),
    target: () => transport.exitTarget(),
    unsent: () => pipeline.unsent(),
  }
}

/** A getter or toJSON among the values of a record has called: its batch must not end in the midst of it. */
const afterRecord = (): Promise<void> => Promise.resolve()

/** Random; none where the application has given the record one. https://opentelemetry.io/docs/specs/semconv/registry/attributes/log/ */
function uidFor({ attributes }: EncodableRecord): string | undefined {
  try {
    if (attributes && Object.hasOwn(attributes, UID) && !isOmitted(safeGet(attributes, UID))) return undefined
  } catch {
    // A Proxy whose trap has thrown.
  }
  return randomUUID()
}
