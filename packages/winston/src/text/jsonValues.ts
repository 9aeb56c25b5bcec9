import types from 'node:util/types'
import { copyFields, isError, safeGet, toAnyValue } from '@logbridge/bridge'
import { containsText, isOmitted, MAX_DEPTH } from '@logbridge/bridge/internal'
import { cloneForFormat, type Info } from '../info.ts'

export type Fields = Record<string, unknown>

/** Marks a value that the text leaves out. */
export const HIDDEN: unique symbol = Symbol('hidden')
/** Parts of an Error, which a list of keys lets through. */
const ERROR_PARTS = ['type', 'message', 'stack', 'cause', 'errors']
/** Key under which `JSON.stringify` calls a replacer with the whole value. */
const ROOT = ''
/** Maximum number of values of a field that are searched for Maps, Sets and Errors. */
const MAX_SEARCHED = 1000

/**
 * Compares a value with the value that a text prints in its place.
 *
 * @param printed the value in the text, parsed as JSON
 * @param isExact `true` adds printed fields that the value lacks. A later format may have removed them where it is `false`.
 * @returns the value itself where `JSON.stringify` prints it so; else the printed value
 */
export function printedPart(value: unknown, printed: unknown, isExact = false, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return isPrintedAs(value, printed) ? value : printed
  // The encoder writes nothing below this depth.
  if (depth > MAX_DEPTH) return null
  if (isError(value)) return printedError(value, printed, isExact, depth)
  const json = jsonOf(value)
  if (typeof json !== 'object' || json === null) return isPrintedAs(json, printed) ? value : printed
  const part = printedObject(json, printed, isExact, depth)
  return part === json ? value : part
}

function printedObject(value: object, printed: unknown, isExact: boolean, depth: number): unknown {
  if (Array.isArray(value)) return printedElements(value, printed, isExact, depth)
  return isFields(printed) ? printedFields(value, printed, isExact, depth) : printed
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isPrintedAs(value: unknown, printed: unknown): boolean {
  if (value === printed || isOmitted(value)) return true
  if (typeof value === 'number') return printed === null && !Number.isFinite(value)
  return typeof value === 'bigint' && (printed === String(value) || printed === Number(value))
}

/** Returns the value that `JSON.stringify` prints in the place of an object. */
function jsonOf(value: object): unknown {
  const toJSON = safeGet(value, 'toJSON')
  if (typeof toJSON !== 'function') return value
  try {
    return toJSON.call(value, '')
  } catch {
    return undefined
  }
}

function printedElements(
  values: readonly unknown[],
  printed: unknown,
  isExact: boolean,
  depth: number,
): unknown {
  if (!Array.isArray(printed) || printed.length !== values.length) return printed
  let isUnchanged = true
  const kept = printed.map((element: unknown, index) => {
    const value = safeGet(values, index)
    const part = printedPart(value, element, isExact, depth + 1)
    if (!Object.is(part, value)) isUnchanged = false
    return part
  })
  return isUnchanged ? values : kept
}

function printedFields(value: object, printed: Fields, isExact: boolean, depth: number): object {
  const keys = Object.keys(value)
  // `JSON.stringify` prints a Map as `{}`. Any field comes from a replacer.
  if (keys.length === 0) return Object.keys(printed).length === 0 ? value : printed
  const kept: Fields = {}
  let isUnchanged = true
  for (const key of keys) {
    const field = safeGet(value, key)
    if (isOmitted(field)) continue
    const part = Object.hasOwn(printed, key)
      ? printedPart(field, printed[key], isExact, depth + 1)
      : unprintedPart(field)
    if (!Object.is(part, field)) isUnchanged = false
    if (part !== HIDDEN) defineField(kept, key, part)
  }
  for (const key of isExact ? Object.keys(printed) : []) {
    if (Object.hasOwn(value, key)) continue
    isUnchanged = false
    defineField(kept, key, printed[key])
  }
  return isUnchanged ? value : kept
}

/** Decides on a value without a place in a JSON text: kept where `JSON.stringify` prints nothing for it. */
export function unprintedPart(value: unknown): unknown {
  return typeof value === 'object' && value !== null && isOmitted(jsonOf(value)) ? value : HIDDEN
}

/** Compares an Error. `JSON.stringify` prints its own fields alone, whereas a replacer prints any form. */
function printedError(error: Error, printed: unknown, isExact: boolean, depth: number): unknown {
  const keys = Object.keys(error)
  if (!isFields(printed) || !Object.keys(printed).every((key) => keys.includes(key))) {
    return visibleError(textsOf(printed), error, printed)
  }
  const fields = printedFields(error, printed, isExact, depth)
  if (fields === error) return error
  return rebuildError(
    error,
    { ...coreFieldsOf(error), cause: safeGet(error, 'cause'), errors: safeGet(error, 'errors') },
    fields,
  )
}

/**
 * Copies an Error with the parts that a text shows.
 *
 * @param texts all texts among the printed values
 * @param printed the value in the place of the Error, if known
 * @returns `printed` where the text shows neither message nor stack
 */
export function visibleError(texts: string, error: Error, printed: unknown): unknown {
  const { name, message, stack } = coreFieldsOf(error)
  const masked = isFields(printed) ? printed : {}
  const shown = {
    name,
    message: shownText(texts, message) ?? masked['message'],
    stack: shownText(texts, stack) ?? masked['stack'],
  }
  if (shown.message === undefined && shown.stack === undefined) return printed
  const cause = safeGet(error, 'cause')
  const isCauseShown = isError(cause) && shownText(texts, safeGet(cause, 'message')) !== undefined
  const fields = isFields(printed) ? printedFields(error, printed, false, 0) : {}
  return rebuildError(error, { ...shown, ...(isCauseShown && { cause }) }, fields)
}

function shownText(texts: string, part: unknown): string | undefined {
  return typeof part === 'string' && containsText(texts, part) ? part : undefined
}

function coreFieldsOf(error: Error): Fields {
  return { name: safeGet(error, 'name'), message: safeGet(error, 'message'), stack: safeGet(error, 'stack') }
}

/** Creates an Error of the same class with these parts and fields alone. */
function rebuildError(error: Error, parts: Fields, fields: object): Error {
  const copy = Object.create(Object.getPrototypeOf(error) as object) as Error
  for (const [key, value] of Object.entries(parts)) {
    if (value !== undefined)
      Object.defineProperty(copy, key, { value, enumerable: false, writable: true, configurable: true })
  }
  for (const [key, value] of Object.entries(copyFields(fields))) defineField(copy, key, value)
  return copy
}

/** Joins all texts and numbers of a parsed JSON value, one a line. */
export function textsOf(printed: unknown): string {
  const texts: string[] = []
  collectTexts(printed, texts, 0)
  return texts.join('\n')
}

function collectTexts(value: unknown, texts: string[], depth: number): void {
  if (typeof value === 'string' || typeof value === 'number') texts.push(String(value))
  else if (typeof value === 'object' && value !== null && depth <= MAX_DEPTH) {
    for (const part of Object.values(value)) collectTexts(part, texts, depth + 1)
  }
}

/** Sets a field that is not enumerable, as message and stack of an Error. */
export function defineHidden(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: false, writable: true, configurable: true })
}

