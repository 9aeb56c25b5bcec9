/** Checks off records by their number: the body of each, from 0 on. */
export interface Ledger {
  /** Takes OTLP/JSON, as the Collector forwards it. */
  take(resourceLogs: any[]): void
  /** How many different numbers have arrived. */
  arrived(): number
  /** How many records arrived that had arrived before. */
  duplicates(): number
  /** Numbers below `end` that have not arrived, at most ten: enough to look into it. */
  missing(end: number, start?: number): number[]
}

export function createLedger(): Ledger {
  let times = new Uint8Array(1 << 16)
  let arrived = 0
  let duplicates = 0

  function check(number: number): void {
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
    take(resourceLogs) {
      for (const { scopeLogs } of resourceLogs) {
        for (const { logRecords } of scopeLogs) {
          for (const { body } of logRecords) check(Number(body.intValue))
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
