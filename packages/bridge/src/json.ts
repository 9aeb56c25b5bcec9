import { randomBytes } from 'node:crypto'
import { isFields } from './serializedError.ts'

/** Number that a double may not hold exactly. */
const LONG_NUMBER = /[:,[\s]-?\d{16}/
/** Integer of 16 digits or more, as pino writes a bigint. `\d{15,}` would use V8's stack for each digit. */
const LONG_INTEGER = /([:,[\s])(-?[1-9]\d{15}\d*)/g
/** Follows digits that are no integer, or that are an invalid key. */
const NO_INTEGER = /[.eE]|\s*:/y
const BACKSLASH = 0x5c
/** Prefix of the text that replaces an int64 during parsing. It is random, so that no logged text has it. */
const MARK = randomBytes(8).toString('hex')
/** Characters of the longest int64. A longer integer becomes a text, because AnyValue has int64 and BigInt takes quadratic time. */
const INT64_LENGTH = 20

/**
 * Parses a JSON object. An integer beyond the safe integers becomes a bigint, or the text of its digits when it is longer than
 * any int64. A number that JavaScript writes with the same digits stays a number. A reviver would take 3 us a value:
 * `pnpm bench hostile-text`.
 *
 * @returns `undefined` when the text is no JSON object
 */
export function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const fields: unknown = LONG_NUMBER.test(json) ? parseExactly(json) : JSON.parse(json)
    return isFields(fields) ? fields : undefined
  } catch {
    return undefined
  }
}

/**
 * Finds the quote that ends a JSON text, in linear time. V8 overflows its stack for a regular expression that repeats a choice
 * millions of times.
 *
 * @param start index of the first quote
 * @returns -1 when the text does not end
 */
export function endOfText(json: string, start: number): number {
  let end = json.indexOf('"', start + 1)
  while (end >= 0 && isEscaped(json, end)) end = json.indexOf('"', end + 1)
  return end
}

/** Tests if an odd number of backslashes precedes a quote. */
function isEscaped(json: string, quote: number): boolean {
  let at = quote
  while (json.charCodeAt(at - 1) === BACKSLASH) at -= 1
  return (quote - at) % 2 === 1
}

function parseExactly(json: string): unknown {
  let hasMarks = false
  /** First quote of the next text behind the last match. */
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

/** Tests if JavaScript writes a number with these digits: a safe integer, or a number beyond int64. */
function isExact(digits: string): boolean {
  const value = Number(digits)
  return Number.isSafeInteger(value) || (Math.abs(value) >= 2 ** 63 && String(value) === digits)
}

/** Replaces each marked text by a bigint, without recursion, because JSON may have any depth. */
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
