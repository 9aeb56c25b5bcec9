import types from 'node:util/types'
import { isError, safeGet, toAnyValue } from '@logbridge/bridge'
import { cloneForFormat, type Info } from './info.ts'
import { defineField, rebuildError, type Fields, HIDDEN, isFields, printedPart } from './jsonValues.ts'

/** Parts of an Error, which a list of keys lets through. */
const ERROR_PARTS = ['type', 'message', 'stack', 'cause', 'errors']
/** Key under which `JSON.stringify` calls a replacer with the whole value. */
const ROOT = ''
/** Most values of a field that are searched for Maps, Sets and Errors. */
const MAX_SEARCHED = 1000

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
  for (const key of Object.keys(info)) {
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
