import { randomBytes } from 'node:crypto'
import { isObject } from './exception.ts'

/** A number that a double may not hold exactly. */
const LONG_NUMBER = /[:,[\s]-?\d{16}/
/** Its integer digits, as pino writes a bigint. Not `\d{15,}`: V8 takes some of its stack for each digit of that. */
const LONG_INTEGER = /([:,[\s])(-?[1-9]\d{15}\d*)/g
/** Stands behind the digits when they are no integer, or a key that JSON does not allow. */
const NO_INTEGER = /[.eE]|\s*:/y
const BACKSLASH = 0x5c
/** Begins the text that stands for an int64 while JSON is parsed. No log call can know it. */
const MARK = randomBytes(8).toString('hex')
/** Characters of the longest int64. A longer integer becomes a text in OpenTelemetry, and BigInt takes quadratic time. */
const INT64_LENGTH = 20

/**
 * Parses a JSON object. An integer beyond the safe ones becomes a bigint, or the text of its digits when it is longer than
 * any int64; a number that JavaScript itself writes so stays one. No reviver: V8 takes 3 us a value for it.
 *
 * @returns `undefined` when the text is no JSON object
 */
export function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const fields: unknown = LONG_NUMBER.test(json) ? parseExactly(json) : JSON.parse(json)
    return isObject(fields) ? fields : undefined
  } catch {
    return undefined
  }
}

/**
 * Finds the quote that ends a JSON text, in linear time and without a regular expression: V8 has no room for one that
 * repeats a choice some million times.
 *
 * @param start where its first quote is
 * @returns -1 when the text does not end
 */
export function endOfText(json: string, start: number): number {
  let end = json.indexOf('"', start + 1)
  while (end >= 0 && isEscaped(json, end)) end = json.indexOf('"', end + 1)
  return end
}

/** A quote behind an odd number of backslashes. */
function isEscaped(json: string, quote: number): boolean {
  let at = quote
  while (json.charCodeAt(at - 1) === BACKSLASH) at -= 1
  return (quote - at) % 2 === 1
}

function parseExactly(json: string): unknown {
  let hasMarks = false
  /** The first text that has not been passed, from quote to quote. */
  let start = json.indexOf('"')
  let end = endOfText(json, start)
  const quoted = json.replace(LONG_INTEGER, (found, before: string, digits: string, at: number) => {
    while (end >= 0 && end < at) {
      start = json.indexOf('"', end + 1)
      end = start < 0 ? -1 : endOfText(json, start)
    }
    if ((start < at && at < end) || isExact(digits)) return found
    NO_INTEGER.lastIndex = at + found.length
    if (NO_INTEGER.test(json)) return found
    const isInt64 = digits.length <= INT64_LENGTH
    hasMarks ||= isInt64
    return `${before}"${isInt64 ? MARK : ''}${digits}"`
  })
  const value: unknown = JSON.parse(quoted)
  if (hasMarks) replaceMarked(value)
  return value
}

/** Whether JavaScript writes the number so: a safe integer, or one beyond int64 that only a number can have been. */
function isExact(digits: string): boolean {
  const value = Number(digits)
  return Number.isSafeInteger(value) || (Math.abs(value) >= 2 ** 63 && String(value) === digits)
}

/** Puts a bigint in the place of each marked text. No recursion: JSON of any depth is parsed. */
function replaceMarked(root: unknown): void {
  const pending = [root]
  for (let parent = pending.pop(); parent !== undefined; parent = pending.pop()) {
    if (Array.isArray(parent)) {
      for (let index = 0; index < parent.length; index += 1) {
        const child: unknown = parent[index]
        if (isMarked(child)) parent[index] = BigInt(child.slice(MARK.length))
        else if (typeof child === 'object' && child !== null) pending.push(child)
      }
    } else {
      const fields = parent as Record<string, unknown>
      for (const key of Object.keys(fields)) {
        const child = fields[key]
        if (isMarked(child)) fields[key] = BigInt(child.slice(MARK.length))
        else if (typeof child === 'object' && child !== null) pending.push(child)
      }
    }
  }
}

function isMarked(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith(MARK)
}
