import { hostname } from 'node:os'
import { endOfText, parseObject } from '@logbridge/bridge/internal'
import type { LineConfig, PinoLogger } from './logger.ts'
import type { UnchangedLogger } from './unchangedLogger.ts'

/**
 * Line of pino, with the metadata that pino sets on a stream (`Symbol.for('pino.metadata')`). The text stands alone in a worker,
 * and when other code writes to the stream.
 */
export interface Line {
  readonly text: string
  /** Level of the record. */
  readonly level: number | undefined
  /** Time of the record as JSON, without spaces; `''` when pino's `timestamp` is off. */
  readonly time: string | undefined
  /** Logged object, before pino hides any value. */
  readonly logged: object | undefined
  readonly logger: PinoLogger | undefined
  /** Message before pino hides any value; `undefined` when none was logged. */
  readonly loggedMessage: unknown
  /** Stream that pino has set the metadata on; `undefined` when its `write` is that of the application. */
  readonly writtenTo: object | undefined
  /** Set when the metadata replace the line. */
  unchanged: UnchangedLogger | undefined
  /** Results of parsing so far. */
  prefix: LinePrefix | undefined
  fields: Record<string, unknown> | undefined
  /** Message, when it is not among `fields`. */
  message: string | undefined
}

/** Creates a line with all its fields, so that its shape stays the same. */
export function createLine(
  text: string,
  level?: number,
  time?: string,
  logged?: object,
  logger?: PinoLogger,
  loggedMessage?: unknown,
  writtenTo?: object,
): Line {
  return {
    text,
    level,
    time,
    logged,
    logger,
    loggedMessage,
    writtenTo,
    unchanged: undefined,
    prefix: undefined,
    fields: undefined,
    message: undefined,
  }
}

/**
 * Fields that pino writes before all others. They are read from the text, because a field of the application may have the same
 * name later in the line, and JSON.parse keeps the later field.
 */
export interface LinePrefix {
  /** Index of the comma before the other fields, or of the closing brace. */
  readonly end: number
  /** `level`, or the field that `formatters.level` has written in its place. */
  readonly level?: Field | undefined
  /** Field of pino's `timestamp`. */
  readonly time?: Field | undefined
  /** Second field of `formatters.level`, e.g. `severity` for Google Cloud. */
  readonly other?: Field | undefined
  /** `name` right behind the others: of `pino({ name })`, or a field of a record whose logger has no name. */
  readonly name?: Field | undefined
}

export interface Field {
  readonly key: string
  /** Value as JSON. */
  readonly value: string
  readonly end: number
}

/** Field up to its number, or to the first quote of its text. A `timestamp` function of the application may write spaces. */
const FIELD = /[{,]\s*"([^"\\]+)"\s*:\s*(-?\d+(?:\.\d+)?|")/y
const TIME_KEY = /^(?:time|@?timestamp)$/
/** pino's default `base`. It is left out, because the resource has the same values. */
export const OWN_BASE: string = `,"pid":${process.pid},"hostname":${JSON.stringify(hostname())}`
const NO_PREFIX: LinePrefix = { end: 0 }
const ESCAPED_BASE = OWN_BASE.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
/**
 * Prefix as pino's own formatters write it. Each alternative excludes the other, so that a mismatch behind it cannot choose again.
 *
 * regex-bounded: matched at the start of a line alone, and each text in it ends at its first quote
 */
const USUAL_PREFIX = new RegExp(
  String.raw`\{"level":(\d+|"[^"\\]*"),"time":(\d+|"[^"\\]*")(?:${ESCAPED_BASE}|(?!${ESCAPED_BASE}))(?:,"name":("[^"\\]*")|(?!,"name":"))(?=[,}])`,
  'y',
)
const NEWLINE = 0x0a
const RETURN = 0x0d
const COMMA = 0x2c
const BACKSLASH = 0x5c

export function linePrefixOf(line: Line): LinePrefix {
  return (line.prefix ??= readUsualPrefix(line) ?? readPrefix(line))
}

/**
 * Reads the prefix that pino's own formatters write, by one regular expression: `pnpm bench pino`.
 * @returns `undefined` for any other prefix, which `readPrefix` reads
 */
export function readUsualPrefix({ text, time }: Line): LinePrefix | undefined {
  USUAL_PREFIX.lastIndex = 0
  const found = USUAL_PREFIX.exec(text)
  if (found === null) return undefined
  const end = USUAL_PREFIX.lastIndex
  const level = fieldOf('level', found[1]!, '{"level":'.length)
  const timeAt = level.end + ',"time":'.length
  const head = fieldOf('time', found[2]!, timeAt)
  // `indexOf` compares parts of a text without a copy.
  if (time !== undefined && (time.length !== head.value.length || text.indexOf(time, timeAt) !== timeAt))
    return undefined
  return {
    end,
    level,
    time: head,
    other: undefined,
    name: found[3] ? { key: 'name', value: found[3], end } : undefined,
  }
}

