import types from 'node:util/types'
import { state } from './state.ts'
import type { HrTime } from './types.ts'

/** Decimals of the seconds, up to nine. Seconds follow a colon: `1.2.2024` has none. */
const FRACTION = /:\d\d[.,](\d{1,9})\d*/
/** Number of at least nine digits, so that a year or an hour is none: seconds since 1973, or a finer unit. */
const NUMBER = /^\d{9,}(?:\.\d+)?$/
const YEAR_FIRST = /^\d{4}[-/]\d/
const YEAR = /\b\d{4}\b/
const MONTH = /\b(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)/i
const TIME_OF_DAY = /\d:\d\d/
/** Format of `Date.prototype.toISOString`, which most loggers use. This test takes 0.2 us, the tests for other texts 0.8 us. */
const ISO_MILLIS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
/** Start of the minutes. A time zone stands behind them. */
const MINUTE = /:\d\d/
/** Time zone behind the minutes, in a form that Date.parse obeys. */
const ZONE = /\b(?:UTC?|GMT|[ECMP][DS]T)\b|\dZ|\bZ\b|[+-]\d/i
/** Greatest distance from the time of the call at which a text without a time zone counts as local time. */
const TOLERANCE_MILLIS = 1500
/** Bounds the time for a field `time`, which may hold any text. */
const MAX_TEXT_LENGTH = 100
/** End of OTLP's 64-bit nanoseconds, in July 2554. */
const END_OF_TIME = 2n ** 64n
const END_OF_TIME_MILLIS = Number(END_OF_TIME / 1_000_000n)

/**
 * Converts a point in time, in any form that logging libraries use, with a precision of up to nanoseconds:
 * - `Date`;
 * - number: seconds, milliseconds, microseconds, or nanoseconds since the epoch, distinguished by magnitude (a number under 1e11 is seconds until
 *   the year 5138; as milliseconds it would be before March 1973);
 * - bigint: nanoseconds since the epoch;
 * - string: ISO 8601 with up to nine decimals, another unambiguous date, or one of the numbers above;
 * - `[seconds, nanoseconds]`.
 *
 * A text without a time zone counts as local time, and only when it lies within 1.5 seconds of the log call, because its zone is
 * unknown: read in another zone, the text lies at least 15 minutes off.
 *
 * @param called time of the log call. Default: the current time
 * @returns `undefined` for any other value, and for times that OTLP cannot express (before 1970, after July 2554)
 */
export function toHrTime(value: unknown, called?: HrTime): HrTime | undefined {
  switch (typeof value) {
    case 'number':
      return fromNumber(value)
    case 'bigint':
      return fromNanos(value)
    case 'string':
      return fromString(value, called)
    case 'object':
      return value === null ? undefined : fromObject(value)
    default:
      return undefined
  }
}

/** Calls of one millisecond that `now` keeps in order. The next nanosecond belongs to the next millisecond. */
const MAX_CALLS = 999_999

/** Parts of the last millisecond, because computing them takes 3 ns: `pnpm bench bunyan`. */
let lastMillis = 0
let lastSeconds = 0
let lastNanos = 0

/**
 * Returns the wall-clock time in milliseconds, and in its nanoseconds the number of the call within the millisecond. Sorting
 * by it gives the order of the calls, for all copies of this package in a thread, as long as the clock does not go back.
 */
export function now(): HrTime {
  const { clock } = state
  const millis = Date.now()
  if (millis !== clock.millis) {
    clock.millis = millis
    clock.calls = 0
  } else if (clock.calls < MAX_CALLS) {
    clock.calls += 1
  }
  if (millis !== lastMillis) {
    lastMillis = millis
    lastSeconds = Math.floor(millis / 1000)
    lastNanos = (millis - lastSeconds * 1000) * 1e6
  }
  return [lastSeconds, lastNanos + clock.calls]
}

function fromNanos(nanos: bigint): HrTime | undefined {
  if (nanos < 0n || nanos >= END_OF_TIME) return undefined
  return [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)]
}

function fromMillis(millis: number): HrTime | undefined {
  if (!(millis >= 0 && millis < END_OF_TIME_MILLIS)) return undefined
  const seconds = Math.floor(millis / 1000)
  return [seconds, Math.min(Math.round((millis - seconds * 1000) * 1e6), 999_999_999)]
}

function fromMicros(micros: number): HrTime | undefined {
  if (!(micros >= 0 && micros < END_OF_TIME_MILLIS * 1e3)) return undefined
  const seconds = Math.floor(micros / 1e6)
  return [seconds, Math.round((micros - seconds * 1e6) * 1e3)]
}

function fromNumber(value: number): HrTime | undefined {
  // A double of seconds has a precision of microseconds.
  if (value < 1e11) return fromMicros(Math.round(value * 1e6))
  if (value < 1e14) return fromMillis(value)
  if (value < 1e17) return fromMicros(value)
  return value < 1e20 ? fromNanos(BigInt(Math.round(value))) : undefined
}

function fromString(value: string, called: HrTime | undefined): HrTime | undefined {
  if (value.length === 24 && ISO_MILLIS.test(value)) return fromMillis(Date.parse(value))
  const text = value.trim()
  if (text.length > MAX_TEXT_LENGTH) return undefined
  if (NUMBER.test(text)) return /^\d{18,}$/.test(text) ? fromNanos(BigInt(text)) : fromNumber(Number(text))
  if (!isDate(text)) return undefined
  // ISO 8601 allows a decimal comma, Date.parse does not.
  const parsed = fromMillis(Date.parse(text.replace(/(:\d\d),(\d)/, '$1.$2')))
  const fraction = parsed && FRACTION.exec(text)?.[1]
  const time: HrTime | undefined = fraction ? [parsed[0], Number(fraction.padEnd(9, '0'))] : parsed
  return time === undefined || hasZone(text) || isNear(time, called) ? time : undefined
}

/** Tests for a time zone. Date.parse skips a text in parentheses. */
function hasZone(text: string): boolean {
  const minute = text.search(MINUTE)
  const comment = text.indexOf('(', minute)
  return ZONE.test(text.slice(minute + 1, comment < 0 ? undefined : comment))
}

function isNear(time: HrTime, called: HrTime | undefined): boolean {
  const millis = called ? called[0] * 1e3 + called[1] / 1e6 : Date.now()
  return Math.abs(time[0] * 1e3 + time[1] / 1e6 - millis) <= TOLERANCE_MILLIS
}

/**
 * Tests for an unambiguous date: the year first or the month by name, then a time of day. Date.parse itself reads 1.2.2024 as January 2, and
 * fills in missing parts.
 */
function isDate(text: string): boolean {
  if (YEAR_FIRST.test(text)) return TIME_OF_DAY.test(text.slice(6))
  const month = YEAR.test(text) ? text.search(MONTH) : -1
  return month >= 0 && TIME_OF_DAY.test(text.slice(month))
}

function fromObject(value: object): HrTime | undefined {
  try {
    if (types.isDate(value)) return fromMillis(Date.prototype.getTime.call(value))
    return isHrTime(value) ? [value[0], value[1]] : undefined
  } catch {
    // A Proxy or a getter threw.
    return undefined
  }
}

function isHrTime(value: unknown): value is HrTime {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    Number.isSafeInteger(value[0]) &&
    value[0] >= 0 &&
    Number.isSafeInteger(value[1]) &&
    value[1] >= 0 &&
    value[1] < 1e9 &&
    value[0] * 1e3 < END_OF_TIME_MILLIS
  )
}
