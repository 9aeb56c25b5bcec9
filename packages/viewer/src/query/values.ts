import { expected, type Comparison } from './query.ts'

const NANOS: ReadonlyMap<string, number> = new Map([
  ['ns', 1],
  ['us', 1e3],
  ['µs', 1e3],
  ['ms', 1e6],
  ['s', 1e9],
  ['m', 60e9],
  ['h', 3600e9],
  ['d', 86_400e9],
])

/** Largest number of nanoseconds that a column holds. */
const MAX_NANOS = 2n ** 63n - 1n

/** First severity number of each range of the OpenTelemetry data model. */
const SEVERITIES: ReadonlyMap<string, number> = new Map([
  ['trace', 1],
  ['debug', 5],
  ['info', 9],
  ['warn', 13],
  ['warning', 13],
  ['error', 17],
  ['fatal', 21],
])
const NUMBERS_IN_RANGE = 4

/** Returns the nanoseconds of a duration such as `1.5s`, or `undefined` for other text. */
export function toDurationNanos(text: string): bigint | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([a-zµ]+)$/.exec(text) ?? []
  const nanos = NANOS.get(unit)
  if (amount === undefined || nanos === undefined) return undefined
  return cappedNanos(BigInt(Math.round(Math.min(Number(amount) * nanos, Number(MAX_NANOS)))))
}

/** Returns the nanoseconds, or the largest number that a column holds. */
export function cappedNanos(nanos: bigint): bigint {
  return nanos > MAX_NANOS ? MAX_NANOS : nanos
}

/**
 * Returns the nanoseconds since the epoch of a value: a date and time of ISO 8601, in local time without an offset, or a duration
 * before now.
 *
 * @param nowMillis milliseconds since the epoch
 * @throws QueryError for other text
 */
export function toTimeNanos(comparison: Comparison, nowMillis: number): bigint {
  const { value } = comparison
  const ago = toDurationNanos(value)
  if (ago !== undefined) return BigInt(nowMillis) * 1_000_000n - ago
  const [, seconds = '', fraction = '', offset = ''] =
    /^(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/.exec(value) ?? []
  // Date.parse reads a date without a time as UTC.
  const isDate = seconds.length === 10
  const millis = Date.parse(`${seconds.replace(' ', 'T')}${isDate ? 'T00:00:00' : ''}${offset}`)
  if (seconds === '' || Number.isNaN(millis)) {
    throw expected('a time such as 2026-11-29T10:00:00Z, or a duration before now such as 15m', comparison)
  }
  return cappedNanos(BigInt(millis) * 1_000_000n + BigInt(fraction.padEnd(9, '0')))
}

/**
 * Returns the first and last severity number of a value: a name or a number.
 *
 * @throws QueryError for other text
 */
export function toSeverityRange(comparison: Comparison): SeverityRange {
  const range = parseSeverity(comparison.value)
  if (range !== undefined) return range
  throw expected(SEVERITY_FORMS, comparison)
}

/** First and last severity number that a name or a number stands for. */
export interface SeverityRange {
  readonly first: number
  readonly last: number
}

/** Forms that `parseSeverity` reads, for messages. */
export const SEVERITY_FORMS = 'trace, debug, info, warn, error, fatal, or a number from 0 to 24'

/** Reads the name of a severity range in any case, or a severity number. Returns `undefined` for other text. */
export function parseSeverity(text: string): SeverityRange | undefined {
  const first = SEVERITIES.get(text.toLowerCase())
  if (first !== undefined) return { first, last: first + NUMBERS_IN_RANGE - 1 }
  const number = Number(text)
  return /^\d+$/.test(text) && number <= 24 ? { first: number, last: number } : undefined
}

const INTEGER = /^-?\d+$/
const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** Returns the number in a text: a bigint for an integer outside the safe range. Returns `undefined` for other text. */
export function toNumber(text: string): number | bigint | undefined {
  if (!NUMBER.test(text)) return undefined
  const number = Number(text)
  if (INTEGER.test(text) && !Number.isSafeInteger(number)) return BigInt(text)
  return Number.isFinite(number) ? number : undefined
}
