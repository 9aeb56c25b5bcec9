import { hostname } from 'node:os'
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
  /** What else `formatters.level` has made of the level. */
  readonly others: readonly Field[]
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
/** Two of the level, such as `severity` and `level` for Google Cloud, and the time. */
const MAX_FIELDS = 3
const TIME_KEY = /^(?:time|@?timestamp)$/
/** pino's default `base`. The resource of this process says the same. */
const OWN_BASE = `,"pid":${process.pid},"hostname":${JSON.stringify(hostname())}`
const NO_HEAD: Head = { end: 0, others: [] }

export function headOf(line: Line): Head {
  return (line.head ??= readHead(line))
}

function readHead(line: Line): Head {
  const { text } = line
  let last = match(text, 0)
  if (last === undefined) return NO_HEAD
  const fields = [last]
  let time: Field | undefined
  while (time === undefined && fields.length < MAX_FIELDS && !isBeforeBase(text, last)) {
    const field = match(text, last.end)
    if (field === undefined) break
    last = field
    if (isTime(field, line)) time = field
    else fields.push(field)
  }
  const level = fields.find(({ key }) => key === 'level') ?? fields[0]!
  const hasBase = isBeforeBase(text, last)
  if (time === undefined) {
    // Not pino's, as far as one can see.
    if (level.key !== 'level' && line.level === undefined) return NO_HEAD
    // Where nothing tells how far pino's own fields go, those behind the level are the user's.
    if (!hasBase) last = level
  }
  let { end } = last
  if (hasBase) end += OWN_BASE.length
  const others = fields.length > 1 ? fields.filter((field) => field !== level && field.end <= end) : []
  const name = text.startsWith(',"name":"', end) ? match(text, end) : undefined
  if (name) ({ end } = name)
  return text[end] === ',' || text[end] === '}' ? { end, level, time, others, name } : NO_HEAD
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
  if (time !== undefined) return `${time},`.startsWith(`${value},`)
  return TIME_KEY.test(key) || (key !== 'level' && isBeforeBase(text, field))
}

/**
 * The fields behind the head, as an object that belongs to the caller.
 * @throws SyntaxError when the line is not a JSON object
 */
export function fieldsOf(line: Line): Record<string, unknown> {
  return (line.fields ??= readFields(line))
}

function readFields(line: Line): Record<string, unknown> {
  const { text } = line
  const { end } = headOf(line)
  const rest = end === 0 ? text : `{${text.slice(text[end] === ',' ? end + 1 : end)}`
  const fields: unknown = LONG_NUMBER.test(rest) ? JSON.parse(rest, exactIntegers) : JSON.parse(rest)
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw new SyntaxError('no record')
  return fields as Record<string, unknown>
}

/** A number that a double may not hold exactly: pino writes a bigint so. */
const LONG_NUMBER = /[:,[]-?\d{16}/

/**
 * A JSON.parse reviver that makes integers beyond the safe ones bigint, as far as they are int64 or no number of
 * JavaScript's would be written so. Node 20 does not tell the source of a value, and they stay rounded.
 */
function exactIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value
  if (!/^-?\d+$/.test(source)) return value
  const isNumber = Math.abs(value) >= 2 ** 63 && String(value) === source
  return isNumber ? value : BigInt(source)
}
