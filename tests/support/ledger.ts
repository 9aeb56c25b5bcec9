/** Checks the arrival of records by their number, which is the body of each record, from 0. */
export interface Ledger {
  /** Adds OTLP/JSON that the Collector forwarded. */
  take(resourceLogs: any[]): void
  /** Adds one record. */
  add(number: number): void
  /** Returns the number of different records. */
  arrived(): number
  /** Returns the number of records that arrived again. */
  duplicates(): number
  /** Returns up to ten numbers from `start` to `end` that have not arrived. */
  missing(end: number, start?: number): number[]
}

export function createLedger(): Ledger {
  let times = new Uint8Array(1 << 16)
  let arrived = 0
  let duplicates = 0

  function add(number: number): void {
    if (number >= times.length) {
      const longer = new Uint8Array(Math.max(times.length * 2, number + 1))
      longer.set(times)
      times = longer
    }
    if (times[number] === 0) arrived += 1
    else duplicates += 1
    times[number] = 1
  }

  return {
    add,
    take(resourceLogs) {
      for (const { scopeLogs } of resourceLogs) {
        for (const { logRecords } of scopeLogs) {
          for (const { body } of logRecords) add(Number(body.intValue))
        }
      }
    },
    arrived: () => arrived,
    duplicates: () => duplicates,
    missing(end, start = 0) {
      const missing: number[] = []
      for (let number = start; number < end && missing.length < 10; number += 1) {
        if (times[number] !== 1) missing.push(number)
      }
      return missing
    },
  }
}
