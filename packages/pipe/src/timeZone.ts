/** Converts the time of a clock on the wall, in seconds as if it were UTC, to seconds since the epoch. */
export type TimeZone = (wallSeconds: number) => number

/** Offsets of time zones change at the start of such a part of an hour. */
const QUARTER_SECONDS = 900
/** Number of quarters whose offsets are kept. The lines of a stream stand in the order of their times. */
const MAX_QUARTERS = 1000

/** Conversions by the names of their zones, because a formatter takes 50 kB, and each of a thousand files has a reader (`pnpm bench pipe-command`). */
const zones = new Map<string | undefined, TimeZone>()

/**
 * Returns the conversion for an IANA time zone. A time that the clock shows twice, when summer time ends, is the first of both. A time that the
 * clock skips counts with the offset before.
 *
 * @param name default: the machine's zone
 */
export function timeZoneOf(name?: string): TimeZone {
  let zone = zones.get(name)
  if (zone === undefined) zones.set(name, (zone = createTimeZone(name)))
  return zone
}

function createTimeZone(name: string | undefined): TimeZone {
  /** Made for the first time without an offset, because most lines have times with one. */
  let offsetAt: ((seconds: number) => number) | undefined
  const offsets = new Map<number, number>()
  return (wallSeconds) => {
    const quarter = Math.floor(wallSeconds / QUARTER_SECONDS)
    let offset = offsets.get(quarter)
    if (offset === undefined) {
      if (offsets.size >= MAX_QUARTERS) offsets.clear()
      offsetAt ??= createOffsets(name)
      offsets.set(quarter, (offset = findOffset(quarter * QUARTER_SECONDS, offsetAt)))
    }
    return wallSeconds - offset
  }
}

/** Finds the offset of a wall time. Offsets of a day before and after are the only candidates, the earlier first. */
function findOffset(wallSeconds: number, offsetAt: (seconds: number) => number): number {
  const before = offsetAt(wallSeconds - 86_400)
  if (offsetAt(wallSeconds - before) === before) return before
  const after = offsetAt(wallSeconds + 86_400)
  return offsetAt(wallSeconds - after) === after ? after : before
}

/** Creates a function that returns the offset from UTC in seconds at a time. */
function createOffsets(timeZone: string | undefined): (seconds: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  return (seconds) => {
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {}
    for (const { type, value } of format.formatToParts(seconds * 1000)) parts[type] = Number(value)
    const { year, month, day, hour, minute, second } = parts as Record<string, number>
    return Date.UTC(year!, month! - 1, day, hour, minute, second) / 1000 - seconds
  }
}
