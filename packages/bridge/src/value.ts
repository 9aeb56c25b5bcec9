import types from 'node:util/types'
import { errorEntries, isError } from './exception.ts'
import { copyFields, isAbsent, placeholder, read } from './read.ts'

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
/**
 * Values written for one attribute or body before the rest becomes `[Truncated]`. An object that is reached on many ways
 * is written once for each, which can be exponentially often (2^64 within `MAX_DEPTH`): this bounds it.
 */
export const MAX_VALUES = 65_536

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/**
 * Writes any JavaScript value to a sink. Total: never throws by itself, and says where it cuts something.
 *
 * Own fields are walked by `for in` with the value read in the loop: V8 takes it from where it lies, and knows that it is
 * the object's own, instead of looking it up by its key. 10 ns for four fields against 50 by `Object.keys`, and 45 more by
 * `Object.hasOwn`, which V8 does not see through.
 */
export class ValueWriter {
  private budget = MAX_VALUES
  private readonly ancestors: object[] = []
  private readonly lengthLimit: number
  private readonly countLimit: number
  private readonly sink: ValueSink

  constructor(sink: ValueSink, limits: ValueLimits) {
    this.sink = sink
    this.lengthLimit = limits.attributeValueLengthLimit ?? Infinity
    this.countLimit = limits.attributeCountLimit ?? Infinity
  }

  /** Writes one value, such as a body. */
  write(value: unknown): void {
    this.budget = MAX_VALUES
    this.forgetAncestors()
    this.value(value, 0)
  }

  /**
   * Writes the fields of a record's attributes: `beginField`, the value, `endField` for each.
   * @returns how many were left out because of `attributeCountLimit`
   */
  writeFields(attributes: object): number {
    this.forgetAncestors()
    let dropped = 0
    let written = 0
    let names: readonly string[] | undefined
    let index = -1
    const source = ownFields(attributes)
    for (const key in source) {
      let value: unknown
      try {
        if (!hasOwn.call(source, key)) continue
        value = source[key]
      } catch (error) {
        value = placeholder(error)
      }
      index += 1
      if (isAbsent(value)) continue
      if (written === this.countLimit) {
        dropped += 1
        continue
      }
      written += 1
      this.budget = MAX_VALUES
      if (this.field(names?.[index] ?? key, value, 0)) continue
      names = unique(Object.keys(source))
      this.field(names[index]!, value, 0)
    }
    return dropped
  }

  /** Those of a value whose sink has thrown. To set the length alone takes 40 ns. */
  private forgetAncestors(): void {
    if (this.ancestors.length > 0) this.ancestors.length = 0
  }

  private value(value: unknown, depth: number): void {
    const { sink } = this
    switch (typeof value) {
      case 'string':
        return sink.string(value.length > this.lengthLimit ? truncate(value, this.lengthLimit) : value)
      case 'number':
        return Number.isSafeInteger(value) && !Object.is(value, -0) ? sink.int(value) : sink.double(value)
      case 'boolean':
        return sink.bool(value)
      case 'bigint':
        return value >= INT64_MIN && value <= INT64_MAX ? sink.int(value) : sink.string(value.toString())
      case 'object':
        return value === null ? sink.empty() : this.object(value, depth)
      default:
        return sink.empty()
    }
  }

  private object(value: object, depth: number): void {
    if (depth >= MAX_DEPTH) return this.sink.empty()
    if (this.ancestors.includes(value)) return this.sink.string('[Circular]')
    let content: unknown
    try {
      content = unfold(value, true)
    } catch (error) {
      content = placeholder(error)
    }
    this.ancestors.push(value)
    if (typeof content !== 'object' || content === null) this.value(content, depth + 1)
    else if (Array.isArray(content)) this.array(content, depth)
    else if (content instanceof Entries) this.entries(content, depth)
    else if (content instanceof Uint8Array) this.sink.bytes(content)
    else this.map(content as Record<string, unknown>, depth)
    this.ancestors.pop()
  }

  private map(source: Record<string, unknown>, depth: number): void {
    this.sink.beginMap()
    let names: readonly string[] | undefined
    let index = -1
    for (const key in source) {
      let value: unknown
      try {
        if (!hasOwn.call(source, key)) continue
        value = source[key]
      } catch (error) {
        value = placeholder(error)
      }
      index += 1
      if (this.budget <= 0) {
        this.field('[Truncated]', `${Object.keys(source).length - index} more`, depth)
        break
      }
      if (isAbsent(value) || this.field(names?.[index] ?? key, value, depth + 1)) continue
      names = unique(Object.keys(source))
      this.field(names[index]!, value, depth + 1)
    }
    this.sink.endMap()
  }

