import types from 'node:util/types'
import { errorEntries } from './exception.ts'
import { findInspectCustom, mayShowItself, showByInspectCustom } from './inspectCustom.ts'
import { distinctKey } from './keys.ts'
import { KeyText, MAX_KEY_LENGTH } from './keyText.ts'
import {
  bigintText,
  copyFields,
  isOmitted,
  isError,
  isPlain,
  MAX_PROTOTYPES,
  MAX_VALUES,
  placeholder,
  textBy,
  textOf,
  THROW_COST,
  USUAL_PROTOTYPES,
} from './safeAccess.ts'
import { state } from './state.ts'

/**
 * Takes a value piece by piece. The rules of what a value becomes stand once, in `ValueWriter`; one sink builds
 * plain AnyValues (`anyValue.ts`), another writes protobuf (`@logbridge/core`), and so they agree.
 */
export interface ValueSink {
  /** AnyValue with nothing set: null. */
  empty(): void
  string(value: string): void
  bool(value: boolean): void
  /** A safe integer, or a bigint that fits int64. */
  int(value: number | bigint): void
  double(value: number): void
  bytes(value: Uint8Array): void
  /** Called before the text that stands for an object. */
  standsFor?(object: object): void
  beginArray(): void
  beginElement(): void
  endElement(): void
  endArray(): void
  beginMap(): void
  /**
   * Writes a whole field at once, where the sink has a faster way for it; the same as the three calls below would.
   * @returns false, with nothing written, where it has not
   */
  primitiveField?(key: string, value: string | number | boolean): boolean
  /**
   * @param key no other field of this map has it
   * @returns false, with nothing written, when UTF-8 cannot hold the key: it is asked again with one that is well-formed
   */
  beginField(key: string): boolean
  endField(): void
  endMap(): void
}

export interface ValueLimits {
  /** Longest string in UTF-16 units; the rest is cut off and marked with `…`. Default: no limit. */
  attributeValueLengthLimit?: number | undefined
  /** Most attributes of a record; more are counted as dropped. Default: no limit. */
  attributeCountLimit?: number | undefined
}

/** Deeper values are written as the empty value. Source: OpenTelemetry common, attribute limits. */
export const MAX_DEPTH = 64
/** UTF-16 units of text, or bytes, that count as one more value: together no more than 8 Mi of them are written. */
const UNITS_SHIFT = 7
/** Values that one Proxy counts for, because each look at it may run code of its own. */
const PROXY_COST = 16
/** Values that an Error counts for, because V8 makes the text of its stack when the stack is read first. */
const ERROR_COST = 24
/** Values that each of these counts for in addition. */
const DATE_COST = 2
const BIGINT_COST = 1
const PROTOTYPE_COST = 1
/** Values that one call of `util.inspect.custom` counts for in addition: with its arguments it takes a microsecond. */
const INSPECT_COST = 4
/** Objects that show themselves by one another. */
const MAX_SHOWN_BY = 8
/** Objects of a record whose hidden keys are not counted when they are listed first. */
const FREE_LISTINGS = 16
const OBJECT_KEY_COST = 4
const RENAMED_KEY_COST = 6
/** Fields that are counted when they are no longer read. */
const MAX_COUNTED = 10_000
/** Values of a Map's key that is an object. */
const MAX_KEY_VALUES = 64

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/**
 * Writes any JavaScript value to a sink. Total: never throws by itself, and says where it cuts something. All work is
 * bounded while it is done: each value that is read, each long text, each throw takes from the `budget` of `MAX_VALUES`.
 *
 * Own fields are walked by `for in` with the value read in the loop: V8 takes it from where it lies, and knows that it is
 * the object's own, instead of looking it up by its key. 10 ns for four fields against 50 by `Object.keys`, and 45 more by
 * `Object.hasOwn`, which V8 does not see through.
 */
export class ValueWriter {
  private budget = 0
  private readonly ancestors: object[] = []
  /** The first objects whose fields have been listed. */
  private readonly listed: object[] = []
  private readonly lengthLimit: number
  private readonly countLimit: number
  private readonly sink: ValueSink
  private obeysInspectCustom = false
  private readonly alwaysObeys: boolean

  /** @param obeysInspectCustom see `Adapter`; default: as the bridge at work does */
  constructor(sink: ValueSink, limits: ValueLimits, obeysInspectCustom: boolean = false) {
    this.sink = sink
    this.alwaysObeys = obeysInspectCustom
    this.lengthLimit = limits.attributeValueLengthLimit ?? Infinity
    this.countLimit = limits.attributeCountLimit ?? Infinity
  }

