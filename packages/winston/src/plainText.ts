import { inspect } from 'node:util'
import { isError, safeGet } from '@logbridge/bridge'
import { containsText, isOmitted, stripEscapeSequences, textOf } from '@logbridge/bridge/internal'
import { cloneForFormat, type Info } from './convert.ts'
import type { Places } from './keysIn.ts'
import { defineField, type Fields, HIDDEN } from './printed.ts'
import { isWord, SearchedText } from './searchedText.ts'

/** Lines of a text that are looked for one by one. */
const MAX_LINES = 1000
/** Depth of objects whose fields are looked for. */
const MAX_NESTING = 8
/** Elements of an array, and characters of a text, that `util.inspect` shows before it says how many more there are. */
const SHOWN_ELEMENTS = 100
const SHOWN_CHARACTERS = 10_000
/** Characters at each end of a text in which masks and objects are looked for. */
const EXAMINED = 32_768
/** A mask: `***`, `••••`, `xxxx`, `[REDACTED]`, `<hidden>`. */
const MASK =
  /\*{3,}|[•●█]{2,}|\bx{4,}|[[(<{] ?(?:redacted|hidden|masked|filtered|secret|removed|censored|omitted|private|sensitive) ?[\])>}]/gi
/** Characters in front of a mask among which its key is looked for, and masks that are looked at. */
const KEY_WINDOW = 80
const MAX_MASKS = 16
/**
 * Key in front of a mask: `card=`, `"card": "`.
 *
 * regex-bounded: it is tried at `KEY_WINDOW` characters alone
 */
