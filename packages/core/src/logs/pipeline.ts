import { diagnose, type ValueLimits } from '@logbridge/bridge'
import type { LogsConfig } from '../config/config.ts'
import { quietly } from '../delivery/quiet.ts'
import type { ExportOutcome, Transport } from '../delivery/transport.ts'
import { within } from '../lifecycle.ts'
import { type Batch, type EncodedScope, encodeRequest, OpenBatch, splitBatch } from './batch.ts'
import type { EncodableRecord } from './encode.ts'
import type { DropReason, LogsStats } from './stats.ts'

/** A batch is sent when it holds this much, well under the 4 MiB that gRPC receivers take by default. */
const BATCH_BYTES = 512 * 1024
/** A record larger than this fits into no request. */
const MAX_RECORD_BYTES = 4 * 1024 * 1024 - 64 * 1024
const MAX_CONCURRENT_EXPORTS = 4
/** From this share of a cap on, records below WARN are refused, so that what matters still finds room. */
const LOW_SEVERITY_SHARE = 0.8
const WARN = 13

/** A sealed batch, and a promise for the moment when its fate is known. */
interface Consignment {
  readonly batch: Batch
  readonly settled: Promise<void>
  readonly settle: () => void
}

/**
 * From records to the receiver: encodes at the call, fills batches, sends them, and keeps the account. Bounded in
 * bytes, and in records where the user asks for it.
 */
export class LogPipeline {
  private readonly config: LogsConfig
  private readonly transport: Transport
  private readonly limits: ValueLimits
  private readonly open = new OpenBatch()
  private readonly waiting: Consignment[] = []
  /** Those waiting and those in flight. */
  private readonly unsettled = new Set<Consignment>()
  private readonly abort = new AbortController()
  private exports = 0
  private delayTimer: NodeJS.Timeout | undefined
  private pumpScheduled = false
  private writing = false
  private closing: Promise<void> | undefined
  private closed = false

  private created = 0
  private delivered = 0
  private rejected = 0
  private readonly dropped: Partial<Record<DropReason, number>> = {}
  private waitingCount = 0
  private inFlight = 0
  /** Bytes of the batches that wait and of those in flight. */
  private sealedBytes = 0

  /** @param limits default: those of `config` */
  constructor(config: LogsConfig, transport: Transport, limits: ValueLimits = config.limits) {
    this.config = config
    this.transport = transport
    this.limits = limits
  }

  /** Takes one record: when this returns, everything of it has been copied. */
  write(scope: EncodedScope, record: EncodableRecord): void {
    this.created += 1
    if (this.closed) return this.drop('shutdown', 1)
    if (!this.admits(record.severityNumber)) return this.drop('queue-full', 1)
    // A getter or toJSON among the values that are being written has logged: its bytes would land amid theirs.
    if (this.writing) return this.drop('nested', 1)
    const { open, config } = this
    if (!open.takes(scope)) this.seal()
    let size: number
    this.writing = true
    try {
      size = open.add(scope, record, this.limits)
    } catch (error) {
      // Encoding is total; what is left is a text that no buffer can hold.
      return this.drop('too-large', 1, error)
    } finally {
      this.writing = false
    }
    if (size > MAX_RECORD_BYTES) {
      open.removeLast(size)
      return this.drop('too-large', 1)
    }
    if (open.bytes >= BATCH_BYTES || open.count === config.maxExportBatchSize) this.seal()
    else if (this.delayTimer === undefined) this.startDelay()
  }

  stats(): LogsStats {
    return {
      created: this.created,
      delivered: this.delivered,
      rejected: this.rejected,
      dropped: { ...this.dropped },
      queued: this.open.count + this.waitingCount,
      inFlight: this.inFlight,
      bytes: this.open.bytes + this.sealedBytes,
    }
  }

  /**
   * Sends everything that was written before the call. Resolves, never rejects, when all of it is settled or the time
   * is up; what is left then stays in the queue.
   * @param timeoutMillis default: `exportTimeoutMillis`
   */
  async forceFlush(timeoutMillis: number = this.config.exportTimeoutMillis): Promise<void> {
    this.seal()
    if (this.unsettled.size === 0) return
    const all = Array.from(this.unsettled, ({ settled }) => settled)
    quietly(() => this.pump())
    this.transport.wake()
    await within(timeoutMillis, all)
  }

  /**
   * Flushes, then ends: what could not be sent in time is counted as dropped, and so is what comes later. A second
   * call gives the promise of the first.
   * @param timeoutMillis default: `exportTimeoutMillis`
   */
  shutdown(timeoutMillis: number = this.config.exportTimeoutMillis): Promise<void> {
    this.closing ??= this.close(timeoutMillis)
    return this.closing
  }

