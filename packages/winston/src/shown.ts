/*
 * Compares a record with its text. winston's transports print `info[MESSAGE]`, the text that the last format makes. Fields
 * that this format leaves out or masks are hidden, though they still stand in the record.
 *
 * | text                                    | body                      | fields                                              |
 * |-----------------------------------------|---------------------------|-----------------------------------------------------|
 * | none, or of format.json() itself        | message                   | all                                                 |
 * | JSON                                    | message, as it is printed | those that are printed, as they are printed         |
 * | other, contains message and a JSON part | message                   | those in the JSON part, and primitives beside it    |
 * | other, contains the message             | message                   | all but those printed with another value (`key=***`)|
 * | the same, of selected fields            | message                   | those that are printed; all with `trustInfo`        |
 * | other, without the message              | the text                  | those in a JSON part; all with `trustInfo`          |
 *
 * The executed table is in `docs/mapping.md`.
 */
import { isError, safeGet } from '@logbridge/bridge'
import { containsText, isOmitted, stripEscapeSequences } from '@logbridge/bridge/internal'
import { cloneForFormat, type Info, LEVEL, levelOf, MESSAGE, SPLAT } from './convert.ts'
import {
  defineField,
  errorShownBy,
  type Fields,
  HIDDEN,
  isFields,
  printedPart,
  textsOf,
  unprintedPart,
} from './printed.ts'
import { hasToJSON, type UsedReplacer } from './finished.ts'
import { showsMessage, showsText, withoutHidden, withoutText } from './plainText.ts'
import { SearchedText } from './searchedText.ts'
import { withoutUnseen } from './unseen.ts'

/** A record as its text shows it. */
export interface Shown {
  /** The record itself where the text hides nothing. */
  info: Info
  /** Whether the text has been made of chosen fields: arguments that are no fields count as hidden. */
  isSelective: boolean
}

/** Fields that have a place of their own in what is sent, and may be shown under any key or none. */
const PLACED = new Set(['timestamp', 'label', 'stack'])
/** Keys under which a JSON text has the message. */
const MESSAGE_KEYS = ['message', '@message', 'msg']
/** Objects of a JSON text in which fields of the record are looked for. */
const MAX_PLACES = 16
/** Stands for a value whose key is not printed. */
const MISSING = Symbol('missing')
/** Begins an object in a text. */
const OBJECT = /\{\s*["}]/g
/** Beginnings of objects that are tried. */
const MAX_PARTS = 4

/**
 * Takes off a record what its text hides.
 * @param used by the format.json() that has made the text, if one has
 * @param trustInfo whether fields are sent where the text is no JSON and shows another message
 */
export function shownPart(info: Info, trustInfo: boolean, used?: UsedReplacer): Shown {
  const made = info[MESSAGE]
  const message = safeGet(info, 'message')
  if (typeof made !== 'string' || made === message) return { info, isSelective: false }
  const text = stripEscapeSequences(made)
  const printed = parseFields(text)
  if (printed) {
    // The text shows the result of the record's `toJSON` alone.
    const source = hasToJSON(info) ? Object.assign(withoutFields(info), printed) : info
    const shown = byFields(source, printed, undefined, used)
    return { info: used ? withoutUnseen(shown, used.replacer) : shown, isSelective: true }
  }
  const isMessageShown = showsMessage(text, message)
  if (trustInfo)
    return { info: isMessageShown ? info : withMessage(cloneForFormat(info), text), isSelective: false }
  const rest = isMessageShown ? withoutText(text, message) : text
  const part = parsePart(rest)
  if (part) {
    const shown = byFields(info, part.json, part.beside)
    return { info: isMessageShown ? shown : withMessage(cloneForFormat(shown), text), isSelective: true }
  }
  if (!isMessageShown) return { info: placedFields(info, text), isSelective: true }
  const hasMessage = !isOmitted(message) && message !== ''
  const kept = withoutHidden(info, rest, levelOf(info), hasMessage)
  return { info: kept, isSelective: kept !== info }
}

/** Reads a text that is a JSON object. */
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

/** Reads the first JSON object in a text that ends with the last brace. */
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
 * @param used by the format.json() that has made the JSON. All that it prints is sent, under whatever name.
 * @param beside the text around the JSON, which shows the message; `undefined` where the JSON is all there is
 */
function byFields(info: Info, json: Fields, beside?: string, used?: UsedReplacer): Info {
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
    if (part === HIDDEN) delete shown[key]
    else defineField(shown, key, part)
  }
  for (const key of used ? Object.keys(json) : []) {
    if (used!.keys.has(key) || Object.hasOwn(info, key) || MESSAGE_KEYS.includes(key)) continue
    shown ??= cloneForFormat(info)
    defineField(shown, key, json[key])
    count += 1
  }
  if (shown === undefined) return info
  // The JSON is no form of this record: it is all that is known of the message.
  return count === 0 && !('message' in shown) ? withMessage(shown, String(info[MESSAGE])) : shown
}

/** Parts of a text in which fields are looked for whose key is not printed. */
interface Others {
  /** All texts, of the JSON and beside it. */
  readonly texts: SearchedText
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
    for (const place of places) {
      if (!Object.hasOwn(place, key)) continue
      const message = place[key]
      const isShown =
        typeof value === 'string' &&
        typeof message === 'string' &&
        containsText(message, stripEscapeSequences(value))
      return isShown ? value : printedPart(value, message, isExact)
    }
  }
  return MISSING
}

/** A value whose key is not printed, where the text contains the value all the same. */
function partAnywhere(key: string, value: unknown, others: Others): unknown {
  const { texts, beside, fields } = others
  // Fields that format.metadata() has gathered are often printed without the key of the gathering.
  if (isFields(value) && !isError(value) && Object.keys(value).some((name) => Object.hasOwn(fields, name))) {
    return printedPart(value, fields)
  }
  if (isError(value)) return errorShownBy(texts.text, value, HIDDEN)
  const isPlaced = PLACED.has(key) || (key === 'message' && typeof value === 'string')
  if (!isPlaced && (typeof value === 'object' || value === '' || beside.text === ''))
    return unprintedPart(value)
  return showsText(isPlaced ? texts : beside, value, key) ? value : HIDDEN
}

/** A JSON text, and the objects in it that the format has put around fields, such as the `@fields` of format.logstash(). */
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

/** A record without fields, but for those that have a place of their own and that its text shows. */
function placedFields(info: Info, text: string): Info {
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

function withMessage(info: Info, text: string): Info {
  defineField(info, 'message', text)
  return info
}
