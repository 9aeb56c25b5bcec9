import { isError, safeGet, stripEscapeSequences, textOf } from '@logbridge/bridge/internal'

/** winston's record: fields under string keys, winston's own data under the symbols of `triple-beam`. */
export type Info = Record<string | symbol, unknown>

export const LEVEL: unique symbol = Symbol.for('level') as never
export const MESSAGE: unique symbol = Symbol.for('message') as never
export const SPLAT: unique symbol = Symbol.for('splat') as never

/** Reads the level. Formats that color change `level`, never the symbol. */
export function levelOf(info: Info): string {
  const level = info[LEVEL]
  return typeof level === 'string' ? level : textOf(level ?? stripEscapeSequences(textOf(info['level'])))
}

// These fields are read by name because `safeGet` sees all keys of all objects: a missing field takes 40 ns there (`pnpm bench winston`).
export function rawMessageOf(info: Info): unknown {
  try {
    return info['message']
  } catch {
    return safeGet(info, 'message')
  }
}
export function labelOf(info: Info): unknown {
  try {
    return info['label']
  } catch {
    return safeGet(info, 'label')
  }
}
export function timestampOf(info: Info): unknown {
  try {
    return info['timestamp']
  } catch {
    return safeGet(info, 'timestamp')
  }
}
export function stackOf(info: Info): unknown {
  try {
    return info['stack']
  } catch {
    return safeGet(info, 'stack')
  }
}

/** Reads the message after all formats. format.logstash() moves the message out of the record, into the text. */
export function messageOf(info: Info): unknown {
  const { message } = info
  if (message !== undefined) return message
  const text = info[MESSAGE]
  if (typeof text !== 'string' || !text.includes('"@message":')) return undefined
  try {
    return (JSON.parse(text) as Record<string, unknown>)['@message']
  } catch {
    return undefined
  }
}

/** Copies a record for a format. The copy of an Error is an `instanceof Error`, which `format.errors()` tests. */
export function cloneForFormat(info: Info): Info {
  if (!isError(info)) return { ...info }
  const copy = Object.create(Object.getPrototypeOf(info) as object) as Info
  for (const key of ['message', 'stack', 'cause']) {
    const value = safeGet(info, key)
    // Only the message is enumerable, so that a format which spreads the record keeps the message alone.
    const property = { value, enumerable: key === 'message', writable: true, configurable: true }
    if (value !== undefined) Object.defineProperty(copy, key, property)
  }
  return Object.assign(copy, info)
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
