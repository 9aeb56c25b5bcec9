import type { Entry, Segment } from './segment.ts'
import type { RequestLimits } from './types.ts'

/** The entries that wait on disk: those of processes that are gone come before one's own. */
export class WaitingEntries {
  count = 0
  private readonly recovered = new Set<Segment>()
  private readonly own = new Set<Segment>()

  park(entry: Entry, number: number): void {
    if (entry.segment.park(entry, number)) this.add(entry.segment, 1)
  }

  /** Adds entries that wait in their segment already. */
  add(segment: Segment, entries: number): void {
    this.count += entries
    const segments = segment.isRecovered ? this.recovered : this.own
    segments.add(segment)
  }

  /**
   * Takes in what has been recovered.
   * @param found called with how much that is; gives the number that all of it has
   */
  recover(segments: readonly Segment[], found: (entries: number, records: number) => number): void {
    let entries = 0
    let records = 0
    for (const { table } of segments) {
      entries += table.length
      for (let index = 0; index < table.length; index += 1) records += table.count(index)
    }
    if (entries === 0) return
    const number = found(entries, records)
    for (const segment of segments) {
      segment.recover(number)
      this.add(segment, segment.waiting)
    }
  }

  /** Takes as many as fit into one request, oldest first. */
  take({ bytes, records }: RequestLimits): Entry[] {
    const taken: Entry[] = []
    const room = { bytes, records }
    let isFull = false
    for (const segments of [this.recovered, this.own]) {
      for (const segment of segments) {
        if (isFull) break
        isFull = !segment.take(taken, room)
        if (segment.waiting + segment.aside === 0) segments.delete(segment)
      }
    }
    this.count -= taken.length
    return taken
  }
}