  private async close(timeoutMillis: number): Promise<void> {
    const flushed = this.forceFlush(timeoutMillis)
    this.closed = true
    await flushed
    this.abort.abort()
    for (const { batch, settle } of this.waiting.splice(0)) {
      this.waitingCount -= batch.count
      this.sealedBytes -= batch.body.length
      this.drop('shutdown', batch.count)
      settle()
    }
    // Aborted attempts end at once; when they have, the account is final.
    await Promise.all(Array.from(this.unsettled, ({ settled }) => settled))
    this.transport.close()
  }

  /** Whether the caps leave room: above 80 % only for WARN and worse. */
  private admits(severityNumber: number): boolean {
    const { maxQueueBytes, maxQueueSize } = this.config
    const share = severityNumber >= WARN ? 1 : LOW_SEVERITY_SHARE
    if (this.open.bytes + this.sealedBytes >= maxQueueBytes * share) return false
    if (maxQueueSize === undefined) return true
    return this.open.count + this.waitingCount + this.inFlight < maxQueueSize * share
  }

  private startDelay(): void {
    quietly(() => {
      this.delayTimer = setTimeout(() => this.seal(), this.config.scheduledDelayMillis).unref()
    })
  }

  /** Closes the open batch and sees that it is sent soon: not within the application's log call. */
  private seal(): void {
    clearTimeout(this.delayTimer)
    this.delayTimer = undefined
    const batch = this.open.seal()
    if (batch === undefined) return
    let settle!: () => void
    const settled = new Promise<void>((resolve) => {
      settle = resolve
    })
    const consignment = { batch, settled, settle }
    this.waiting.push(consignment)
    this.unsettled.add(consignment)
    this.waitingCount += batch.count
    this.sealedBytes += batch.body.length
    if (this.pumpScheduled) return
    this.pumpScheduled = true
    quietly(() => setImmediate(() => this.pump()))
  }

  private pump(): void {
    this.pumpScheduled = false
    while (this.exports < MAX_CONCURRENT_EXPORTS && !this.abort.signal.aborted) {
      const consignment = this.waiting.shift()
      if (consignment === undefined) return
      void this.export(consignment)
    }
  }

  private async export(consignment: Consignment): Promise<void> {
    const { batch, settle } = consignment
    this.exports += 1
    this.waitingCount -= batch.count
    this.inFlight += batch.count
    if (batch.resource.ready) await unlessAborted(batch.resource.ready, this.abort.signal)
    await this.deliver(batch)
    this.sealedBytes -= batch.body.length
    this.exports -= 1
    this.unsettled.delete(consignment)
    settle()
    this.pump()
  }

  /** Sends a batch; one that the receiver finds too large goes in halves, down to the record that cannot go. */
  private async deliver(batch: Batch): Promise<void> {
    const { signal } = this.abort
    const outcome: ExportOutcome = signal.aborted
      ? { kind: 'retryable', reason: 'aborted' }
      : await this.transport.send(encodeRequest(batch), signal)
    if (outcome.kind === 'too-large' && batch.count > 1) {
      for (const half of splitBatch(batch)) await this.deliver(half)
      return
    }
    this.inFlight -= batch.count
    this.account(batch.count, outcome)
  }

  private account(count: number, outcome: ExportOutcome): void {
    switch (outcome.kind) {
      case 'delivered': {
        const rejected = Math.min(Math.max(outcome.rejected, 0), count)
        this.delivered += count - rejected
        this.rejected += rejected
        if (rejected > 0 || outcome.message) {
          diagnose('partial-success', `the receiver refused ${rejected} log records`, outcome.message)
        }
        return
      }
      case 'retryable':
        // It would be sent again, but the pipeline has been shut down.
        return this.drop('shutdown', count, outcome.reason)
      case 'too-large':
        return this.drop('too-large', count, outcome.reason)
      case 'failed':
        return this.drop('export-failed', count, outcome.reason)
    }
  }

  private drop(reason: DropReason, count: number, cause?: unknown): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + count
    diagnose(`drop-${reason}`, DROP_MESSAGES[reason], cause)
  }
}

/** Waits no longer than until the abort: what is waited for may never come. */
async function unlessAborted(ready: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>()
  const onAbort = (): void => aborted.resolve()
  signal.addEventListener('abort', onAbort)
  await Promise.race([ready, aborted.promise])
  signal.removeEventListener('abort', onAbort)
}

/** Said when the first record is lost for a reason; `stats()` has the numbers. */
const DROP_MESSAGES: Readonly<Record<DropReason, string>> = {
  'queue-full':
    'log records are being dropped because the queue is full: the receiver is slow or away, or maxQueueBytes (maxQueueSize) is too small',
  'too-large': 'a log record was dropped because it is too large for one request',
  nested:
    'a log record was dropped because a getter or toJSON of a value logged it while that value was being written',
  'export-failed': 'log records were dropped because the receiver refused them',
  shutdown: 'log records were dropped because logbridge was shut down before they could be sent',
}