  private entries({ names, values }: Entries, depth: number): void {
    this.sink.beginMap()
    for (let index = 0; index < names.length; index += 1) {
      if (this.budget <= 0) {
        this.field('[Truncated]', `${names.length - index} more`, depth)
        break
      }
      const value = values[index]
      if (!isAbsent(value)) this.field(names[index]!, value, depth + 1)
    }
    this.sink.endMap()
  }

  private array(source: readonly unknown[], depth: number): void {
    this.sink.beginArray()
    // A Proxy may answer with anything.
    const claimed = read(source, 'length')
    const length = Number.isSafeInteger(claimed) ? (claimed as number) : 0
    for (let index = 0; index < length; index += 1) {
      this.sink.beginElement()
      if (this.budget <= 0) {
        this.sink.string(`[Truncated] ${length - index} more`)
        this.sink.endElement()
        break
      }
      this.budget -= 1
      this.value(read(source, index), depth + 1)
      this.sink.endElement()
    }
    this.sink.endArray()
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
    this.budget -= 1
    this.value(value, depth)
    sink.endField()
    return true
  }
}

/** A map whose keys need not be strings nor, once they are, unique. */
class Entries {
  readonly names: readonly string[]
  readonly values: readonly unknown[]
  constructor(entries: Iterable<readonly [unknown, unknown]>) {
    const names: string[] = []
    const values: unknown[] = []
    for (const [key, value] of entries) {
      names.push(nameOf(key))
      values.push(value)
    }
    this.names = unique(names)
    this.values = values
  }
}

const hasOwn = Object.prototype.hasOwnProperty

/** An object whose own fields can be listed and read one by one: itself, or a copy where that could call other code. */
function ownFields(source: object): Record<string, unknown> {
  if (types.isProxy(source)) return copyFields(source)
  const prototype: unknown = Object.getPrototypeOf(source)
  const isPlain = prototype === Object.prototype || prototype === null
  return isPlain ? (source as Record<string, unknown>) : copyFields(source)
}

/** Names that are well-formed, and kept apart: `id`, `id#2`. */
function unique(names: readonly string[]): string[] {
  const taken = new Set<string>()
  const next = new Map<string, number>()
  for (const given of names) {
    const name = given.toWellFormed()
    let free = name
    // Counting on from the last one keeps many equal names from taking quadratic time.
    for (let n = next.get(name) ?? 2; taken.has(free); n += 1) {
      free = `${name}#${n}`
      next.set(name, n + 1)
    }
    taken.add(free)
  }
  return [...taken]
}

/** What an object is written as: an array, Entries, bytes, a primitive, or an object by its own fields. May throw what the object throws. */
function unfold(value: object, honourToJSON: boolean): unknown {
  if (Array.isArray(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  // A prototype without one of its own is another realm's Object.prototype: what Node's modules return in a vm, as in Jest.
  const isPlain =
    prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null
  if (!isPlain) {
    if (types.isDate(value)) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
    if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    if (types.isAnyArrayBuffer(value)) return new Uint8Array(value)
    if (types.isMap(value)) return new Entries(value)
    if (types.isSet(value)) return [...value]
    if (isError(value)) return new Entries(errorEntries(value))
    if (types.isBoxedPrimitive(value)) {
      // Its own `valueOf` may give anything.
      const primitive: unknown = value.valueOf()
      return typeof primitive === 'object' ? null : primitive
    }
  }
  const toJSON = honourToJSON ? read(value, 'toJSON') : undefined
  if (typeof toJSON === 'function') {
    const json: unknown = toJSON.call(value)
    return typeof json === 'object' && json !== null ? unfold(json, false) : json
  }
  if (!isPlain) {
    const text = ownText(value)
    if (text !== undefined) return text
    if (Symbol.iterator in value && typeof read(value, 'size') === 'number')
      return [...(value as Iterable<unknown>)]
  }
  return ownFields(value)
}

/**
 * What the `toString` of a value's own class says; `undefined` where there is none. The one that all objects have is another
 * one in another realm (as under Jest), and known by what it says. May throw what it throws.
 */
export function ownText(value: object): string | undefined {
  const toString = read(value, 'toString')
  if (typeof toString !== 'function' || toString === Object.prototype.toString) return undefined
  const text = String(toString.call(value))
  return text === '[object Object]' ? undefined : text
}

/** Any key of a Map as a string. */
function nameOf(key: unknown): string {
  try {
    return typeof key === 'object' && key !== null ? (JSON.stringify(key) ?? '[object]') : String(key)
  } catch {
    return '[object]'
  }
}

/** Cuts on a code point, so that no surrogate pair is torn. */
function truncate(value: string, limit: number): string {
  const last = value.charCodeAt(limit - 1)
  return `${value.slice(0, last >= 0xd800 && last < 0xdc00 ? limit - 1 : limit)}…`
}