  /**
   * Writes one value, such as a body.
   * @param budget values read before the rest becomes `[Truncated]`
   */
  write(value: unknown, budget: number = MAX_VALUES): void {
    this.begin(budget)
    this.value(value, 0)
  }

  /**
   * Writes the fields of a record's attributes: `beginField`, the value, `endField` for each.
   * @returns how many were left out because of `attributeCountLimit`
   */
  writeFields(attributes: object): number {
    this.begin(MAX_VALUES)
    let dropped = 0
    let written = 0
    let names: Names | undefined
    let index = -1
    const source = this.ownFields(attributes)
    for (const key in source) {
      let value: unknown
      try {
        if (!hasOwn.call(source, key)) continue
        value = source[key]
      } catch (error) {
        value = this.thrown(error)
      }
      index += 1
      if (this.budget <= 0) {
        this.field('[Truncated]', 'more attributes', 0)
        break
      }
      if (isOmitted(value)) {
        this.budget -= 1
        names?.claim(key)
        continue
      }
      if (written === this.countLimit) {
        this.budget -= 1
        dropped += 1
        continue
      }
      written += 1
      if (this.field(names ? this.claim(names, key) : key, value, 0)) continue
      names = namesBefore(source, index)
      this.field(this.claim(names, key), value, 0)
    }
    return dropped
  }

  private begin(budget: number): void {
    this.budget = budget
    this.obeysInspectCustom = this.alwaysObeys || state.obeysInspectCustom
    // Those of a value whose sink has thrown. To set the length alone takes 40 ns.
    if (this.ancestors.length > 0) this.ancestors.length = 0
    if (this.listed.length > 0) this.listed.length = 0
  }

  private thrown(error: unknown): string {
    this.budget -= THROW_COST
    return placeholder(error)
  }

  /** Reads a property that an object need not have. */
  private get(source: object, key: PropertyKey): unknown {
    try {
      return (source as Record<PropertyKey, unknown>)[key]
    } catch (error) {
      return this.thrown(error)
    }
  }

  private value(value: unknown, depth: number): void {
    const { sink } = this
    switch (typeof value) {
      case 'string':
        return this.string(value)
      case 'number':
        return Number.isSafeInteger(value) && !Object.is(value, -0) ? sink.int(value) : sink.double(value)
      case 'boolean':
        return sink.bool(value)
      case 'bigint':
        this.budget -= BIGINT_COST
        return value >= INT64_MIN && value <= INT64_MAX ? sink.int(value) : this.digits(value)
      case 'object':
        return value === null ? sink.empty() : this.object(value, depth)
      default:
        return sink.empty()
    }
  }

  private string(given: string): void {
    const value = given.length > this.lengthLimit ? truncate(given, this.lengthLimit) : given
    this.budget -= value.length >>> UNITS_SHIFT
    this.sink.string(value)
  }

  private digits(value: bigint): void {
    const digits = bigintText(value)
    // Digits take longer to make than text takes to copy.
    this.budget -= digits.length >>> 2
    this.sink.string(digits)
  }

  private object(value: object, depth: number): void {
    if (depth >= MAX_DEPTH) return this.sink.empty()
    if (this.ancestors.includes(value)) return this.sink.string('[Circular]')
    let content: unknown
    let isShown = false
    try {
      if (this.obeysInspectCustom && mayShowItself(value)) {
        content = this.inspected(value, depth)
        isShown = content !== value
      }
      if (!isShown) content = this.unfold(value, true)
    } catch (error) {
      content = this.thrown(error)
    }
    this.ancestors.push(value)
    if (isShown || typeof content !== 'object' || content === null) {
      if (typeof content === 'string') this.sink.standsFor?.(value)
      this.value(content, depth + 1)
    } else if (content instanceof Elements) this.elements(content, depth)
    else if (content instanceof Entries) this.entries(content, depth)
    else if (content instanceof Bytes) this.bytes(content.bytes)
    else if (Array.isArray(content)) this.array(content, depth)
    else {
      const count = this.map(content as Record<string, unknown>, depth)
      if (content === value && this.budget > 0) this.chargeHidden(value, count)
    }
    this.ancestors.pop()
  }

