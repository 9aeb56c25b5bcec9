import type { RequestLimits, Spool } from '../spool/types.ts'
import { type Consignment, consign, partsOf } from './queuedRequest.ts'
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
  private readonly waiting = new Fifo<Consignment>()
  /** Severe batches, and those that wait for the scheduled delay, kept in memory although they are on disk. */
  private readonly held = new Fifo<Consignment>()
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

  add(consignment: Consignment): void {
    this.waiting.add(consignment)
  }

  /**
   * One has come to lie on disk.
   * @returns those that wait on disk alone from now on
   */
  stored(consignment: Consignment): Consignment[] {
    // It is being sent already.
    if (!this.waiting.has(consignment)) return []
    this.waiting.delete(consignment)
    if (!consignment.isDelayed && !isSevere(consignment)) return [consignment]
    this.held.add(consignment)
    this.heldBytes += consignment.bytes
    const released: Consignment[] = []
    while (this.heldBytes > HELD_BYTES) released.push(this.takeHeld(this.held.first!))
    return released
  }

  /** Takes what goes into the next request; nothing where nothing waits, or where the disk does not give it now. */
  take(): Consignment[] {
    const hasMemory = (this.waiting.first ?? this.held.first) !== undefined
    if (this.onDisk > 0 && !(hasMemory && this.wasFromDisk)) {
      const taken = this.spool!.take(this.limits)
      this.wasFromDisk = taken.length > 0
      if (this.wasFromDisk) return taken.map((entry) => consign(entry.number, entry.count, { entry }))
    }
    this.wasFromDisk = false
    return this.takeFromMemory()
  }

  /** Takes nothing more from memory. */
  clear(): void {
    this.waiting.clear()
    this.held.clear()
  }

  private takeFromMemory(): Consignment[] {
    const taken: Consignment[] = []
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

  private takeHeld(consignment: Consignment): Consignment {
    this.held.delete(consignment)
    this.heldBytes -= consignment.bytes
    return consignment
  }
}

function isSevere(consignment: Consignment): boolean {
  for (const { request } of partsOf(consignment)) {
    for (const severityNumber of severitiesOf(request).keys()) if (severityNumber >= ERROR) return true
  }
  return false
}
