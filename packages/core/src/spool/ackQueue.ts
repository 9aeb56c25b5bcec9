import { timers, unref } from '@logbridge/bridge/internal'
import { withSuppressedTelemetry } from '../transport/suppressed.ts'
import type { DiskQuota } from './diskQuota.ts'
import type { EntryLocation, Segment } from './segment.ts'
import type { Writer } from './writer.ts'

/** Interval at which acks are written to segments that still have pending entries. */
const ACK_INTERVAL_MILLIS = 100

/** Acks to write, and segments to remove because all their entries are acknowledged. */
export class AckQueue {
  private readonly quota: DiskQuota
  private readonly writer: Writer
  private readonly onDue: () => void
  /** Segments without pending entries, to be removed. */
  private readonly done = new Set<Segment>()
  /** Segments whose removal failed. */
  private readonly unremovable = new Set<Segment>()
  /** Segments with pending entries and unwritten acks. */
  private readonly unwritten = new Set<Segment>()
  private timer: NodeJS.Timeout | undefined
  private areAcksDue = false
  private isClosed = false

  /** @param onDue is called when `removeSegments` or `writeAcks` has work */
  constructor(quota: DiskQuota, writer: Writer, onDue: () => void) {
    this.quota = quota
    this.writer = writer
    this.onDue = onDue
  }

  /** True when segments are to be removed or acks to be written now. */
  get isDue(): boolean {
    return this.done.size > 0 || this.areAcksDue
  }

  /** Acknowledges an entry. */
  add(entry: EntryLocation): void {
    const { segment } = entry
    const isLast = segment.ack(entry)
    if (isLast === undefined) return
    if (!isLast) return this.schedule(segment)
    this.done.add(segment)
    this.onDue()
  }

  /** Makes all acks due. */
  flush(): void {
    timers.clearTimeout(this.timer)
    this.timer = undefined
    this.areAcksDue = true
    this.onDue()
  }

  /** Makes later acks due at once, and stops the timer. */
  close(): void {
    this.isClosed = true
    timers.clearTimeout(this.timer)
  }

  /** Makes the segments due whose removal failed. */
  retryRemoval(): void {
    if (this.unremovable.size === 0) return
    for (const segment of this.unremovable) this.done.add(segment)
    this.unremovable.clear()
    this.onDue()
  }

  /** Removes the segments without pending entries. */
  async removeSegments(): Promise<void> {
    for (const segment of this.done) {
      this.done.delete(segment)
      // Requests may have been appended meanwhile.
      if (segment.pendingEntries > 0) this.schedule(segment)
      else if (this.writer.isActive(segment)) await this.writer.rotate()
      else await this.quota.remove(segment).catch((error: unknown) => this.onRemovalFailed(segment, error))
    }
  }

  /** Writes the acks of segments with pending entries. */
  async writeAcks(): Promise<void> {
    if (!this.areAcksDue) return
    this.areAcksDue = false
    for (const segment of this.unwritten) {
      this.unwritten.delete(segment)
      if (segment.pendingEntries > 0) await this.writer.writeAcks(segment)
    }
  }

  /** Removes a segment or writes its acks, synchronously. Ignores errors, because they cause duplicates only. */
  finishSync(segment: Segment): void {
    try {
      if (segment.pendingEntries === 0) this.quota.removeSync(segment)
      else if (segment.unwrittenAcks > 0) this.writer.writeAcksSync(segment)
    } catch {
      // Ignored: the next process sends the acknowledged entries again.
    }
  }

  private schedule(segment: Segment): void {
    this.unwritten.add(segment)
    if (this.isClosed) this.flush()
    else {
      this.timer ??= withSuppressedTelemetry(() =>
        unref(timers.setTimeout(() => this.flush(), ACK_INTERVAL_MILLIS)),
      )
    }
  }

  /** Writes the acks to the segment that stays, so that the next process sends none of its entries. */
  private async onRemovalFailed(segment: Segment, error: unknown): Promise<void> {
    this.quota.warnOfWrite(error)
    this.unremovable.add(segment)
    if (segment.unwrittenAcks > 0) await this.writer.writeAcks(segment)
  }
}