/** Sets a field even where its key is `__proto__`. */
export function defineField(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true })
}

/**
 * Applies the replacer of a format.json() to values that are sent although `JSON.stringify` prints nothing of them: the content
 * of a Map or a Set, the message, stack and causes of an Error.
 *
 * @param replacer a function or a list of keys. `JSON.stringify` ignores any other value.
 */
export function applyReplacer(info: Info, replacer: unknown): Info {
  const replace = replacerFor(replacer)
  if (replace === undefined) return info
  let shown: Info | undefined
  const keys = Object.keys(info)
  // Message and stack of an Error that is the record are no enumerable fields.
  for (const key of isError(info) ? ['message', 'stack'] : []) {
    const value = safeGet(info, key)
    if (keys.includes(key) || typeof value !== 'string') continue
    const part = replacedPart(key, value, replace)
    if (part !== value)
      defineHidden((shown ??= cloneForFormat(info)), key, part === HIDDEN ? undefined : part)
  }
  for (const key of keys) {
    const value = safeGet(info, key)
    if (!hasUnprinted(value, { left: MAX_SEARCHED })) continue
    const part = replacedPart(key, value, replace)
    if (part === value) continue
    shown ??= cloneForFormat(info)
    if (part === HIDDEN) delete shown[key]
    else defineField(shown, key, part)
  }
  return shown ?? info
}

type Replacer = (this: unknown, key: string, value: unknown) => unknown

function replacerFor(replacer: unknown): Replacer | undefined {
  if (typeof replacer === 'function') return replacer as Replacer
  if (!Array.isArray(replacer)) return undefined
  const keys = new Set([...replacer.map(String), ...ERROR_PARTS, ROOT])
  return function (key, value) {
    return keys.has(key) || Array.isArray(this) ? value : undefined
  }
}

/** Tests for a value that holds more than `JSON.stringify` prints. */
function hasUnprinted(value: unknown, searches: { left: number }): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (types.isMap(value) || types.isSet(value) || isError(value) || (searches.left -= 1) < 0) return true
  return Object.keys(value).some((key) => hasUnprinted(safeGet(value, key), searches))
}

/** Applies the replacer to a value; returns the value itself where the replacer hides nothing. */
function replacedPart(key: string, value: unknown, replace: Replacer): unknown {
  const plain = toAnyValue(value)
  let part: unknown
  try {
    const printed = JSON.parse(JSON.stringify({ [key]: plain }, replace)) as unknown
    part = isFields(printed) && Object.hasOwn(printed, key) ? printedPart(plain, printed[key]) : HIDDEN
  } catch {
    return HIDDEN
  }
  if (part === plain) return value
  if (!isError(value) || !isFields(part)) return part
  return rebuildFrom(value, part)
}

/** Copies an Error and its causes with the parts and fields of its plain form. */
function rebuildFrom(error: Error, plain: Fields): Error {
  const { type: _, message, stack, cause: plainCause, errors, ...fields } = plain
  const cause = safeGet(error, 'cause')
  const shownCause = isError(cause) && isFields(plainCause) ? rebuildFrom(cause, plainCause) : plainCause
  return rebuildError(
    error,
    { name: safeGet(error, 'name'), message, stack, cause: shownCause, errors },
    fields,
  )
}
