import { MAX_VALUES, setOwn } from './safeAccess.ts'
import type { AnyValue, AnyValueMap, PlainRecord } from './types.ts'
import { ValueWriter } from './value.ts'
import type { ValueLimits, ValueSink } from './valueSink.ts'

/** Longest text in UTF-16 units, or bytes, of one value. */
const MAX_UNITS = 8 * 1024 * 1024

/**
 * Converts any JavaScript value to a plain AnyValue that shares no object with the original: for LoggerProviders without
 * `ACCEPTS_ANY_VALUE`, and for the startup buffer. An int64 beyond the safe integers becomes its decimal string, because the official SDKs
 * encode no bigint.
 */
export function toAnyValue(value: unknown): AnyValue {
  return toPlain(value, MAX_VALUES)
}

/**
 * Converts a value within a budget.
 * @param budget number of values that are read before the rest becomes `[Truncated]`
 * @param obeysInspectCustom see `Adapter`. Default: the setting of the bridge that emits a record.
 */
export function toPlain(value: unknown, budget: number, obeysInspectCustom?: boolean): AnyValue {
  const builder = new Builder()
  new ValueWriter(builder, {}, obeysInspectCustom).write(value, budget)
  return builder.result
}

/**
 * Converts all attributes of a record.
 * @param limits the attributes within these limits are converted. Default: none
 */
export function toAnyValueMap(attributes: object, limits?: ValueLimits): AnyValueMap {
  return buildMap(new Builder(), attributes, limits)
}

/** Record in plain values, with the objects that were converted to texts. */
export interface TracedRecord {
  readonly plain: PlainRecord
  readonly sources: TextSources
}

/** Converts body and attributes for `redact`, whose paths may lead into an object that was converted to a text. */
export function toTracedRecord(body: unknown, attributes: object): TracedRecord {
  const sources = new TextSources()
  const plain: PlainRecord = { body: undefined, attributes: buildMap(new Builder(sources), attributes) }
  if (body !== undefined) {
    const builder = new Builder(sources)
    new ValueWriter(builder, {}).write(body)
    plain.body = builder.take(plain, 'body')
  }
  return { plain, sources }
}

function buildMap(builder: Builder, attributes: object, limits: ValueLimits = {}): AnyValueMap {
  builder.beginMap()
  new ValueWriter(builder, limits).writeFields(attributes)
  builder.endMap()
  return builder.result as AnyValueMap
}

/** Objects that were converted to texts, by the parent and the key of the text. */
export class TextSources {
  private readonly byParent = new Map<object, Map<string, object>>()

  set(parent: object, key: string, source: object): void {
    const sources = this.byParent.get(parent)
    if (sources) sources.set(key, source)
    else this.byParent.set(parent, new Map([[key, source]]))
  }

  get(parent: object, key: string): object | undefined {
    return this.byParent.get(parent)?.get(key)
  }
}

class Builder implements ValueSink {
  result: AnyValue = null
  private readonly parents: (AnyValue[] | AnyValueMap)[] = []
  private readonly keys: string[] = []
  private readonly sources: TextSources | undefined
  /** Object that was converted to the text in `result`. */
  private source: object | undefined

  constructor(sources?: TextSources) {
    this.sources = sources
  }

  /** Returns the result for a place under a parent, and records the object of a text. */
  take(parent: object, key: string): AnyValue {
    if (this.source !== undefined) this.sources?.set(parent, key, this.source)
    this.source = undefined
    return this.result
  }
  standsFor(object: object): void {
    this.source = object
  }

  empty(): void {
    this.result = null
  }
  string(value: string): void {
    this.result = (value.length > MAX_UNITS ? `${value.slice(0, MAX_UNITS)}…` : value).toWellFormed()
  }
  bool(value: boolean): void {
    this.result = value
  }
  int(value: number | bigint): void {
    const number = Number(value)
    this.result = Number.isSafeInteger(number) ? number : value.toString()
  }
  double(value: number): void {
    this.result = value
  }
  bytes(value: Uint8Array): void {
    this.result = value.length > MAX_UNITS ? `[Truncated] ${value.length} bytes` : value.slice()
  }
  beginArray(): void {
    this.parents.push([])
  }
  beginElement(): void {
    // `endElement` adds `result`.
  }
  endElement(): void {
    const parent = this.parents.at(-1) as AnyValue[]
    parent.push(this.take(parent, String(parent.length)))
  }
  endArray(): void {
    this.result = this.parents.pop()!
  }
  beginMap(): void {
    this.parents.push({})
  }
  beginField(key: string): boolean {
    if (!key.isWellFormed()) return false
    this.keys.push(key)
    return true
  }
  endField(): void {
    const parent = this.parents.at(-1) as AnyValueMap
    const key = this.keys.pop()!
    setOwn(parent, key, this.take(parent, key))
  }
  endMap(): void {
    this.result = this.parents.pop()!
  }
}
