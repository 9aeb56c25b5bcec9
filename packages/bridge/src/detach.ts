import type { AnyValue } from './types.ts'

/** Shortest substring that V8 stores as a reference to the original text. */
const MIN_SLICE_LENGTH = 13
/** Memory of a value beside its characters or bytes. */
const VALUE_BYTES = 32
/** Memory of a unique key beside its characters. V8 describes a shape for each key. */
const KEY_BYTES = 112

/** Copies a text, so that a longer text of which it is a substring can be freed. */
export function detachText(text: string): string {
  return text.length < MIN_SLICE_LENGTH ? text : (JSON.parse(JSON.stringify(text)) as string)
}

/** Returns the interned copy of a key and frees the text it was cut from. */
export function detachKey(key: string): string {
  if (key.length < MIN_SLICE_LENGTH) return key
  const holder = Object.create(null) as Record<string, undefined>
  holder[key] = undefined
  return Object.keys(holder)[0]!
}

/** Copies plain values within a number of bytes. */
export class Detacher {
  /** Bytes that are free. Negative after values that take more: their copy is incomplete. */
  remaining: number

  constructor(maxBytes: number) {
    this.remaining = maxBytes
  }

  text(text: string): string {
    this.remaining -= VALUE_BYTES + 2 * text.length
    return this.remaining < 0 ? '' : detachText(text)
  }

  /** Copies texts in place, in arrays and maps too. Keeps bytes, which are a copy already. */
  value(value: AnyValue): AnyValue {
    if (typeof value === 'string') return this.text(value)
    this.remaining -= VALUE_BYTES
    if (typeof value !== 'object' || value === null || this.remaining < 0) return value
    if (value instanceof Uint8Array) {
      this.remaining -= value.byteLength
      return value
    }
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length && this.remaining >= 0; index += 1) {
        value[index] = this.value(value[index]!)
      }
      return value
    }
    for (const key in value) {
      this.remaining -= KEY_BYTES + 2 * key.length
      if (this.remaining < 0) break
      value[key] = this.value(value[key]!)
    }
    return value
  }
}
