import type { AnyValue } from './types.ts'

/** V8 makes a substring of this many characters or more refer to the text that it was cut from. */
const MIN_SLICE_LENGTH = 13
/** Memory of a value beside its characters or bytes: an element, a header. */
const VALUE_BYTES = 32
/** Memory of a key that no other object has, beside its characters: V8 describes the shape of objects for each one. */
const KEY_BYTES = 112

/** Copies a text, so that what it was cut from can be freed. */
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
  /** Negative when the values take more; the copy is incomplete then. */
  remaining: number

  constructor(maxBytes: number) {
    this.remaining = maxBytes
  }

  text(text: string): string {
    this.remaining -= VALUE_BYTES + 2 * text.length
    return this.remaining < 0 ? '' : detachText(text)
  }

  /** Copies texts, arrays and maps; keeps bytes, which are a copy already. */
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