function fieldOf(key: string, value: string, start: number): Field {
  return { key, value, end: start + value.length }
}

export function readPrefix(line: Line): LinePrefix {
  const { text } = line
  const first = match(text, 0)
  if (first === undefined) return NO_PREFIX
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
  // Another writer's line, or a pino line without level and time.
  if (!time && level.key !== 'level' && line.level === undefined) return NO_PREFIX
  let last = time ?? second ?? first
  const hasBase = isBeforeBase(text, last)
  // Without time and base, the fields behind the level count as the application's.
  if (!time && !hasBase) last = level
  let { end } = last
  if (hasBase) end += OWN_BASE.length
  const name = text.startsWith(',"name":"', end) ? match(text, end) : undefined
  if (name) ({ end } = name)
  if (text[end] !== ',' && text[end] !== '}') return NO_PREFIX
  return { end, level, time, other: other && other.end <= end ? other : undefined, name }
}

function match(text: string, at: number): Field | undefined {
  FIELD.lastIndex = at
  const found = FIELD.exec(text)
  if (found === null) return undefined
  const [, key = '', value = ''] = found
  if (value !== '"') return { key, value, end: FIELD.lastIndex }
  const start = FIELD.lastIndex - 1
  const end = endOfText(text, start) + 1
  return end === 0 ? undefined : { key, value: text.slice(start, end), end }
}

function isBeforeBase(text: string, { end }: Field): boolean {
  return text.startsWith(OWN_BASE, end)
}

/** Tests if a field behind the first is the time. The metadata decides when pino has set them. */
function isTime(field: Field, { text, time }: Line): boolean {
  const { key, value } = field
  // A `timestamp` function may write more fields behind the time.
  if (time !== undefined) return time === value || time.startsWith(`${value},`)
  return TIME_KEY.test(key) || (key !== 'level' && isBeforeBase(text, field))
}

/**
 * Parses the fields behind the prefix. The object belongs to the caller. The message may be in `line.message` instead.
 * @returns `undefined` when the line is no JSON object
 */
export function fieldsOf(line: Line, config: LineConfig): Record<string, unknown> | undefined {
  return (line.fields ??= readBeforeMessage(line, config) ?? readFields(line))
}

/**
 * Parses the fields without the message of a line that ends with it, `,"msg":"hello"}`, as most lines do. A message that is
 * deleted from the object would make the object slow: `pnpm bench pino`.
 *
 * @returns `undefined` when the line ends in another way
 */
export function readBeforeMessage(
  line: Line,
  { messageKey, messageStart }: LineConfig,
): Record<string, unknown> | undefined {
  const { text } = line
  const { end } = linePrefixOf(line)
  if (end === 0 || messageStart === undefined) return undefined
  // Unescaped quotes are outside of any text, and the last field of a line belongs to the outermost object.
  const at = text.lastIndexOf(messageStart)
  if (at < end) return undefined
  const message = readLastText(text, at + messageStart.length - 1)
  if (message === undefined) return undefined
  let fields: Record<string, unknown> | undefined = {}
  if (at > end) {
    if (!text.startsWith(',"', end)) return undefined
    fields = parseObject(`{${text.slice(end + 1, at)}}`)
    // A second field with the message's key: JSON.parse decides.
    if (fields === undefined || Object.hasOwn(fields, messageKey)) return undefined
  }
  line.message = message
  return fields
}

/** Returns the text from `start` to the closing brace of the line; `undefined` when more than one text stands there. */
function readLastText(text: string, start: number): string | undefined {
  let end = text.length
  if (text.charCodeAt(end - 1) === NEWLINE) end -= text.charCodeAt(end - 2) === RETURN ? 2 : 1
  if (!text.endsWith('"}', end)) return undefined
  const quote = text.indexOf('"', start + 1)
  // More fields follow, and JSON.parse would throw, which takes long.
  if (quote !== end - 2 && text.charCodeAt(quote - 1) !== BACKSLASH) return undefined
  try {
    return JSON.parse(text.slice(start, end - 1)) as string
  } catch {
    return undefined
  }
}

export function readFields(line: Line): Record<string, unknown> | undefined {
  const { text } = line
  const { end } = linePrefixOf(line)
  return parseObject(end === 0 ? text : `{${text.slice(text.charCodeAt(end) === COMMA ? end + 1 : end)}`)
}
