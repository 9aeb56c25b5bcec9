import types from 'node:util/types'
import { isError, safeGet, toAnyValue } from '@logbridge/bridge'
import { cloneForFormat, type Info } from './convert.ts'
import { defineField, errorOf, type Fields, HIDDEN, isFields, printedPart } from './printed.ts'

/** Parts of an Error, which a list of keys to print does not know. */
const ERROR_PARTS = ['type', 'message', 'stack', 'cause', 'errors']
/** Key of the value as a whole. */
const ROOT = ''
/** Values of a field among which Maps, Sets and Errors are looked for. */
const MAX_LOOKED_AT = 1000

/**
 * Takes off a record what a replacer of format.json() hides where `JSON.stringify` prints nothing: the content of a Map or a
 * Set, the message, stack and causes of an Error. They are sent, and so the replacer is applied to them.
 *
 * @param replacer a function or a list of keys; `undefined` where there is none
 */
export function withoutUnseen(info: Info, replacer: unknown): Info {
  const replace = replacerFor(replacer)
  if (replace === undefined) return info
  let shown: Info | undefined
  for (const key of Object.keys(info)) {
    const value = safeGet(info, key)
    if (!hasUnseen(value, { left: MAX_LOOKED_AT })) continue
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

/** Tests for a value in which there is more than `JSON.stringify` prints. */
function hasUnseen(value: unknown, looks: { left: number }): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (types.isMap(value) || types.isSet(value) || isError(value) || (looks.left -= 1) < 0) return true
  return Object.keys(value).some((key) => hasUnseen(safeGet(value, key), looks))
}

/** A value as it is sent, without what the replacer hides; the value itself where that is nothing. */
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
  return errorAs(value, part)
}

/** An Error with the parts and fields of its plain form, and its causes likewise. */
function errorAs(error: Error, plain: Fields): Error {
  const { type: _, message, stack, cause: plainCause, errors, ...fields } = plain
  const cause = safeGet(error, 'cause')
  const shownCause = isError(cause) && isFields(plainCause) ? errorAs(cause, plainCause) : plainCause
  return errorOf(error, { name: safeGet(error, 'name'), message, stack, cause: shownCause, errors }, fields)
}
