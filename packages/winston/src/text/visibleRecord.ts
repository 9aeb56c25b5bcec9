/*
 * Compares a record with its text. winston's transports print `info[MESSAGE]`, the text that the last format makes. The record
 * still holds the fields that this format leaves out or masks, but these fields are hidden and must not be sent.
 *
 * | text                                     | body             | fields that are sent                                  |
 * |------------------------------------------|------------------|-------------------------------------------------------|
 * | no text, or the text of format.json()    | message          | all fields                                            |
 * | JSON                                     | printed message  | printed fields, with the printed values               |
 * | text with the message and a JSON part    | message          | fields in the JSON part, and primitives beside it     |
 * | text with the message                    | message          | all but fields with another value (`key=***`)         |
 * | text with the message and selected fields| message          | printed fields; all fields with `trustInfo`           |
 * | text without the message                 | the text         | fields in a JSON part; all fields with `trustInfo`    |
 *
 * `docs/mapping.md` has the table that a test executes.
 */
import { isError, safeGet } from '@logbridge/bridge'
import { containsText, isOmitted, stripEscapeSequences } from '@logbridge/bridge/internal'
import { cloneForFormat, type Info, LEVEL, levelOf, MESSAGE, SPLAT } from '../info.ts'
import {
  applyReplacer,
  defineField,
  defineHidden,
  visibleError,
  type Fields,
  HIDDEN,
  isFields,
  printedPart,
  textsOf,
  unprintedPart,
} from './jsonValues.ts'
import { hasToJSON, type ReplacerUse } from './jsonFormat.ts'
import {
  removeHiddenFields,
  removeMessage,
  showsMessage,
  showsText,
  type VisibleRecord,
} from './plainText.ts'
import { SearchedText } from './searchedText.ts'