  /**
   * Returns what an object shows by `util.inspect.custom`; the object itself where it has none. What it returns is asked again,
   * as `util.inspect` does.
   */
  private inspected(value: object, depth: number): unknown {
    let shown: unknown = value
    for (let count = 0; count < MAX_SHOWN_BY && typeof shown === 'object' && shown !== null; count += 1) {
      const custom = this.hasUsualPrototypes(shown) ? findInspectCustom(shown) : undefined
      if (custom === undefined) break
      this.budget -= INSPECT_COST
      const next = showByInspectCustom(shown, custom, depth)
      if (next === shown) break
      shown = next
    }
    return shown
  }

  /**
   * Determines the form in which an object is written: an array, Elements, Entries, Bytes, a primitive, or an object by its own fields.
   * Reads the contents of built-in classes as the language defines them, because a subclass may say anything of itself.
   * May throw what the object throws.
   */
  private unfold(value: object, honorsToJSON: boolean): unknown {
    if (Array.isArray(value)) return value
    const prototype: unknown = Object.getPrototypeOf(value)
    // A prototype without one of its own is another realm's Object.prototype: what Node's modules return in a vm, as in Jest.
    const isPlainObject =
      prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null
    if (!isPlainObject) {
      if (types.isDate(value)) {
        this.budget -= DATE_COST
        return Number.isNaN(dateValue.call(value)) ? 'Invalid Date' : dateText.call(value)
      }
      if (ArrayBuffer.isView(value)) return new Bytes(bytesOf(value))
      if (types.isAnyArrayBuffer(value)) return new Bytes(new Uint8Array(value))
      if (types.isMap(value)) return new Entries(mapEntries.call(value), mapSize.call(value) as number, true)
      if (types.isSet(value)) return new Elements(setValues.call(value), setSize.call(value) as number)
      if (isError(value)) return this.error(value)
      if (types.isBoxedPrimitive(value)) {
        // Its own `valueOf` may give anything.
        const primitive: unknown = value.valueOf()
        return typeof primitive === 'object' ? null : primitive
      }
    }
    if (!isPlainObject && !this.hasUsualPrototypes(value)) return this.ownFields(value)
    const toJSON = honorsToJSON ? this.get(value, 'toJSON') : undefined
    if (typeof toJSON === 'function') {
      let json: unknown = toJSON.call(value)
      if (this.obeysInspectCustom && typeof json === 'object' && json !== null) json = this.inspected(json, 0)
      return typeof json === 'object' && json !== null ? this.unfold(json, false) : json
    }
    if (!isPlainObject) {
      const text = textBy(value, this.get(value, 'toString'))
      if (text !== undefined) return text
      const size = Symbol.iterator in value ? this.get(value, 'size') : undefined
      if (typeof size === 'number') {
        return new Elements((value as Iterable<unknown>)[Symbol.iterator](), size)
      }
    }
    return this.ownFields(value)
  }

  private error(error: Error): Entries {
    this.budget -= ERROR_COST
    const reads = { left: this.budget }
    const entries = errorEntries(error, reads)
    this.budget = reads.left + entries.length
    return new Entries(entries.values(), undefined, false)
  }

  /** An object whose own fields can be listed and read one by one: itself, or a copy where that could call other code. */
  private ownFields(source: object): Record<string, unknown> {
    if (isPlain(source)) return source as Record<string, unknown>
    if (types.isProxy(source)) this.budget -= PROXY_COST
    const reads = { left: this.budget }
    const copy = copyFields(source, undefined, reads)
    const count = Object.keys(copy).length
    // What is kept is charged when it is written.
    this.budget = reads.left + count
    return copy
  }

  /**
   * Charges for the keys that an object lists and that are not written: those that are not enumerable, and symbols. To count
   * them takes longer than to write a small object. So the first objects of a record pay only when they are listed again.
   * @param count fields that are written, or have been charged
   */
  private chargeHidden(source: object, count: number): void {
    const { listed } = this
    if (listed.length < FREE_LISTINGS && !listed.includes(source)) listed.push(source)
    else this.budget -= Math.max(0, Reflect.ownKeys(source).length - count)
  }

  /** Whether an object has so few prototypes that methods can be looked up in them. */
  private hasUsualPrototypes(value: object): boolean {
    let prototype: unknown = Object.getPrototypeOf(value)
    for (let count = 1; prototype !== null && prototype !== Object.prototype; count += 1) {
      if (count > MAX_PROTOTYPES) return false
      if (count > USUAL_PROTOTYPES) {
        if (types.isProxy(prototype)) return false
        this.budget -= PROTOTYPE_COST
      }
      prototype = Object.getPrototypeOf(prototype)
    }
    return true
  }

