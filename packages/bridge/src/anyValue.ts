import { MAX_VALUES, setOwn } from './read.ts'
import type { AnyValue, AnyValueMap } from './types.ts'
import { type ValueSink, ValueWriter } from './value.ts'

/** Longest text in UTF-16 units, or bytes, of one value. */
const MAX_UNITS = 8 * 1024 * 1024

/**
 * Any JavaScript value as a plain AnyValue that shares nothing with the original: for LoggerProviders that are
 * not ours, and for what has to be kept for later. An int64 beyond the safe integers becomes its decimal string,
 * because the official SDKs encode no bigint.
 */
export function toAnyValue(value: unknown): AnyValue {
  return toPlain(value, MAX_VALUES)
}

/**
 * The same with another bound.
 * @param budget values read before the rest becomes `[Truncated]`
 */
export function toPlain(value: unknown, budget: number): AnyValue {
  const builder = new Builder()
  new ValueWriter(builder, {}).write(value, budget)
  return builder.result
}

/** The same for all attributes of a record. */
export function toAnyValueMap(attributes: object): AnyValueMap {
  const builder = new Builder()
  builder.beginMap()
  new ValueWriter(builder, {}).writeFields(attributes)
  builder.endMap()
  return builder.result as AnyValueMap
}

class Builder implements ValueSink {
  result: AnyValue = null
  private readonly parents: (AnyValue[] | AnyValueMap)[] = []
  private readonly keys: string[] = []

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
    // The element follows as `result`.
  }
  endElement(): void {
    ;(this.parents.at(-1) as AnyValue[]).push(this.result)
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
    setOwn(this.parents.at(-1) as AnyValueMap, this.keys.pop()!, this.result)
  }
  endMap(): void {
    this.result = this.parents.pop()!
  }
}
