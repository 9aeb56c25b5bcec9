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
  /** `level`, unless `formatters.level` calls it something else. */
  readonly levelKey: string | undefined
  readonly level: string | number | undefined
  readonly timeKey: string | undefined
  /** As JSON. */
  readonly time: string | undefined
  /** A `name` right behind the others: that of `pino({ name })`, or a field of a record whose logger has none. */
  readonly name: string | undefined
}

const NUMBER_OR_STRING = String.raw`-?\d+(?:\.\d+)?|"(?:[^"\\]|\\.)*"`
const LEVEL = new RegExp(String.raw`\{"([^"\\]+)":(${NUMBER_OR_STRING})`, 'y')
/** A `timestamp` function of the user's own may add spaces or, for other receivers, another key. */
const TIME = new RegExp(String.raw`,\s*"(time|@?timestamp)"\s*:\s*(${NUMBER_OR_STRING})`, 'y')
/** pino's default `base`. The resource of this process says the same. */
const OWN_BASE = `,"pid":${process.pid},"hostname":${JSON.stringify(hostname())}`
const NAME = /,"name":("(?:[^"\\]|\\.)+")/y
const NO_HEAD: Head = {
  end: 0,
  levelKey: undefined,
  level: undefined,
  timeKey: undefined,
  time: undefined,
  name: undefined,
}

export function headOf(line: Line): Head {
  return (line.head ??= readHead(line))
}

function readHead({ text, level, time }: Line): Head {
  const first = match(LEVEL, text, 0)
  if (first === null) return NO_HEAD
  let { end } = first
  let second = match(TIME, text, end)
  // pino says what it wrote: another one is a field of the user's.
  if (second && time !== undefined && (time === '' || !time.startsWith(second.value))) second = null
  if (second) ({ end } = second)
  // Not pino's, as far as one can see.
  else if (first.key !== 'level' && level === undefined) return NO_HEAD
  if (text.startsWith(OWN_BASE, end)) end += OWN_BASE.length
  NAME.lastIndex = end
  const name = NAME.exec(text)
  if (name) end = NAME.lastIndex
  if (text[end] !== ',' && text[end] !== '}') return NO_HEAD
  return {
    end,
    levelKey: first.key,
    level: JSON.parse(first.value) as string | number,
    timeKey: second?.key,
    time: second?.value,
    name: name ? (JSON.parse(name[1]!) as string) : undefined,
  }
}

function match(
  pattern: RegExp,
  text: string,
  at: number,
): { key: string; value: string; end: number } | null {
  pattern.lastIndex = at
  const found = pattern.exec(text)
  return found && { key: found[1]!, value: found[2]!, end: pattern.lastIndex }
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
  let rest = text
  if (end > 0) rest = text[end] === ',' ? `{${text.slice(end + 1)}` : `{${text.slice(end)}`
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
