import { inspect } from 'node:util'
import { containsText, isAbsent, isError, read, stripEscapeSequences, textOf } from '@logbridge/bridge'
import { copyOf, type Info } from './convert.ts'
import { defineField, type Fields, HIDDEN } from './printed.ts'

/** Lines of a text that are looked for one by one. */
const MAX_LINES = 64
/** Values of an object that are looked for. */
const MAX_LEAVES = 200
/** Depth of objects whose fields are looked for. */
const MAX_NESTING = 8
/** Occurrences of a key that are looked at. */
const MAX_OCCURRENCES = 8
/** Stands behind a key: `key=`, `key: `, `"key": `. */
const SIGN = /^["']?\s*[:=]\s*/
const WORD = /[\w$]/
const RESERVED = new Set(['level', 'message', 'timestamp', 'label', 'stack'])

/** Tests for a text that shows a message as it is, apart from colors and the white space around it. */
export function showsMessage(text: string, message: unknown): boolean {
  return isAbsent(message) || showsValue(text, message, { left: MAX_LEAVES }, 0)
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
  let shown: Info | undefined
  for (const key of Object.keys(info)) {
    if (RESERVED.has(key) || key === level) continue
    const value = read(info, key)
    const part = unmaskedPart(key, value, text, false, 0)
    if (part === value) continue
    shown ??= copyOf(info)
    if (part === HIDDEN) delete shown[key]
    else defineField(shown, key, part)
  }
  return shown ?? info
}

/** @param isPrinted whether the text shows the key of an object that holds the value */
function unmaskedPart(key: string, value: unknown, text: string, isPrinted: boolean, depth: number): unknown {
  if (isAbsent(value)) return value
  const behind = textBehind(key, text)
  const isShown = isPrinted || behind !== undefined
  if (!isPlainObject(value) || depth >= MAX_NESTING) {
    // An Error and a Map are `{}` in JSON.
    const isBare = typeof value === 'object' && behind?.startsWith('{}') === true
    return isShown && !isBare && !showsValue(text, value, { left: MAX_LEAVES }, depth) ? HIDDEN : value
  }
  const kept: Fields = {}
  const keys = Object.keys(value)
  let isWhole = true
  for (const name of keys) {
    const field = read(value, name)
    const part = unmaskedPart(name, field, text, isShown, depth + 1)
    if (part !== field) isWhole = false
    if (part !== HIDDEN) defineField(kept, name, part)
  }
  if (isWhole) return value
  return Object.keys(kept).length > 0 ? kept : HIDDEN
}

/** The first characters behind a key and its colon or equals sign. */
function textBehind(key: string, text: string): string | undefined {
  let at = key === '' ? -1 : text.indexOf(key)
  for (let count = 0; at >= 0 && count < MAX_OCCURRENCES; count += 1) {
    const end = at + key.length
    const [sign] = SIGN.exec(text.slice(end, end + 8)) ?? []
    if (sign !== undefined && !WORD.test(text.charAt(at - 1))) return text.slice(end + sign.length, end + 16)
    at = text.indexOf(key, end)
  }
  return undefined
}

function showsValue(text: string, value: unknown, leaves: { left: number }, depth: number): boolean {
  if (isAbsent(value)) return true
  if ((leaves.left -= 1) < 0) return false
  if (typeof value === 'string') return showsString(text, value)
  if (typeof value !== 'object' || value === null) return containsText(text, textOf(value))
  if (isError(value)) return showsString(text, textOf(read(value, 'message')))
  if (depth < MAX_NESTING && (Array.isArray(value) || isPlainObject(value))) {
    // A template prints an object so: `${message}`.
    if (depth === 0 && containsText(text, '[object Object]')) return true
    return Object.keys(value).every((key) => showsValue(text, read(value, key), leaves, depth + 1))
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
