import types from 'node:util/types'

/** Content of a map, with keys of any type. */
export class Entries {
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

/** Content of an iterable. */
export class Elements {
  readonly iterator: Iterator<unknown>
  /** Size that the object claims. */
  readonly size: number
  constructor(iterator: Iterator<unknown>, size: number) {
    this.iterator = iterator
    this.size = size
  }
}

/** Content of a Buffer, a typed array, or an ArrayBuffer. */
export class Bytes {
  readonly bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

// Methods of the language, which read a built-in class whatever a subclass overrides.
export const mapEntries: () => MapIterator<[unknown, unknown]> = Map.prototype.entries
export const setValues: () => SetIterator<unknown> = Set.prototype.values
export const dateValue: () => number = Date.prototype.getTime
export const dateText: () => string = Date.prototype.toISOString
export const mapSize: () => unknown = getterOf(Map.prototype, 'size')
export const setSize: () => unknown = getterOf(Set.prototype, 'size')
const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object
const views = [typedArray, DataView.prototype].map((prototype) => ({
  buffer: getterOf(prototype, 'buffer'),
  byteOffset: getterOf(prototype, 'byteOffset'),
  byteLength: getterOf(prototype, 'byteLength'),
}))

function getterOf(prototype: object, key: string): () => unknown {
  return Object.getOwnPropertyDescriptor(prototype, key)!.get!
}

export function bytesOf(view: ArrayBufferView): Uint8Array {
  const { buffer, byteOffset, byteLength } = views[types.isTypedArray(view) ? 0 : 1]!
  return new Uint8Array(
    buffer.call(view) as ArrayBuffer,
    byteOffset.call(view) as number,
    byteLength.call(view) as number,
  )
}
