import type { EntryLocation, Segment } from './segment.ts'
import type { RequestLimits } from './types.ts'

/** Entries that wait on disk. Recovered entries are taken before those of this process. */
export class WaitingEntries {
  count = 0
  private readonly recovered = new Set<Segment>()
  private readonly own = new Set<Segment>()

  /** Lets a taken entry wait again, on disk alone. */
  park(entry: EntryLocation, sequence: number): void {
    if (entry.segment.park(entry, sequence)) this.add(entry.segment, 1)
  }

  /** Adds entries that their segment already lists as waiting. */
  add(segment: Segment, entries: number): void {
    this.count += entries
    const segments = segment.isRecovered ? this.recovered : this.own
    segments.add(segment)
  }

  /**
   * Adds all entries of recovered segments.
   * @param onRecovered is called with their number; returns the sequence that all of them get
   */
  recover(segments: readonly Segment[], onRecovered: (entries: number, records: number) => number): void {
    let entries = 0
    let records = 0
    for (const { table } of segments) {
      entries += table.length
      records += table.totalCount
    }
    if (entries === 0) return
    const sequence = onRecovered(entries, records)
    for (const segment of segments) {
      segment.recover(sequence)
      this.add(segment, segment.waiting)
    }
  }

  /** Takes as many entries as fit into one request, oldest first. */
  take({ bytes, records }: RequestLimits): EntryLocation[] {
    const taken: EntryLocation[] = []
    const remaining = { bytes, records }
    let isFull = false
    for (const segments of [this.recovered, this.own]) {
      for (const segment of segments) {
        if (isFull) break
        isFull = !segment.take(taken, remaining)
        if (segment.waiting + segment.deferred === 0) segments.delete(segment)
      }
    }
    this.count -= taken.length
    return taken
  }
}
