import { Bytes, Elements, Entries } from './builtins.ts'
import { mayShowItself } from './inspectCustom.ts'
import { FieldNames, namesBefore } from './keys.ts'
import { KeyText, MAX_KEY_LENGTH } from './keyText.ts'
import { bigintText, isOmitted, MAX_VALUES, textOf } from './safeAccess.ts'
import { state } from './state.ts'
import { get, inspected, ownFields, thrown, unfold } from './unfold.ts'
import {
  BIGINT_COST,
  FREE_LISTINGS,
  MAX_COUNTED,
  MAX_DEPTH,
  MAX_KEY_VALUES,
  OBJECT_KEY_COST,
  RENAMED_KEY_COST,
  UNITS_SHIFT,
} from './valueCosts.ts'
import type { ValueLimits, ValueSink } from './valueSink.ts'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n
/** Key of an attribute with an empty key, because attribute keys must not be empty. https://opentelemetry.io/docs/specs/otel/common/#attribute */
const EMPTY_KEY = '[empty]'
const hasOwn = Object.prototype.hasOwnProperty

/**
 * Writes any JavaScript value to a sink. Never throws by itself, and marks each truncation. Bounds the work while it runs: each value
 * that is read, each long text, and each throw is charged to the budget of `MAX_VALUES`.
 *
 * `for in` that reads the value in its body is the fastest way to read own fields: V8 knows the place of the value. Four fields take 10 ns, with
 * `Object.keys` 50 ns; `Object.hasOwn` adds 45 ns (`pnpm bench encode`).
 */
export class ValueWriter {
  /** Number of values that may still be read. */
  left = 0
  obeysInspectCustom = false
  private readonly ancestors: object[] = []
  /** First objects of the record whose fields were listed. */
  private readonly listed: object[] = []
  private readonly lengthLimit: number
  private readonly countLimit: number
  private readonly sink: ValueSink
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
    const source = ownFields(attributes, this)
    for (const key in source) {
      let value: unknown
      try {
        if (!hasOwn.call(source, key)) continue
        value = source[key]
      } catch (error) {
        value = thrown(error, this)
      }
      index += 1
      if (this.left <= 0) {
        this.field('[Truncated]', 'more attributes', 0)
        break
      }
      if (isOmitted(value)) {
        this.left -= 1
        // An omitted field keeps its name, so that the other names do not depend on its value.
        if (!key.isWellFormed()) names ??= namesBefore(source, index)
        names?.claim(key)
        continue
      }
      if (written === this.countLimit) {
        this.left -= 1
        dropped += 1
        continue
      }
      written += 1
      if (key !== '' && this.field(names ? this.claim(names, key) : key, value, 0)) continue
      names ??= namesBefore(source, index)
      this.field(this.claim(names, key || EMPTY_KEY), value, 0)
    }
    return dropped
  }

  private begin(budget: number): void {
    this.left = budget
    this.obeysInspectCustom = this.alwaysObeys || state.obeysInspectCustom
    // A sink that threw leaves ancestors behind.
    if (this.ancestors.length > 0) this.ancestors.length = 0
    if (this.listed.length > 0) this.listed.length = 0
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
        this.left -= BIGINT_COST
        return value >= INT64_MIN && value <= INT64_MAX ? sink.int(value) : this.digits(value)
      case 'object':
        return value === null ? sink.empty() : this.object(value, depth)
      default:
        return sink.empty()
    }
  }

  private string(given: string): void {
    const value = given.length > this.lengthLimit ? cut(given, this.lengthLimit) : given
    this.left -= value.length >>> UNITS_SHIFT
    this.sink.string(value)
  }

  private digits(value: bigint): void {
    const digits = bigintText(value)
    // Making digits takes longer than copying text.
    this.left -= digits.length >>> 2
    this.string(digits)
  }

  private object(value: object, depth: number): void {
    if (depth >= MAX_DEPTH) return this.sink.empty()
    if (this.ancestors.includes(value)) return this.string('[Circular]')
    let content: unknown
    let isShown = false
    try {
      if (this.obeysInspectCustom && mayShowItself(value)) {
        content = inspected(value, this, depth)
        isShown = content !== value
      }
      if (!isShown) content = unfold(value, this)
    } catch (error) {
      content = thrown(error, this)
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
      if (content === value && this.left > 0) this.chargeHidden(value, count)
    }
    this.ancestors.pop()
  }

  /**
   * Charges for keys that are listed and not written: symbols, and keys that are not enumerable. The first listing of the first objects of a record is
   * free, because counting the keys takes longer than writing a small object.
   * @param count number of fields that were charged
   */
  private chargeHidden(source: object, count: number): void {
    const { listed } = this
    if (listed.length < FREE_LISTINGS && !listed.includes(source)) listed.push(source)
    else this.left -= Math.max(0, Reflect.ownKeys(source).length - count)
  }

  /** @returns the number of fields that were read */
  private map(source: Record<string, unknown>, depth: number): number {
    this.sink.beginMap()
    let names: FieldNames | undefined
    let index = -1
    for (const key in source) {
      if (this.left <= 0) {
        this.field('[Truncated]', moreOf(source, index + 1), depth)
        break
      }
      let value: unknown
      try {
        if (!hasOwn.call(source, key)) continue
        value = source[key]
      } catch (error) {
        value = thrown(error, this)
      }
      index += 1
      if (isOmitted(value)) {
        this.left -= 1
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
      if (this.left <= 0) {
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
        this.left -= 1
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
    const claimed = get(source, 'length', this)
    const length = Number.isSafeInteger(claimed) ? (claimed as number) : 0
    for (let index = 0; index < length; index += 1) {
      this.sink.beginElement()
      if (this.left <= 0) {
        this.string(`[Truncated] ${length - index} more`)
        this.sink.endElement()
        break
      }
      this.left -= 1
      this.value(get(source, index, this), depth + 1)
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
        value = thrown(error, this)
        isLast = true
      }
      this.sink.beginElement()
      if (this.left <= 0) {
        this.string(`[Truncated] ${more(size, index)}`)
        this.sink.endElement()
        close(iterator)
        break
      }
      this.left -= 1
      this.value(value, depth + 1)
      this.sink.endElement()
      if (isLast) break
    }
    this.sink.endArray()
  }

  private bytes(given: Uint8Array): void {
    const bytes = given.length > this.lengthLimit ? given.subarray(0, this.lengthLimit) : given
    this.left -= bytes.length >>> UNITS_SHIFT
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
      this.left -= 1
      return true
    }
    if (!sink.beginField(key)) return false
    this.left -= 1 + (key.length >>> UNITS_SHIFT)
    this.value(value, depth)
    sink.endField()
    return true
  }

  private claim(names: FieldNames, key: string): string {
    const name = names.claim(key)
    if (name !== key) this.left -= RENAMED_KEY_COST
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
      this.left -= MAX_KEY_VALUES - writer.left + OBJECT_KEY_COST
      return truncate(sink.text, MAX_KEY_LENGTH)
    } catch (error) {
      return thrown(error, this)
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

/** Cuts a text between two code points, which keeps surrogate pairs whole. */
function cut(value: string, limit: number): string {
  const last = value.charCodeAt(limit - 1)
  return value.slice(0, last >= 0xd800 && last < 0xdc00 ? limit - 1 : limit)
}

/** Cuts a key of a Map, with a mark. */
function truncate(value: string, limit: number): string {
  return value.length <= limit ? value : `${cut(value, limit)}…`
}