/** Fields that become no attribute, and that a text may show under any key or none. */
const PLACED = new Set(['timestamp', 'label', 'stack'])
/** Keys of the message in a JSON text. */
const MESSAGE_KEYS = ['message', '@message', 'msg']
/** Maximum number of objects of a JSON text that are searched for fields of the record. */
const MAX_PLACES = 16
/** Marks a value whose key the text lacks. */
const MISSING = Symbol('missing')
/** Matches the beginning of an object in a text. */
const OBJECT = /\{\s*["}]/g
/** Maximum number of beginnings of objects that are parsed. */
const MAX_PARTS = 4

/**
 * Removes from a record the fields that its text hides.
 *
 * @param trustInfo `true` sends fields also where the text is no JSON and shows another message
 * @param used replacer of the format.json() that has made the text; `undefined` for any other text
 */
export function removeHidden(info: Info, trustInfo: boolean, used?: ReplacerUse): VisibleRecord {
  const made = info[MESSAGE]
  const message = safeGet(info, 'message')
  if (typeof made !== 'string' || made === message) return { info, isSelective: false }
  const text = stripEscapeSequences(made)
  const printed = parseFields(text)
  if (printed) {
    // The text shows the result of the record's `toJSON` alone.
    const source = hasToJSON(info) ? Object.assign(withoutFields(info), printed) : info
    const shown = compareFields(source, printed, undefined, used)
    if (source !== info && isError(info) && !Object.hasOwn(printed, 'stack')) keepStack(shown, info)
    return { info: used ? applyReplacer(shown, used.replacer) : shown, isSelective: true }
  }
  const isMessageShown = showsMessage(text, message)
  if (trustInfo)
    return { info: isMessageShown ? info : withMessage(cloneForFormat(info), text), isSelective: false }
  const rest = isMessageShown ? removeMessage(text, message) : text
  const part = parsePart(rest)
  if (part) {
    const shown = compareFields(info, part.json, part.beside)
    return { info: isMessageShown ? shown : withText(shown, text), isSelective: true }
  }
  if (!isMessageShown) return { info: keepPlacedFields(info, text), isSelective: true }
  const hasMessage = !isOmitted(message) && message !== ''
  return removeHiddenFields(info, rest, levelOf(info), hasMessage)
}

/** Parses a text that is a JSON object. */
function parseFields(text: string): Fields | undefined {
  const trimmed = text.trim()
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}')) return undefined
  try {
    const value: unknown = JSON.parse(trimmed)
    return isFields(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Parses the first JSON object of a text that reaches to the last brace. */
function parsePart(text: string): { json: Fields; beside: string } | undefined {
  const end = text.lastIndexOf('}') + 1
  if (end === 0) return undefined
  let tries = MAX_PARTS
  for (const { index } of text.matchAll(OBJECT)) {
    const json = parseFields(text.slice(index, end))
    if (json) return { json, beside: `${text.slice(0, index)}\n${text.slice(end)}` }
    if ((tries -= 1) === 0) break
  }
  return undefined
}

/**
 * Compares a record with JSON field by field.
 *
 * @param beside the text around the JSON, which shows the message; `undefined` where there is no text around
 * @param used replacer of the format.json() that has made the JSON. All fields that it prints are sent, under any name.
 */
function compareFields(info: Info, json: Fields, beside?: string, used?: ReplacerUse): Info {
  const isExact = used !== undefined
  const places = placesOf(json, info)
  let others: Others | undefined
  let shown: Info | undefined
  let count = 0
  for (const key of Object.keys(info)) {
    const value = safeGet(info, key)
    if (key === 'level' || isOmitted(value)) continue
    let part: unknown = value
    if (key !== 'message') part = fieldIn(places, key, value, isExact)
    else if (beside === undefined) part = messageIn(places, value, isExact)
    if (part === MISSING) part = partAnywhere(key, value, (others ??= othersOf(info, json, beside)))
    if (part !== HIDDEN) count += 1
    if (Object.is(part, value)) continue
    shown ??= cloneForFormat(info)
    if (part !== HIDDEN) defineField(shown, key, part)
    // A deleted message would be that of the prototype.
    else if (key === 'message') defineHidden(shown, key, undefined)
    else delete shown[key]
  }
  for (const key of used ? Object.keys(json) : []) {
    if (used!.keys.has(key) || Object.hasOwn(info, key) || MESSAGE_KEYS.includes(key)) continue
    shown ??= cloneForFormat(info)
    defineField(shown, key, json[key])
    count += 1
  }
  for (const [key, part] of beside === undefined ? unlistedParts(info, json, places) : []) {
    shown ??= cloneForFormat(info)
    defineHidden(shown, key, part)
    if (part !== undefined) count += 1
  }
  if (shown === undefined) return info
  // The JSON shows no field of this record, and becomes the body.
  return count === 0 && safeGet(shown, 'message') === undefined
    ? withMessage(shown, String(info[MESSAGE]))
    : shown
}

/**
 * Lists the message and the stack of an Error that is the record, where JSON changes or hides them, and they are no enumerable fields. JSON of
 * enumerable fields alone hides nothing, because `JSON.stringify` prints an Error so. A stack without a key in the JSON follows the message.
 */
function unlistedParts(info: Info, json: Fields, places: readonly Fields[]): [key: string, part: unknown][] {
  if (!isError(info)) return []
  const keys = Object.keys(info)
  if (!keys.includes('message') && Object.keys(json).every((key) => keys.includes(key))) return []
  const message = safeGet(info, 'message')
  const stack = safeGet(info, 'stack')
  const text = textsOf(json)
  let shownMessage = messageIn(places, message, false)
  if (shownMessage === MISSING) shownMessage = partIn(text, message)
  let shownStack = fieldIn(places, 'stack', stack, false)
  if (shownStack === MISSING) shownStack = shownMessage === message ? stack : partIn(text, stack)
  const parts: [string, unknown][] = [
    ['message', shownMessage],
    ['stack', shownStack],
  ]
  return parts.filter(([key, part]) => !keys.includes(key) && part !== safeGet(info, key))
}

/** Returns a part that a text contains; `undefined` for any other. */
function partIn(text: string, part: unknown): unknown {
  return typeof part === 'string' && containsText(text, part) ? part : undefined
}

/** Parts of a text that are searched for fields whose key the text lacks. */
interface Others {
  /** All texts of the JSON and the text around it. */
  readonly texts: SearchedText
  /** Text around the JSON. */
  readonly beside: SearchedText
  /** Fields of the JSON that the record lacks. */
  readonly fields: Fields
}

function othersOf(info: Info, json: Fields, beside = ''): Others {
  const fields = Object.entries(json).filter(([key]) => !Object.hasOwn(info, key))
  return {
    texts: new SearchedText(`${textsOf(json)}\n${beside}`),
    beside: new SearchedText(beside),
    fields: Object.fromEntries(fields),
  }
}

function fieldIn(places: readonly Fields[], key: string, value: unknown, isExact: boolean): unknown {
  for (const place of places) if (Object.hasOwn(place, key)) return printedPart(value, place[key], isExact)
  return MISSING
}

function messageIn(places: readonly Fields[], value: unknown, isExact: boolean): unknown {
  for (const key of MESSAGE_KEYS) {
    const part = fieldIn(places, key, value, isExact)
    if (part !== MISSING) return part
  }
  return MISSING
}

/** Finds the visible part of a value whose key the text lacks, although the text may contain the value. */
function partAnywhere(key: string, value: unknown, others: Others): unknown {
  const { texts, beside, fields } = others
  // Fields that format.metadata() has gathered are often printed without the key `metadata`.
  if (isFields(value) && !isError(value) && Object.keys(value).some((name) => Object.hasOwn(fields, name))) {
    return printedPart(value, fields)
  }
  if (isError(value)) return visibleError(texts.text, value, HIDDEN)
  const isPlaced = PLACED.has(key) || (key === 'message' && typeof value === 'string')
  if (!isPlaced && (typeof value === 'object' || value === '' || beside.text === ''))
    return unprintedPart(value)
  return showsText(isPlaced ? texts : beside, value, key) ? value : HIDDEN
}

/** Lists a JSON object and the objects in it that the format has put around fields, such as the `@fields` of format.logstash(). */
function placesOf(printed: Fields, info: Info): Fields[] {
  const places = [printed]
  for (let index = 0; index < places.length; index += 1) {
    const place = places[index]!
    for (const key of Object.keys(place)) {
      const inner = place[key]
      if (isFields(inner) && !Object.hasOwn(info, key) && places.length < MAX_PLACES) places.push(inner)
    }
  }
  return places
}

/** Removes all fields but timestamp, label and stack, and these where the text does not show them. */
function keepPlacedFields(info: Info, text: string): Info {
  const shown = withoutFields(info)
  const searched = new SearchedText(text)
  for (const key of PLACED) {
    const value = safeGet(info, key)
    if (!isOmitted(value) && showsText(searched, value, key)) shown[key] = value
  }
  return withMessage(shown, text)
}

function withoutFields(info: Info): Info {
  return { [LEVEL]: info[LEVEL], [SPLAT]: info[SPLAT], [MESSAGE]: info[MESSAGE], level: info['level'] }
}

/** Sets the stack of an Error on the result of its `toJSON`, which shows the message and no stack. */
function keepStack(shown: Info, error: Info): void {
  if (safeGet(shown, 'message') === safeGet(error, 'message')) shown['stack'] = safeGet(error, 'stack')
}

/** Copies a record with the text in place of its message. The stack of an Error has the message, too. */
function withText(info: Info, text: string): Info {
  const copy = withMessage(cloneForFormat(info), text)
  if (isError(info) && !Object.keys(info).includes('stack'))
    defineHidden(copy, 'stack', partIn(text, safeGet(info, 'stack')))
  return copy
}

function withMessage(info: Info, text: string): Info {
  defineField(info, 'message', text)
  return info
}