const KEY_BEFORE = /([\w$.-]+)["']?\s*[:=]\s*["'`]?$/
/** First key of an object, as `util.inspect` shows it. */
const OBJECT_KEY = /\{\s*['"]?([\w$-]+)['"]?: /g
const RESERVED = new Set(['level', 'message', 'timestamp', 'label', 'stack'])

/** Tests for a text that shows a message as it is, apart from colors and the white space around it. */
export function showsMessage(text: string, message: unknown): boolean {
  if (typeof message === 'string' && containsText(text, message)) return true
  return isOmitted(message) || showsValue(new SearchedText(text), message, 0)
}

/** Tests for a text that contains a value's own text: a number or boolean behind its key, or as a word. */
export function showsText(text: SearchedText, value: unknown, key: string): boolean {
  if (typeof value === 'object') return false
  if (typeof value === 'string') return text.contains(stripEscapeSequences(value))
  const places = text.placesOf(key)
  return places ? showsAt(text, places, value) : text.indexOfWord(String(value)) >= 0
}

/** The text around a message, which is taken out where it is no part of a longer word. */
export function withoutText(text: string, message: unknown): string {
  const part = typeof message === 'string' ? stripEscapeSequences(message).trim() : ''
  if (part === '') return text
  // Most often the text ends with the message.
  const last = text.length - part.length
  const isLast = last >= 0 && text.endsWith(part) && isWord(text, last, text.length)
  const at = isLast ? last : new SearchedText(text).indexOfWord(part)
  return at < 0 ? text : `${text.slice(0, at)} ${text.slice(at + part.length)}`
}

/**
 * Takes off a record the fields that a text hides:
 * - those that it shows by their key with another value (`card=***`, `card: ***`);
 * - all that it does not show, where it is a text of selected fields: one that shows fields and no message, a JSON array, one
 *   with an object as `util.inspect` shows it, and one with a mask that belongs to no key of the record.
 *
 * @param rest what stands around the message
 * @param level key of no field: it stands in front of most messages
 * @param hasMessage whether there is a message that the text shows
 * @returns the record itself where the text hides nothing
 */
export function withoutHidden(info: Info, rest: string, level: string, hasMessage: boolean): Info {
  const text = new SearchedText(rest)
  text.keys.delete(level.toLowerCase())
  const isSelective = (!hasMessage && showsAnyField(info, text)) || isOfSelected(info, rest)
  if (text.keys.size === 0 && !isSelective) return info
  let shown: Info | undefined
  for (const key of Object.keys(info)) {
    if (RESERVED.has(key)) continue
    const value = safeGet(info, key)
    const part = unmaskedPart(text, key, value, isSelective, 0)
    if (Object.is(part, value)) continue
    shown ??= cloneForFormat(info)
    if (part === HIDDEN) delete shown[key]
    else defineField(shown, key, part)
  }
  return shown ?? info
}

function showsAnyField(info: Info, text: SearchedText): boolean {
  return Object.keys(info).some((key) => {
    const value = safeGet(info, key)
    if (RESERVED.has(key) || isOmitted(value) || value === '') return false
    return unmaskedPart(text, key, value, true, 0) !== HIDDEN
  })
}

/** Tests for a text that shows selected fields beside its message. */
function isOfSelected(info: Info, rest: string): boolean {
  const isLong = rest.length > 2 * EXAMINED
  const text = isLong ? `${rest.slice(0, EXAMINED)}\n${rest.slice(-EXAMINED)}` : rest
  return hasForeignMask(info, text) || (text.includes('{') && hasObjectOf(info, text)) || isJsonArray(text)
}

function isJsonArray(text: string): boolean {
  return text.includes(']') && /^\s*\[\s*["[{]/.test(text) && text.trimEnd().endsWith(']')
}

function hasObjectOf(info: Info, text: string): boolean {
  for (const [, key] of text.matchAll(OBJECT_KEY)) if (Object.hasOwn(info, key!)) return true
  return false
}

/** Tests for a mask without the key of a field right in front of it. */
function hasForeignMask(info: Info, text: string): boolean {
  if (text.search(MASK) < 0) return false
  let count = 0
  for (const { index } of text.matchAll(MASK)) {
    const [, key] = KEY_BEFORE.exec(text.slice(Math.max(0, index - KEY_WINDOW), index)) ?? []
    if (key === undefined || !Object.hasOwn(info, key) || (count += 1) === MAX_MASKS) return true
  }
  return false
}

/** @param mustShow whether the value is hidden where the text does not have its key */
function unmaskedPart(
  text: SearchedText,
  key: string,
  value: unknown,
  mustShow: boolean,
  depth: number,
): unknown {
  if (isOmitted(value)) return value
  const places = text.placesOf(key)
  if (!isPlainObject(value) || depth >= MAX_NESTING) {
    const isShown = places ? showsAt(text, places, value, depth) : !mustShow || showsValue(text, value, depth)
    return isShown ? value : HIDDEN
  }
  if (places && text.hasObjectText && text.begins(places, '[object Object]')) return value
  const kept: Fields = {}
  let isWhole = true
  for (const name of Object.keys(value)) {
    const field = safeGet(value, name)
    const part = unmaskedPart(text, name, field, mustShow || places !== undefined, depth + 1)
    if (!Object.is(part, field)) isWhole = false
    if (part !== HIDDEN) defineField(kept, name, part)
  }
  if (isWhole) return value
  return Object.keys(kept).length > 0 ? kept : HIDDEN
}

/** Tests for a value behind its key: at another place of the text it may be something else. */
function showsAt(text: SearchedText, places: Places, value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return showsStringAt(text, places, value)
  if (typeof value !== 'object' || value === null) {
    return text.begins(places, textOf(value))
  }
  // An Error and a Map are `{}` in JSON.
  if (!Array.isArray(value) && text.begins(places, '{')) return true
  return showsValue(text, value, depth)
}

function showsStringAt(text: SearchedText, places: Places, value: string): boolean {
  const part = stripEscapeSequences(value).trim()
  const end = part.indexOf('\n')
  const line = cutOff(end < 0 ? part : part.slice(0, end), text)
  const begins = (form: string): boolean => text.begins(places, form)
  if (!begins(line) && !escaped(line).some(begins)) return false
  return end < 0 || showsString(text, value)
}

function showsValue(text: SearchedText, value: unknown, depth: number): boolean {
  if (isOmitted(value)) return true
  if (typeof value === 'string') return showsString(text, value)
  if (typeof value !== 'object' || value === null) return text.indexOfWord(textOf(value)) >= 0
  if (isError(value)) return showsString(text, textOf(safeGet(value, 'message')))
  if (depth < MAX_NESTING && (Array.isArray(value) || isPlainObject(value))) {
    if (depth === 0 && text.hasObjectText) return true
    const keys = Object.keys(value)
    const isCut = Array.isArray(value) && keys.length > SHOWN_ELEMENTS && text.contains(' more item')
    const shown = isCut ? keys.slice(0, SHOWN_ELEMENTS) : keys
    return shown.every((key) => showsValue(text, safeGet(value, key), depth + 1))
  }
  return formsOf(value).some((form) => text.contains(form))
}

/** A text as it is, or as it stands in JSON or in what `util.inspect` shows. */
function showsString(text: SearchedText, value: string): boolean {
  const part = cutOff(stripEscapeSequences(value).trim(), text)
  if (text.contains(part)) return true
  const lines = part.split('\n', MAX_LINES + 1)
  if (lines.length > MAX_LINES) return false
  return lines.every((line) => text.contains(line) || escaped(line).some((form) => text.contains(form)))
}

/** A line of a text as it stands in JSON and in what `util.inspect` shows. */
function escaped(line: string): string[] {
  return [JSON.stringify(line).slice(1, -1), inspect(line, { maxStringLength: null }).slice(1, -1)]
}

/** Cuts a text off where `util.inspect` does. */
function cutOff(part: string, text: SearchedText): string {
  const isCut = part.length > SHOWN_CHARACTERS && text.contains(' more character')
  return isCut ? part.slice(0, SHOWN_CHARACTERS / 2) : part
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
