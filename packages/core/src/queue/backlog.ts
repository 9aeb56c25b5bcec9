import type { RequestLimits, Spool } from '../spool/types.ts'
import { type QueuedRequest, createQueuedRequest, chunksOf } from './queuedRequest.ts'
import { Fifo } from './fifo.ts'
import { severitiesOf } from '../otlp/logsRequest.ts'

/** Memory for batches that are on disk as well: two requests. */
const HELD_BYTES = 1024 * 1024
const ERROR = 17

/**
 * Chooses what is sent next. Memory and disk take turns; each goes oldest first. So new batches do not wait behind a
 * backlog. Small ones are joined to one request.
 */
export class Backlog {
  private readonly spool: Spool | undefined
  private readonly limits: RequestLimits
  private readonly waiting = new Fifo<QueuedRequest>()
  /** Severe batches, and those that wait for the scheduled delay, kept in memory although they are on disk. */
  private readonly held = new Fifo<QueuedRequest>()
  private heldBytes = 0
  private wasFromDisk = false

  constructor(spool: Spool | undefined, limits: RequestLimits) {
    this.spool = spool
    this.limits = limits
  }

  get isEmpty(): boolean {
    return this.waiting.first === undefined && this.held.first === undefined && this.onDisk === 0
  }

  /** Entries that wait on disk alone. */
  get onDisk(): number {
    return this.spool?.waiting ?? 0
  }

  add(queuedRequest: QueuedRequest): void {
    this.waiting.add(queuedRequest)
  }

  /**
   * One has come to lie on disk.
   * @returns those that wait on disk alone from now on
   */
  onSpooled(queuedRequest: QueuedRequest): QueuedRequest[] {
    // It is being sent already.
    if (!this.waiting.has(queuedRequest)) return []
    this.waiting.delete(queuedRequest)
    if (!queuedRequest.isDelayed && !isSevere(queuedRequest)) return [queuedRequest]
    this.held.add(queuedRequest)
    this.heldBytes += queuedRequest.bytes
    const released: QueuedRequest[] = []
    while (this.heldBytes > HELD_BYTES) released.push(this.takeHeld(this.held.first!))
    return released
  }

  /** Takes what goes into the next request; nothing where nothing waits, or where the disk does not give it now. */
  take(): QueuedRequest[] {
    const hasMemory = (this.waiting.first ?? this.held.first) !== undefined
    if (this.onDisk > 0 && !(hasMemory && this.wasFromDisk)) {
      const taken = this.spool!.take(this.limits)
      this.wasFromDisk = taken.length > 0
      if (this.wasFromDisk)
        return taken.map((entry) => createQueuedRequest(entry.sequence, entry.count, { entry }))
    }
    this.wasFromDisk = false
    return this.takeFromMemory()
  }

  /** Takes nothing more from memory. */
  clear(): void {
    this.waiting.clear()
    this.held.clear()
  }

  private takeFromMemory(): QueuedRequest[] {
    const taken: QueuedRequest[] = []
    let { bytes, records } = this.limits
    for (;;) {
      const held = this.held.first
      const next = held ?? this.waiting.first
      if (next === undefined) return taken
      bytes -= next.bytes
      records -= next.count
      const isAlone = next.batch?.resource.ready !== undefined
      if (taken.length > 0 && (isAlone || bytes < 0 || records < 0)) return taken
      if (held) this.takeHeld(held)
      else this.waiting.delete(next)
      taken.push(next)
      if (isAlone) return taken
    }
  }

  private takeHeld(queuedRequest: QueuedRequest): QueuedRequest {
    this.held.delete(queuedRequest)
    this.heldBytes -= queuedRequest.bytes
    return queuedRequest
  }
}

function isSevere(queuedRequest: QueuedRequest): boolean {
  for (const { bytes: request } of chunksOf(queuedRequest)) {
    for (const severityNumber of severitiesOf(request).keys()) if (severityNumber >= ERROR) return true
  }
  return false
}
