import { hostname } from 'node:os'
import { isObject } from './exception.ts'
import type { LineConfig, PinoLogger } from './logger.ts'
import type { Severity } from './severity.ts'

/**
 * A line on its way from pino, with what pino tells a stream about it (`Symbol.for('pino.metadata')`). In a worker, or
 * when somebody else writes to the stream, there is the text alone.
 */
export interface Line {
  readonly text: string
  /** The record's level. */
  readonly level?: number | undefined
  /** The record's time as JSON, spaces removed; `''` when pino was told to write none. */
  readonly time?: string | undefined
  /** What was logged, before pino hid anything: nothing of it is sent. */
  readonly logged?: object | undefined
  readonly logger?: PinoLogger | undefined
  /** What has been found out about the line so far. */
  config?: LineConfig | undefined
  severity?: Severity | undefined
  head?: Head | undefined
  fields?: Record<string, unknown> | undefined
}

/**
 * The fields that pino itself puts in front of all others. They are taken off the text rather than out of the parsed
 * object, because a field of the user's own with one of these names comes later in the line, and JSON.parse keeps
 * the last of two.
 */
export interface Head {
  /** Where the other fields begin: at a comma or at the closing brace. */
  readonly end: number
  /** `level`, or what `formatters.level` has put first instead of it. */
  readonly level?: Field
  /** The field of pino's `timestamp`. */
  readonly time?: Field | undefined
  /** What else `formatters.level` has made of the level, such as `severity` for Google Cloud. */
  readonly other?: Field | undefined
  /** A `name` right behind the others: that of `pino({ name })`, or a field of a record whose logger has none. */
  readonly name?: Field | undefined
}

interface Field {
  readonly key: string
  /** As JSON. */
  readonly value: string
  readonly end: number
}

/** Spaces are those of a `timestamp` function of the user's own. */
const FIELD = /[{,]\s*"([^"\\]+)"\s*:\s*(-?\d+(?:\.\d+)?|"(?:[^"\\]|\\.)*")/y
const TIME_KEY = /^(?:time|@?timestamp)$/
/** pino's default `base`. The resource of this process says the same. */
const OWN_BASE = `,"pid":${process.pid},"hostname":${JSON.stringify(hostname())}`
const NO_HEAD: Head = { end: 0 }

export function headOf(line: Line): Head {
  return (line.head ??= readHead(line))
}

function readHead(line: Line): Head {
  const { text } = line
  const first = match(text, 0)
  if (first === undefined) return NO_HEAD
  let second: Field | undefined
  let time = isBeforeBase(text, first) ? undefined : match(text, first.end)
  if (time && !isTime(time, line)) {
    second = time
    time = isBeforeBase(text, second) ? undefined : match(text, second.end)
    if (time && !isTime(time, line)) time = undefined
  }
  const isSecond = first.key !== 'level' && second?.key === 'level'
  const level = isSecond ? second! : first
  const other = isSecond ? first : second
  // Not pino's, as far as one can see.
  if (!time && level.key !== 'level' && line.level === undefined) return NO_HEAD
  let last = time ?? second ?? first
  const hasBase = isBeforeBase(text, last)
  // Where nothing tells how far pino's own fields go, those behind the level are the user's.
  if (!time && !hasBase) last = level
  let { end } = last
  if (hasBase) end += OWN_BASE.length
  const name = text.startsWith(',"name":"', end) ? match(text, end) : undefined
  if (name) ({ end } = name)
  if (text[end] !== ',' && text[end] !== '}') return NO_HEAD
  return { end, level, time, other: other && other.end <= end ? other : undefined, name }
}

function match(text: string, at: number): Field | undefined {
  FIELD.lastIndex = at
  const found = FIELD.exec(text)
  return found ? { key: found[1]!, value: found[2]!, end: FIELD.lastIndex } : undefined
}

function isBeforeBase(text: string, { end }: Field): boolean {
  return text.startsWith(OWN_BASE, end)
}

/** Of a field behind the first: where pino says what it wrote, another one is the user's. */
function isTime(field: Field, { text, time }: Line): boolean {
  const { key, value } = field
  // A `timestamp` function may write fields of its own behind the time.
  if (time !== undefined) return time === value || time.startsWith(`${value},`)
  return TIME_KEY.test(key) || (key !== 'level' && isBeforeBase(text, field))
}

/** The fields behind the head, as an object that belongs to the caller; `undefined` when the line is no JSON object. */
export function fieldsOf(line: Line): Record<string, unknown> | undefined {
  return (line.fields ??= readFields(line))
}

function readFields(line: Line): Record<string, unknown> | undefined {
  const { text } = line
  const { end } = headOf(line)
  const rest = end === 0 ? text : `{${text.slice(text[end] === ',' ? end + 1 : end)}`
  try {
    const fields: unknown = LONG_NUMBER.test(rest) ? JSON.parse(rest, exactIntegers) : JSON.parse(rest)
    return isObject(fields) ? fields : undefined
  } catch {
    return undefined
  }
}

/** A number that a double may not hold exactly: pino writes a bigint so. */
const LONG_NUMBER = /[:,[]-?\d{16}/

/**
 * A JSON.parse reviver that makes integers beyond the safe ones bigint, as far as they are int64 or no number of
 * JavaScript's would be written so. Node 20 does not tell the source of a value, and they stay rounded.
 */
function exactIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  if (source === undefined || !/^-?\d+$/.test(source)) return value
  const isNumber = Math.abs(value) >= 2 ** 63 && String(value) === source
  return isNumber ? value : BigInt(source)
}
