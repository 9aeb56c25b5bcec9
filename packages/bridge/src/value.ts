import types from 'node:util/types'
import { errorEntries } from './exception.ts'
import { findInspectCustom, mayShowItself, showByInspectCustom } from './inspectCustom.ts'
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
import {
  MAX_DEPTH,
  UNITS_SHIFT,
  PROXY_COST,
  ERROR_COST,
  DATE_COST,
  BIGINT_COST,
  PROTOTYPE_COST,
  INSPECT_COST,
  MAX_SHOWN_BY,
  FREE_LISTINGS,
  OBJECT_KEY_COST,
  RENAMED_KEY_COST,
  MAX_COUNTED,
  MAX_KEY_VALUES,
} from './valueCosts.ts'
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
import { FieldNames, namesBefore } from './fieldNames.ts'
import type { ValueLimits, ValueSink } from './valueSink.ts'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n
const hasOwn = Object.prototype.hasOwnProperty

/**
 * Writes any JavaScript value to a sink. Never throws by itself, and marks each truncation. Bounds the work while it runs: each value
 * that is read, each long text, and each throw is charged to the budget of `MAX_VALUES`.
 *
 * `for in` that reads the value in its body is the fastest way to read own fields: V8 knows the place of the value. Four fields take 10 ns, with
 * `Object.keys` 50 ns; `Object.hasOwn` adds 45 ns (`pnpm bench encode`).
 */
export class ValueWriter {
  /** Values that may still be read. */
  private budget = 0
  private readonly ancestors: object[] = []
  /** First objects of the record whose fields were listed. */
  private readonly listed: object[] = []
  private readonly lengthLimit: number
  private readonly countLimit: number
  private readonly sink: ValueSink
  private obeysInspectCustom = false
  private readonly alwaysObeys: boolean

  /** @param obeysInspectCustom see `Adapter`. Default: the setting of the bridge that emits a record. */
  constructor(sink: ValueSink, limits: ValueLimits, obeysInspectCustom: boolean = false) {
    this.sink = sink
    this.alwaysObeys = obeysInspectCustom
    this.lengthLimit = limits.attributeValueLengthLimit ?? Infinity
    this.countLimit = limits.attributeCountLimit ?? Infinity
  }

  /**
   * Writes one value, such as a body.
   * @param budget number of values that are read before the rest becomes `[Truncated]`
   */
  write(value: unknown, budget: number = MAX_VALUES): void {
    this.begin(budget)
    this.value(value, 0)
  }

  /**
   * Writes the fields of a record's attributes: `beginField`, the value, `endField` for each.
   * @returns the number of attributes that `attributeCountLimit` dropped
   */
  writeFields(attributes: object): number {
    this.begin(MAX_VALUES)
    let dropped = 0
    let written = 0
    let names: FieldNames | undefined
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
        // An omitted field keeps its name, so that the other names do not depend on its value.
        if (!key.isWellFormed()) names ??= namesBefore(source, index)
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
    // A sink that threw leaves ancestors behind. Setting the length takes 40 ns.
    if (this.ancestors.length > 0) this.ancestors.length = 0
    if (this.listed.length > 0) this.listed.length = 0
  }

  private thrown(error: unknown): string {
    this.budget -= THROW_COST
    return placeholder(error)
  }

  /** Reads a property that may be absent. */
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
    // Making digits takes longer than copying text.
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
   * Returns the result of an object's `util.inspect.custom`; the object itself if it has none. Calls the function of the result again, like
   * `util.inspect`.
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
   * Determines the form in which an object is written: an array, Elements, Entries, Bytes, a primitive, or an object with its own fields. Reads
   * built-in classes by the methods of the language, because a subclass may override them.
   * @throws the errors of the object
   */
  private unfold(value: object, honorsToJSON: boolean): unknown {
    if (Array.isArray(value)) return value
    const prototype: unknown = Object.getPrototypeOf(value)
    // A prototype without a prototype is the Object.prototype of another realm, e.g. of Jest.
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
        // A `valueOf` of the application may return any value.
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

  /** Returns the object itself, or a copy with its fields when listing them could call code of the application. */
  private ownFields(source: object): Record<string, unknown> {
    if (isPlain(source)) return source as Record<string, unknown>
    if (types.isProxy(source)) this.budget -= PROXY_COST
    const reads = { left: this.budget }
    const copy = copyFields(source, undefined, reads)
    const count = Object.keys(copy).length
    // Fields of the copy are charged when they are written.
    this.budget = reads.left + count
    return copy
  }

  /**
   * Charges for keys that are listed and not written: symbols, and keys that are not enumerable. The first listing of the first objects of a record is
   * free, because counting the keys takes longer than writing a small object.
   * @param count number of fields that were charged
   */
  private chargeHidden(source: object, count: number): void {
    const { listed } = this
    if (listed.length < FREE_LISTINGS && !listed.includes(source)) listed.push(source)
    else this.budget -= Math.max(0, Reflect.ownKeys(source).length - count)
  }

  /** Tests for a chain of prototypes that is short enough to look up methods. */
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

  /** @returns the number of fields that were read */
  private map(source: Record<string, unknown>, depth: number): number {
    this.sink.beginMap()
    let names: FieldNames | undefined
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
        // An omitted field keeps its name, so that the other names do not depend on its value.
        if (!key.isWellFormed()) names ??= namesBefore(source, index)
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
    // Distinct strings, and distinct numbers, have distinct texts. FieldNames are compared from the first key of another type on.
    let keyType: string | undefined
    let names = areKeysDistinct ? undefined : new FieldNames()
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
        names = new FieldNames(written)
      }
      if (isOmitted(value)) {
        this.budget -= 1
        // An omitted entry keeps its name, as an omitted field does.
        if (!name.isWellFormed()) names ??= new FieldNames(written)
        if (names) names.claim(name)
        else written.push(name)
      } else if (names !== undefined) {
        this.field(this.claim(names, name), value, depth + 1)
      } else if (this.field(name, value, depth + 1)) {
        written.push(name)
      } else {
        names = new FieldNames(written)
        this.field(this.claim(names, name), value, depth + 1)
      }
    }
    this.sink.endMap()
  }

  private array(source: readonly unknown[], depth: number): void {
    this.sink.beginArray()
    // A Proxy may return any value.
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

  /** @returns false when the sink has written nothing, because the key is not well-formed */
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

  private claim(names: FieldNames, key: string): string {
    const name = names.claim(key)
    if (name !== key) this.budget -= RENAMED_KEY_COST
    return name
  }

  /** Converts a key of a Map to a string. */
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

/** Describes the number of fields from an index on. */
function moreOf(source: object, from: number): string {
  let count = -from
  for (const key in source) {
    if (!hasOwn.call(source, key)) continue
    count += 1
    if (count > MAX_COUNTED) return `more than ${MAX_COUNTED} more`
  }
  return `${count} more`
}

/** Describes the number of elements from an index on. */
function more(size: number | undefined, index: number): string {
  return size !== undefined && Number.isSafeInteger(size) && size > index ? `${size - index} more` : 'more'
}

/** Ends the reading of an iterator. */
function close(iterator: Iterator<unknown>): void {
  try {
    iterator.return?.()
  } catch {
    // The error changes nothing: all elements that were read are written.
  }
}

/** Truncates a text between two code points, which keeps surrogate pairs whole. */
function truncate(value: string, limit: number): string {
  if (value.length <= limit) return value
  const last = value.charCodeAt(limit - 1)
  return `${value.slice(0, last >= 0xd800 && last < 0xdc00 ? limit - 1 : limit)}…`
}
