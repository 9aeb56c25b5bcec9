import { types } from 'node:util'
import { errorEntries, isError } from './exception.ts'
import { isAbsent, placeholder, read, reason } from './read.ts'

/**
 * Takes a value piece by piece. The rules of what a value becomes stand once, in `writeValue`; one sink builds
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
  /** @param key well-formed, and no other field of this map has it */
  beginField(key: string): void
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

/** Writes any JavaScript value to a sink. Total: never throws by itself, and says where it cuts something. */
export function writeValue(value: unknown, sink: ValueSink, limits: ValueLimits): void {
  new Walk(sink, limits).value(value, 0)
}

/**
 * Writes the fields of a record's attributes: `beginField`, the value, `endField` for each.
 * @returns how many were left out because of `attributeCountLimit`
 */
export function writeFields(attributes: object, sink: ValueSink, limits: ValueLimits): number {
  return new Walk(sink, limits).attributes(attributes)
}

class Walk {
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

  attributes(attributes: object): number {
    let written = 0
    let dropped = 0
    let keys: string[]
    try {
      keys = Object.keys(attributes)
    } catch (error) {
      this.field('[Throws]', reason(error), 0)
      return 0
    }
    const names = namesOf(keys)
    for (let index = 0; index < keys.length; index += 1) {
      const value = read(attributes, keys[index]!)
      if (isAbsent(value)) continue
      if (written === this.countLimit) {
        dropped += 1
        continue
      }
      written += 1
      this.budget = MAX_VALUES
      this.field(names[index]!, value, 0)
    }
    return dropped
  }

  value(value: unknown, depth: number): void {
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
    if (content instanceof Fields) this.map(content, depth)
    else if (content instanceof Elements) this.array(content, depth)
    else if (content instanceof Uint8Array) this.sink.bytes(content)
    else this.value(content, depth + 1)
    this.ancestors.pop()
  }

  private map(fields: Fields, depth: number): void {
    this.sink.beginMap()
    const { source, keys, names } = fields
    for (let index = 0; index < keys.length; index += 1) {
      if (this.budget <= 0) {
        this.field('[Truncated]', `${keys.length - index} more`, depth)
        break
      }
      const value = read(source, keys[index]!)
      if (!isAbsent(value)) this.field(names[index]!, value, depth + 1)
    }
    this.sink.endMap()
  }

  private array(elements: Elements, depth: number): void {
    this.sink.beginArray()
    for (let index = 0; index < elements.length; index += 1) {
      this.sink.beginElement()
      if (this.budget <= 0) {
        this.sink.string(`[Truncated] ${elements.length - index} more`)
        this.sink.endElement()
        break
      }
      this.budget -= 1
      this.value(read(elements.source, index), depth + 1)
      this.sink.endElement()
    }
    this.sink.endArray()
  }

  private field(key: string, value: unknown, depth: number): void {
    this.budget -= 1
    this.sink.beginField(key)
    this.value(value, depth)
    this.sink.endField()
  }
}

/** A map to be written: `keys` of `source`, and what they are called. */
class Fields {
  readonly source: object
  readonly keys: readonly PropertyKey[]
  readonly names: readonly string[]
  constructor(source: object, keys: readonly PropertyKey[], names: readonly string[]) {
    this.source = source
    this.keys = keys
    this.names = names
  }

  /** From entries whose keys need not be strings nor, once they are, unique. */
  static from(entries: Iterable<readonly [unknown, unknown]>): Fields {
    const names: string[] = []
    const values: unknown[] = []
    for (const [key, value] of entries) {
      names.push(nameOf(key))
      values.push(value)
    }
    return new Fields(values, [...values.keys()], unique(names))
  }
}

/** An object's keys as UTF-8 can hold them. */
function namesOf(keys: readonly string[]): readonly string[] {
  for (const key of keys) if (!key.isWellFormed()) return unique(keys)
  return keys
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

/** An array to be written. */
class Elements {
  readonly source: object
  readonly length: number
  constructor(source: readonly unknown[]) {
    this.source = source
    // A Proxy may answer with anything.
    this.length = Number.isSafeInteger(source.length) ? source.length : 0
  }
}

/** What an object is written as: Fields, Elements, bytes, or a primitive. May throw what the object throws. */
function unfold(value: object, honourToJSON: boolean): unknown {
  if (Array.isArray(value)) return new Elements(value)
  const prototype: unknown = Object.getPrototypeOf(value)
  // A prototype without one of its own is another realm's Object.prototype: what Node's modules return in a vm, as in Jest.
  const isPlain =
    prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null
  if (!isPlain) {
    if (types.isDate(value)) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
    if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    if (types.isAnyArrayBuffer(value)) return new Uint8Array(value)
    if (types.isMap(value)) return Fields.from(value)
    if (types.isSet(value)) return new Elements([...value])
    if (isError(value)) return Fields.from(errorEntries(value))
    if (types.isBoxedPrimitive(value)) return value.valueOf()
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
      return new Elements([...(value as Iterable<unknown>)])
  }
  const keys = Object.keys(value)
  return new Fields(value, keys, namesOf(keys))
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
