import { inspect } from 'node:util'
import { containsText, isAbsent, isError, read, stripEscapeSequences, textOf } from '@logbridge/bridge'
import { copyOf, type Info } from './convert.ts'
import { defineField, type Fields, HIDDEN } from './printed.ts'

/** Lines of a text that are looked for one by one. */
const MAX_LINES = 64
/** Depth of objects whose fields are looked for. */
const MAX_NESTING = 8
/** Characters that the search for the values of one record may take: some 10 ms. Values that are not found by then count as hidden. */
export const MAX_EFFORT: number = 2 ** 24
/** Effort of one field, beside the search for it. */
const FIELD_EFFORT = 256
/** Characters of a key in a text, and names in it (`user.card` has two) that are looked at. */
const MAX_KEY_LENGTH = 128
const MAX_NAMES = 8
/** Colons and equals signs that are looked at. */
const MAX_SIGNS = 65_536
/** Places at which one key is looked at. */
const MAX_OCCURRENCES = 64
/** End a key: `key=`, `key: `, `"key": `. */
const COLON = 0x3a
const EQUALS = 0x3d
/** Cannot be in a key without quotes. */
const DELIMITERS = ' \t\n\r"\'`{}()[],;:='
const QUOTE = /["'`]/
const WORD = /[\w$]/
const NONE: Keys = new Map()
const RESERVED = new Set(['level', 'message', 'timestamp', 'label', 'stack'])

type Keys = ReadonlyMap<string, readonly number[]>

/** A text in which values are looked for. */
interface Haystack {
  readonly text: string
  /** Keys that the text shows, and where their values begin. */
  readonly keys: Keys
  /** Effort that is left. */
  left: number
}

/** Tests for a text that shows a message as it is, apart from colors and the white space around it. */
export function showsMessage(text: string, message: unknown): boolean {
  return isAbsent(message) || showsValue({ text, keys: NONE, left: MAX_EFFORT }, message, 0)
}

/** Tests for a text that contains a value's own text. */
export function showsText(text: unknown, value: unknown): boolean {
  if (typeof text !== 'string' || typeof value === 'object') return false
  return containsText(text, typeof value === 'string' ? stripEscapeSequences(value) : String(value))
}

/** The text around a message. */
export function withoutText(text: string, message: unknown): string {
  const part = typeof message === 'string' ? stripEscapeSequences(message).trim() : ''
  const at = part === '' ? -1 : text.indexOf(part.slice(0, 200))
  return at < 0 ? text : `${text.slice(0, at)} ${text.slice(at + part.length)}`
}

/**
 * Takes off a record the fields that a text shows by their key (`card=***`, `card: ***`) and with another value.
 * @param level key of no field: it stands in front of most messages
 * @returns the record itself where there is none
 */
export function withoutMasked(info: Info, text: string, level: string): Info {
  const keys = keysIn(text)
  keys.delete(level)
  if (keys.size === 0) return info
  const haystack = { text, keys, left: MAX_EFFORT }
  let shown: Info | undefined
  for (const key of Object.keys(info)) {
    if (RESERVED.has(key)) continue
    const value = read(info, key)
    const part = unmaskedPart(haystack, key, value, false, 0)
    if (Object.is(part, value)) continue
    shown ??= copyOf(info)
    if (part === HIDDEN) delete shown[key]
    else defineField(shown, key, part)
  }
  return shown ?? info
}

/** @param isPrinted whether the text shows the key of an object that holds the value */
function unmaskedPart(
  haystack: Haystack,
  key: string,
  value: unknown,
  isPrinted: boolean,
  depth: number,
): unknown {
  if (isAbsent(value)) return value
  const places = haystack.keys.get(key)
  const isShown = isPrinted || places !== undefined
  haystack.left -= FIELD_EFFORT
  if (haystack.left < 0) return isShown ? HIDDEN : value
  if (!isPlainObject(value) || depth >= MAX_NESTING) {
    const isWhole = !isShown || showsAt(haystack.text, places, value) || showsValue(haystack, value, depth)
    return isWhole ? value : HIDDEN
  }
  const kept: Fields = {}
  let isWhole = true
  for (const name of Object.keys(value)) {
    const field = read(value, name)
    const part = unmaskedPart(haystack, name, field, isShown, depth + 1)
    if (!Object.is(part, field)) isWhole = false
    if (part !== HIDDEN) defineField(kept, name, part)
  }
  if (isWhole) return value
  return Object.keys(kept).length > 0 ? kept : HIDDEN
}

/** Finds a value behind its key, where most stand. */
function showsAt(text: string, places: readonly number[] = [], value: unknown): boolean {
  const isText = typeof value === 'string'
  // An Error and a Map are `{}` in JSON.
  const form = isText ? value : typeof value === 'object' && value !== null ? '{}' : textOf(value)
  return places.some((at) => text.startsWith(form, isText && QUOTE.test(text.charAt(at)) ? at + 1 : at))
}

/** Finds what stands in front of colons and equals signs. */
function keysIn(text: string): Map<string, number[]> {
  const keys = new Map<string, number[]>()
  let signs = MAX_SIGNS
  for (let sign = 0; sign < text.length; sign += 1) {
    const code = text.charCodeAt(sign)
    if (code !== COLON && code !== EQUALS) continue
    if ((signs -= 1) < 0) break
    const at = text[sign + 1] === ' ' ? sign + 2 : sign + 1
    for (const name of namesBefore(text, sign)) {
      const places = keys.get(name)
      if (places === undefined) keys.set(name, [at])
      else if (places.length < MAX_OCCURRENCES) places.push(at)
    }
  }
  return keys
}

/** The key in front of a sign: all of it, and each end of it that begins a word. */
function namesBefore(text: string, sign: number): string[] {
  const end = text[sign - 1] === ' ' ? sign - 1 : sign
  const least = Math.max(0, end - MAX_KEY_LENGTH)
  const quote = text[end - 1]
  if (quote === '"' || quote === "'") {
    const start = text.lastIndexOf(quote, end - 2)
    return start < least ? [] : [text.slice(start + 1, end - 1)]
  }
  const names: string[] = []
  for (let start = end - 1; start >= least && names.length < MAX_NAMES; start -= 1) {
    if (DELIMITERS.includes(text[start]!)) break
    if (start === 0 || !WORD.test(text[start - 1]!)) names.push(text.slice(start, end))
  }
  return names
}

function showsValue(haystack: Haystack, value: unknown, depth: number): boolean {
  if (isAbsent(value)) return true
  const { text } = haystack
  haystack.left -= text.length + FIELD_EFFORT
  if (haystack.left < 0) return false
  if (typeof value === 'string') return showsString(text, value)
  if (typeof value !== 'object' || value === null) return containsText(text, textOf(value))
  if (isError(value)) return showsString(text, textOf(read(value, 'message')))
  if (depth < MAX_NESTING && (Array.isArray(value) || isPlainObject(value))) {
    // A template prints an object so: `${message}`.
    if (depth === 0 && containsText(text, '[object Object]')) return true
    return Object.keys(value).every((key) => showsValue(haystack, read(value, key), depth + 1))
  }
  return formsOf(value).some((form) => containsText(text, form))
}

/** A text as it is, or as it stands in JSON or in what `util.inspect` shows. */
function showsString(text: string, value: string): boolean {
  const part = stripEscapeSequences(value).trim()
  if (containsText(text, part)) return true
  const lines = part.split('\n', MAX_LINES + 1)
  if (lines.length > MAX_LINES) return false
  return lines.every(
    (line) =>
      containsText(text, line) ||
      containsText(text, JSON.stringify(line).slice(1, -1)) ||
      containsText(text, inspect(line).slice(1, -1)),
  )
}

/** Texts that an object without fields may have, such as a Date. */
function formsOf(value: object): string[] {
  return [textOf, inspect, (date: object) => (date as Date).toISOString()].flatMap((form) => {
    try {
      return [form(value)]
    } catch {
      return []
    }
  })
}

function isPlainObject(value: unknown): value is object {
  try {
    return Object.prototype.toString.call(value) === '[object Object]'
  } catch {
    return false
  }
}
