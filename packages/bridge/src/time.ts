import type { HrTime } from './types.ts'

const FRACTION = /[.,](\d{1,9})\d*(?=Z|[+-]\d\d:?\d\d|$)/

/**
 * A point in time in any form that logging libraries use, in nanoseconds where the form has them:
 * - `Date`;
 * - number: seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by magnitude (a
 *   number under 1e11 is seconds until the year 5138, as milliseconds it would lie before March 1973);
 * - bigint: nanoseconds since the epoch;
 * - string: ISO 8601 with up to nine decimals, or one of the numbers above;
 * - `[seconds, nanoseconds]`.
 *
 * Anything else, and what lies before 1970, gives `undefined`.
 */
export function toHrTime(value: unknown): HrTime | undefined {
  switch (typeof value) {
    case 'number':
      return fromNumber(value)
    case 'bigint':
      return value < 0n ? undefined : [Number(value / 1_000_000_000n), Number(value % 1_000_000_000n)]
    case 'string':
      return fromString(value)
    case 'object':
      if (value instanceof Date) return fromMillis(value.getTime())
      return isHrTime(value) ? [value[0], value[1]] : undefined
    default:
      return undefined
  }
}

/** The current wall-clock time. */
export function now(): HrTime {
  const millis = Date.now()
  const seconds = Math.floor(millis / 1000)
  return [seconds, (millis - seconds * 1000) * 1e6]
}

function fromMillis(millis: number): HrTime | undefined {
  if (!(millis >= 0 && millis < 1e14)) return undefined
  const seconds = Math.floor(millis / 1000)
  return [seconds, Math.min(Math.round((millis - seconds * 1000) * 1e6), 999_999_999)]
}

function fromNumber(value: number): HrTime | undefined {
  if (value < 1e11) return fromMillis(value * 1e3)
  if (value < 1e14) return fromMillis(value)
  if (value < 1e17) return fromMillis(value / 1e3)
  return value < 1e20 ? toHrTime(BigInt(Math.round(value))) : undefined
}

function fromString(value: string): HrTime | undefined {
  const text = value.trim()
  if (text === '') return undefined
  if (/^\d+$/.test(text) && text.length > 17) return toHrTime(BigInt(text))
  const number = Number(text)
  if (!Number.isNaN(number)) return fromNumber(number)
  const parsed = fromMillis(Date.parse(text))
  const fraction = parsed && FRACTION.exec(text)?.[1]
  return fraction ? [parsed[0], Number(fraction.padEnd(9, '0'))] : parsed
}

function isHrTime(value: unknown): value is HrTime {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    Number.isSafeInteger(value[0]) &&
    value[0] >= 0 &&
    Number.isSafeInteger(value[1]) &&
    value[1] >= 0 &&
    value[1] < 1e9
  )
}
