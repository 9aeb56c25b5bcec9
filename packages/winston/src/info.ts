import { isError, safeGet, safeGetter, stripEscapeSequences, textOf } from '@logbridge/bridge/internal'

/** winston's record: fields under string keys, winston's own data under the symbols of `triple-beam`. */
export type Info = Record<string | symbol, unknown>

export const LEVEL: unique symbol = Symbol.for('level') as never
export const MESSAGE: unique symbol = Symbol.for('message') as never
export const SPLAT: unique symbol = Symbol.for('splat') as never

/** Fields that have their own place in a LogRecord, and are no attributes. */
export const RESERVED = {
  has(key: string): boolean {
    switch (key) {
      case 'level':
      case 'message':
      case 'timestamp':
      case 'label':
      case 'stack':
        return true
      default:
        return false
    }
  },
}

/** Reads the level. Formats that color change `level`, never the symbol. */
export function levelOf(info: Info): string {
  const level = info[LEVEL]
  return typeof level === 'string' ? level : textOf(level ?? stripEscapeSequences(textOf(info['level'])))
}

type Getter = (info: Info) => unknown

export const rawMessageOf: Getter = safeGetter((info: Info) => info['message'])
export const labelOf: Getter = safeGetter((info: Info) => info['label'])
export const timestampOf: Getter = safeGetter((info: Info) => info['timestamp'])
export const stackOf: Getter = safeGetter((info: Info) => info['stack'])

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
