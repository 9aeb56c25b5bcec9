import type { Attributes, Value } from './model.ts'
import type { Settings } from './settings.ts'

export interface Level {
  /** First severity number of the range. */
  readonly first: number
  /** Name in queries, and class of the style sheet. */
  readonly name: 'unset' | 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'
}

export const LEVELS: readonly Level[] = [
  { first: 0, name: 'unset' },
  { first: 1, name: 'trace' },
  { first: 5, name: 'debug' },
  { first: 9, name: 'info' },
  { first: 13, name: 'warn' },
  { first: 17, name: 'error' },
  { first: 21, name: 'fatal' },
]
export const ERROR = 17

/** Returns the range of a severity number. */
export function levelOf(severity: number): Level {
  return LEVELS.findLast(({ first }) => severity >= first) ?? LEVELS[0]!
}

const NANOS_IN_MILLI = 1_000_000n

export function toMillis(nanos: string | number | bigint): number {
  return Number(BigInt(nanos) / NANOS_IN_MILLI)
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
})
const shortClock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
const day = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short' })

/** Formats nanoseconds since the epoch. */
export function formatTime(nanos: string | number | bigint, format: Settings['time']): string {
  const millis = toMillis(nanos)
  const date = new Date(millis)
  switch (format) {
    case 'local':
      return clock.format(date)
    case 'date':
      return `${day.format(date)} ${clock.format(date)}`
    case 'utc':
      return date.toISOString().replace('T', ' ')
    case 'relative':
      return formatAge(Date.now() - millis)
  }
}

/** Formats a time with its date and all digits. */
export function formatWholeTime(nanos: string | number | bigint): string {
  const fraction = String(BigInt(nanos) % 1_000_000_000n).padStart(9, '0')
  const date = new Date(toMillis(nanos))
  const offset = -date.getTimezoneOffset()
  const sign = offset < 0 ? '-' : '+'
  const hours = String(Math.floor(Math.abs(offset) / 60)).padStart(2, '0')
  const minutes = String(Math.abs(offset) % 60).padStart(2, '0')
  return `${day.format(date)} ${shortClock.format(date)}.${fraction} ${sign}${hours}:${minutes}`
}

/** Formats milliseconds since the epoch for an axis. */
export function formatClock(millis: number, isLong: boolean): string {
  const date = new Date(millis)
  return isLong ? `${day.format(date)} ${shortClock.format(date)}` : shortClock.format(date)
}

function formatAge(millis: number): string {
  const seconds = Math.max(0, millis) / 1000
  if (seconds < 60) return `${Math.floor(seconds)} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  return `${Math.floor(seconds / 86_400)} d ago`
}

const UNITS = [
  [1e9 * 60, 'min'],
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
] as const

/** Formats a duration of nanoseconds with three digits. */
export function formatDuration(nanos: string | number | bigint): string {
  const number = Number(nanos)
  const [size, unit] = UNITS.find(([each]) => number >= each) ?? [1, 'ns']
  return `${Number((number / size).toPrecision(3))} ${unit}`
}

const whole = new Intl.NumberFormat('en-US')
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

export function formatCount(count: number): string {
  return whole.format(count)
}

/** Formats a count with its noun: `1 record`, `1,200 records`. */
export function formatCounted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** Formats a count in few characters. */
export function formatShort(count: number): string {
  return short.format(count)
}

export function formatNumber(number: number | null | undefined): string {
  if (number === null || number === undefined) return '–'
  if (Number.isInteger(number)) return whole.format(number)
  return whole.format(Number(number.toPrecision(5)))
}

/** Formats a value on one line. */
export function valueText(value: Value): string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return String(value)
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? rawNumber(each) : each))
}

/** Makes JSON.stringify keep all digits of a bigint. Browsers without JSON.rawJSON write text. */
function rawNumber(value: bigint): unknown {
  const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown }
  return rawJSON === undefined ? String(value) : rawJSON(String(value))
}

/** Formats a value as indented JSON. */
export function prettyJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, each: unknown) => (typeof each === 'bigint' ? rawNumber(each) : each),
    2,
  )
}

/** Lists the values of nested objects by their dotted keys. Arrays stay whole. */
export function flatten(attributes: Attributes, prefix = ''): { key: string; value: Value }[] {
  return Object.entries(attributes).flatMap(([name, value]) => {
    const key = prefix === '' ? name : `${prefix}.${name}`
    return isAttributes(value) && Object.keys(value).length > 0 ? flatten(value, key) : [{ key, value }]
  })
}

/** Returns the value of a dotted key: flat first, then with more and more of its end nested, as in a query. */
export function valueAt(attributes: Attributes, key: string): Value | undefined {
  if (Object.hasOwn(attributes, key)) return attributes[key]
  for (let dot = key.lastIndexOf('.'); dot > 0; dot = key.lastIndexOf('.', dot - 1)) {
    const outer = key.slice(0, dot)
    const inner = Object.hasOwn(attributes, outer) ? attributes[outer] : undefined
    if (inner !== undefined && isAttributes(inner)) return valueAt(inner, key.slice(dot + 1))
  }
  return undefined
}

function isAttributes(value: Value): value is Attributes {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