  /** @returns how many fields were read */
  private map(source: Record<string, unknown>, depth: number): number {
    this.sink.beginMap()
    let names: Names | undefined
    let index = -1
    for (const key in source) {
      if (this.budget <= 0) {
        this.field('[Truncated]', moreOf(source, index + 1), depth)
        break
      }
      let value: unknown
      try {
        if (!hasOwn.call(source, key)) continue
        value = source[key]
      } catch (error) {
        value = this.thrown(error)
      }
      index += 1
      if (isOmitted(value)) {
        this.budget -= 1
        names?.claim(key)
        continue
      }
      if (this.field(names ? this.claim(names, key) : key, value, depth + 1)) continue
      names = namesBefore(source, index)
      this.field(this.claim(names, key), value, depth + 1)
    }
    this.sink.endMap()
    return index + 1
  }

  private entries({ iterator, size, areKeysDistinct }: Entries, depth: number): void {
    this.sink.beginMap()
    const written: string[] = []
    // Distinct keys of one type have distinct texts. Names are compared only where there is another key among them.
    let keyType: string | undefined
    let names = areKeysDistinct ? undefined : new Names()
    for (let index = 0; ; index += 1) {
      const step = iterator.next()
      if (step.done) break
      if (this.budget <= 0) {
        this.field('[Truncated]', more(size, index), depth)
        break
      }
      const [key, value] = step.value
      const type = typeof key
      keyType ??= type
      const name = this.nameOf(key)
      if (names === undefined && (type !== keyType || (type !== 'string' && type !== 'number'))) {
        names = new Names(written)
      }
      if (isOmitted(value)) {
        this.budget -= 1
        // A left-out entry keeps its name, so that the names of others do not depend on its value.
        if (names) names.claim(name)
        else written.push(name.toWellFormed())
      } else if (names !== undefined) {
        this.field(this.claim(names, name), value, depth + 1)
      } else if (this.field(name, value, depth + 1)) {
        written.push(name)
      } else {
        names = new Names(written)
        this.field(this.claim(names, name), value, depth + 1)
      }
    }
    this.sink.endMap()
  }

  private array(source: readonly unknown[], depth: number): void {
    this.sink.beginArray()
    // A Proxy may answer with anything.
    const claimed = this.get(source, 'length')
    const length = Number.isSafeInteger(claimed) ? (claimed as number) : 0
    for (let index = 0; index < length; index += 1) {
      this.sink.beginElement()
      if (this.budget <= 0) {
        this.sink.string(`[Truncated] ${length - index} more`)
        this.sink.endElement()
        break
      }
      this.budget -= 1
      this.value(this.get(source, index), depth + 1)
      this.sink.endElement()
    }
    this.sink.endArray()
  }

  private elements({ iterator, size }: Elements, depth: number): void {
    this.sink.beginArray()
    for (let index = 0; ; index += 1) {
      let value: unknown
      let isLast = false
      try {
        const step = iterator.next()
        if (step.done) break
        value = step.value
      } catch (error) {
        value = this.thrown(error)
        isLast = true
      }
      this.sink.beginElement()
      if (this.budget <= 0) {
        this.sink.string(`[Truncated] ${more(size, index)}`)
        this.sink.endElement()
        close(iterator)
        break
      }
      this.budget -= 1
      this.value(value, depth + 1)
      this.sink.endElement()
      if (isLast) break
    }
    this.sink.endArray()
  }

  private bytes(bytes: Uint8Array): void {
    this.budget -= bytes.length >>> UNITS_SHIFT
    this.sink.bytes(bytes)
  }

  /** @returns false, with nothing written, when UTF-8 cannot hold the key */
  private field(key: string, value: unknown, depth: number): boolean {
    const { sink } = this
    const type = typeof value
    const isPrimitive =
      type === 'string'
        ? (value as string).length <= this.lengthLimit
        : type === 'number' || type === 'boolean'
    if (isPrimitive && sink.primitiveField?.(key, value as string | number | boolean)) {
      this.budget -= 1
      return true
    }
    if (!sink.beginField(key)) return false
    this.budget -= 1 + (key.length >>> UNITS_SHIFT)
    this.value(value, depth)
    sink.endField()
    return true
  }

