import types from 'node:util/types'
import {
  Bytes,
  bytesOf,
  dateText,
  dateValue,
  Elements,
  Entries,
  mapEntries,
  mapSize,
  setSize,
  setValues,
} from './builtins.ts'
import { errorEntries } from './exception.ts'
import { findInspectCustom, showByInspectCustom } from './inspectCustom.ts'
import {
  copyFields,
  isError,
  isPlain,
  MAX_PROTOTYPES,
  placeholder,
  type Reads,
  textBy,
  THROW_COST,
  USUAL_PROTOTYPES,
} from './safeAccess.ts'
import {
  DATE_COST,
  ERROR_COST,
  INSPECT_COST,
  MAX_SHOWN_BY,
  PROTOTYPE_COST,
  PROXY_COST,
} from './valueCosts.ts'
import { webContent } from './webClasses.ts'

/** Budget to which reading an object is charged, and the setting of the record. */
export interface Reading extends Reads {
  /** See `Adapter`. */
  readonly obeysInspectCustom: boolean
}

/**
 * Determines the form in which an object is written: an array, Elements, Entries, Bytes, a primitive, or an object with its own fields. Reads
 * built-in classes by the methods of the language, because a subclass may override them.
 * @throws the errors of the object
 */
export function unfold(value: object, reading: Reading, honorsToJSON: boolean = true): unknown {
  if (Array.isArray(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  // A prototype without a prototype is the Object.prototype of another realm, e.g. of Jest.
  const isPlainObject =
    prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null
  if (!isPlainObject) {
    if (types.isDate(value)) {
      reading.left -= DATE_COST
      return Number.isNaN(dateValue.call(value)) ? 'Invalid Date' : dateText.call(value)
    }
    if (ArrayBuffer.isView(value)) return new Bytes(bytesOf(value))
    if (types.isAnyArrayBuffer(value)) return new Bytes(new Uint8Array(value))
    if (types.isMap(value)) return new Entries(mapEntries.call(value), mapSize.call(value) as number, true)
    if (types.isSet(value)) return new Elements(setValues.call(value), setSize.call(value) as number)
    if (isError(value)) return entriesOf(value, reading)
    if (types.isBoxedPrimitive(value)) {
      // A `valueOf` of the application may return any value.
      const primitive: unknown = value.valueOf()
      return typeof primitive === 'object' ? null : primitive
    }
  }
  if (!isPlainObject && !hasUsualPrototypes(value, reading)) return ownFields(value, reading)
  const toJSON = honorsToJSON ? get(value, 'toJSON', reading) : undefined
  if (typeof toJSON === 'function') {
    let json: unknown = toJSON.call(value)
    if (reading.obeysInspectCustom && typeof json === 'object' && json !== null) {
      json = inspected(json, reading, 0)
    }
    return typeof json === 'object' && json !== null ? unfold(json, reading, false) : json
  }
  if (!isPlainObject) {
    const content = webContent(value, reading)
    if (content !== undefined) return content
    const text = textBy(value, get(value, 'toString', reading))
    if (text !== undefined) return text
    const size = Symbol.iterator in value ? get(value, 'size', reading) : undefined
    if (typeof size === 'number') {
      return new Elements((value as Iterable<unknown>)[Symbol.iterator](), size)
    }
  }
  return ownFields(value, reading)
}

/**
 * Returns the result of an object's `util.inspect.custom`; the object itself if it has none. Calls the function of the result again, like
 * `util.inspect`.
 * @param depth depth at which the object lies
 */
export function inspected(value: object, reading: Reading, depth: number): unknown {
  let shown: unknown = value
  for (let count = 0; count < MAX_SHOWN_BY && typeof shown === 'object' && shown !== null; count += 1) {
    const custom = hasUsualPrototypes(shown, reading) ? findInspectCustom(shown) : undefined
    if (custom === undefined) break
    reading.left -= INSPECT_COST
    const next = showByInspectCustom(shown, custom, depth)
    if (next === shown) break
    shown = next
  }
  return shown
}

/** Returns the object itself, or a copy with its fields when listing them could call code of the application. */
export function ownFields(source: object, reads: Reads): Record<string, unknown> {
  if (isPlain(source)) return source as Record<string, unknown>
  if (types.isProxy(source)) reads.left -= PROXY_COST
  const copy = copyFields(source, undefined, reads)
  // Fields of the copy are charged when they are written.
  reads.left += Object.keys(copy).length
  return copy
}

/** Reads a property that may be absent. */
export function get(source: object, key: PropertyKey, reads: Reads): unknown {
  try {
    return (source as Record<PropertyKey, unknown>)[key]
  } catch (error) {
    return thrown(error, reads)
  }
}

/** Charges for a throw, and returns its placeholder. */
export function thrown(error: unknown, reads: Reads): string {
  reads.left -= THROW_COST
  return placeholder(error)
}

function entriesOf(error: Error, reads: Reads): Entries {
  reads.left -= ERROR_COST
  const entries = errorEntries(error, reads)
  // Entries are charged when they are written.
  reads.left += entries.length
  return new Entries(entries.values(), undefined, false)
}

/** Tests for a chain of prototypes that is short enough to look up methods. */
function hasUsualPrototypes(value: object, reads: Reads): boolean {
  let prototype: unknown = Object.getPrototypeOf(value)
  for (let count = 1; prototype !== null && prototype !== Object.prototype; count += 1) {
    if (count > MAX_PROTOTYPES) return false
    if (count > USUAL_PROTOTYPES) {
      if (types.isProxy(prototype)) return false
      reads.left -= PROTOTYPE_COST
    }
    prototype = Object.getPrototypeOf(prototype)
  }
  return true
}
