import { inspect } from 'node:util'
import { isError, safeGet } from '@logbridge/bridge'
import { containsText, isOmitted, stripEscapeSequences, textOf } from '@logbridge/bridge/internal'
import { cloneForFormat, type Info, RESERVED } from '../info.ts'
import { defineField, type Fields, HIDDEN } from './jsonValues.ts'
import { isWord, type Places, SearchedText } from './searchedText.ts'

/** Maximum number of lines of a value that are searched for one by one. */
const MAX_LINES = 1000
/** Greatest depth of objects whose fields are searched for. */
const MAX_NESTING = 8
/** Elements of an array and characters of a text that `util.inspect` shows before it counts the rest. */
const SHOWN_ELEMENTS = 100
const SHOWN_CHARACTERS = 10_000
/** Characters at each end of a text that are searched for masks and objects. */
const EXAMINED = 32_768
/** Matches a mask: `***`, `••••`, `xxxx`, `[REDACTED]`, `<hidden>`. */
const MASK =
  /\*{3,}|[•●█]{2,}|\bx{4,}|[[(<{] ?(?:redacted|hidden|masked|filtered|secret|removed|censored|omitted|private|sensitive) ?[\])>}]/gi
/** Characters in front of a mask that are searched for its key. */
const KEY_WINDOW = 80
/** Maximum number of masks that are examined. */
const MAX_MASKS = 16
/**
 * Matches the key in front of a mask: `card=`, `"card": "`.
 *
 * regex-bounded: tried at `KEY_WINDOW` characters alone
 */
const KEY_BEFORE = /([\w$.-]+)["']?\s*[:=]\s*["'`]?$/
/** Matches the first key of an object in the form of `util.inspect`. */
const OBJECT_KEY = /\{\s*['"]?([\w$-]+)['"]?: /g

/** Record without the fields that its text hides. */
export interface VisibleRecord {
  /** Unchanged record where the text hides nothing. */
  info: Info
  /** True for a text of selected fields: arguments that are no fields count as hidden. */
  isSelective: boolean
}

/** Tests for a text that shows a message unchanged, apart from colors and white space around it. */
export function showsMessage(text: string, message: unknown): boolean {
  if (typeof message === 'string' && containsText(text, message)) return true
  return showsValue(new SearchedText(text), message, 0)
}

/** Tests for a text that contains the text of a value: a number or boolean behind its key, or as a word. */
export function showsText(text: SearchedText, value: unknown, key: string): boolean {
  if (typeof value === 'object') return false
  if (typeof value === 'string') return text.contains(stripEscapeSequences(value))
  const places = text.placesOf(key)
  return places ? showsAt(text, places, value) : text.indexOfWord(String(value)) >= 0
}

/** Removes a message from its text, where the message is no part of a longer word. */
export function removeMessage(text: string, message: unknown): string {
  const part = typeof message === 'string' ? stripEscapeSequences(message).trim() : ''
  if (part === '') return text
  // Most texts end with the message.
  const last = text.length - part.length
  const isLast = last >= 0 && text.endsWith(part) && isWord(text, last, text.length)
  const at = isLast ? last : new SearchedText(text).indexOfWord(part)
  return at < 0 ? text : `${text.slice(0, at)} ${text.slice(at + part.length)}`
}

/**
 * Removes from a record the fields that a plain text hides:
 * - fields whose key the text shows with another value (`card=***`, `card: ***`);
 * - all fields that the text lacks, where it is a text of selected fields: a text with fields and no message, a JSON array, a
 *   text with an object in the form of `util.inspect`, or a text with a mask that belongs to no key of the record.
 *
 * @param rest the text around the message
 * @param level the level, which stands in front of most messages and is no key
 * @param hasMessage `true` for a message that the text shows
 * Arguments that are no fields are hidden where a field is, and by a mask that belongs to no key of the record, because the mask may be theirs.
 */
export function removeHiddenFields(
  info: Info,
  rest: string,
  level: string,
  hasMessage: boolean,
): VisibleRecord {
  const text = new SearchedText(rest)
  text.keys.delete(level.toLowerCase())
  const ends = endsOf(rest)
  const isMasked = hasForeignMask(info, ends)
  const isSelective = isMasked || (!hasMessage && showsAnyField(info, text)) || isOfSelected(info, ends)
  if (text.keys.size === 0 && !isSelective) return { info, isSelective: false }
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
  return { info: shown ?? info, isSelective: isMasked || shown !== undefined }
}

function showsAnyField(info: Info, text: SearchedText): boolean {
  return Object.keys(info).some((key) => {
    const value = safeGet(info, key)
    if (RESERVED.has(key) || isOmitted(value) || value === '') return false
    return unmaskedPart(text, key, value, true, 0) !== HIDDEN
  })
}

/** Cuts the middle out of a long text. */
function endsOf(text: string): string {
  return text.length > 2 * EXAMINED ? `${text.slice(0, EXAMINED)}\n${text.slice(-EXAMINED)}` : text
}

/** Tests for a text that shows selected fields beside its message. */
function isOfSelected(info: Info, text: string): boolean {
  return (text.includes('{') && hasObjectOf(info, text)) || isJsonArray(text)
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

/** @param mustShow `true` hides a value whose key the text lacks */
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
  if (places && text.begins(places, '[object Object]')) return value
  const kept: Fields = {}
  let isUnchanged = true
  for (const name of Object.keys(value)) {
    const field = safeGet(value, name)
    const part = unmaskedPart(text, name, field, mustShow || places !== undefined, depth + 1)
    if (!Object.is(part, field)) isUnchanged = false
    if (part !== HIDDEN) defineField(kept, name, part)
  }
  if (isUnchanged) return value
  return Object.keys(kept).length > 0 ? kept : HIDDEN
}

/** Tests for a value behind its key, because the same text at another place may be another value. */
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
  const line = truncateAsInspect(end < 0 ? part : part.slice(0, end), text)
  const begins = (form: string): boolean => text.begins(places, form)
  if (!begins(line) && !escapedForms(line).some(begins)) return false
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
  return objectTexts(value).some((form) => text.contains(form))
}

/** Tests for a string, unchanged or in the form of JSON or `util.inspect`. */
function showsString(text: SearchedText, value: string): boolean {
  const part = truncateAsInspect(stripEscapeSequences(value).trim(), text)
  if (text.contains(part)) return true
  const lines = part.split('\n', MAX_LINES + 1)
  if (lines.length > MAX_LINES) return false
  return lines.every((line) => text.contains(line) || escapedForms(line).some((form) => text.contains(form)))
}

/** Escapes a line as JSON and as `util.inspect` do. */
function escapedForms(line: string): string[] {
  return [JSON.stringify(line).slice(1, -1), inspect(line, { maxStringLength: null }).slice(1, -1)]
}

/** Truncates a value where `util.inspect` does. */
function truncateAsInspect(part: string, text: SearchedText): string {
  const isCut = part.length > SHOWN_CHARACTERS && text.contains(' more character')
  return isCut ? part.slice(0, SHOWN_CHARACTERS / 2) : part
}

/** Lists the texts that an object without fields may have, such as a Date. */
function objectTexts(value: object): string[] {
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