  private claim(names: Names, key: string): string {
    const name = names.claim(key)
    if (name !== key) this.budget -= RENAMED_KEY_COST
    return name
  }

  /** Any key of a Map as a string. */
  private nameOf(key: unknown): string {
    try {
      if (typeof key === 'function') return String(key)
      if (typeof key !== 'object' || key === null) return textOf(key)
      const sink = new KeyText()
      const limits = { attributeValueLengthLimit: MAX_KEY_LENGTH }
      const writer = new ValueWriter(sink, limits, this.obeysInspectCustom)
      writer.write(key, MAX_KEY_VALUES)
      this.budget -= MAX_KEY_VALUES - writer.budget + OBJECT_KEY_COST
      return truncate(sink.text, MAX_KEY_LENGTH)
    } catch (error) {
      return this.thrown(error)
    }
  }
}

/** A map whose keys need not be strings nor, once they are, unique. */
class Entries {
  readonly iterator: Iterator<readonly [unknown, unknown]>
  readonly size: number | undefined
  readonly areKeysDistinct: boolean
  constructor(
    iterator: Iterator<readonly [unknown, unknown]>,
    size: number | undefined,
    areKeysDistinct: boolean,
  ) {
    this.iterator = iterator
    this.size = size
    this.areKeysDistinct = areKeysDistinct
  }
}

/** A list whose elements come one after another. */
class Elements {
  readonly iterator: Iterator<unknown>
  /** As the object claims it. */
  readonly size: number
  constructor(iterator: Iterator<unknown>, size: number) {
    this.iterator = iterator
    this.size = size
  }
}

class Bytes {
  readonly bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/** Gives names that are well-formed, and keeps them apart: `id`, `id#2`. */
class Names {
  private readonly taken: Set<string>
  private readonly nextNumbers = new Map<string, number>()
  private readonly isTaken = (name: string): boolean => this.taken.has(name)

  /** @param taken names that are well-formed and distinct */
  constructor(taken: readonly string[] = []) {
    this.taken = new Set(taken)
  }

  claim(given: string): string {
    const name = distinctKey(given.toWellFormed(), this.isTaken, this.nextNumbers)
    this.taken.add(name)
    return name
  }
}

const hasOwn = Object.prototype.hasOwnProperty
const mapEntries = Map.prototype.entries
const setValues = Set.prototype.values
const dateValue = Date.prototype.getTime
const dateText = Date.prototype.toISOString
const mapSize = getterOf(Map.prototype, 'size')
const setSize = getterOf(Set.prototype, 'size')
const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object
const views = [typedArray, DataView.prototype].map((prototype) => ({
  buffer: getterOf(prototype, 'buffer'),
  byteOffset: getterOf(prototype, 'byteOffset'),
  byteLength: getterOf(prototype, 'byteLength'),
}))

function getterOf(prototype: object, key: string): () => unknown {
  return Object.getOwnPropertyDescriptor(prototype, key)!.get!
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  const { buffer, byteOffset, byteLength } = views[types.isTypedArray(view) ? 0 : 1]!
  return new Uint8Array(
    buffer.call(view) as ArrayBuffer,
    byteOffset.call(view) as number,
    byteLength.call(view) as number,
  )
}

/** The names of the fields before the first whose key is not well-formed. */
function namesBefore(source: object, count: number): Names {
  const names = new Names()
  let left = count
  for (const key in source) {
    if (!hasOwn.call(source, key)) continue
    if (left === 0) break
    left -= 1
    names.claim(key)
  }
  return names
}

/** How many fields are left, as far as they are counted. */
function moreOf(source: object, from: number): string {
  let count = -from
  for (const key in source) {
    if (!hasOwn.call(source, key)) continue
    count += 1
    if (count > MAX_COUNTED) return `more than ${MAX_COUNTED} more`
  }
  return `${count} more`
}

function more(size: number | undefined, index: number): string {
  return size !== undefined && Number.isSafeInteger(size) && size > index ? `${size - index} more` : 'more'
}

/** Tells an iterator that nobody reads it any more. */
function close(iterator: Iterator<unknown>): void {
  try {
    iterator.return?.()
  } catch {
    // The elements read so far are written.
  }
}

/** Cuts on a code point, so that no surrogate pair is torn. */
function truncate(value: string, limit: number): string {
  if (value.length <= limit) return value
  const last = value.charCodeAt(limit - 1)
  return `${value.slice(0, last >= 0xd800 && last < 0xdc00 ? limit - 1 : limit)}…`
}
