import type { Logger } from 'winston'
import { type Info, MESSAGE } from './convert.ts'

interface JsonFormat {
  transform(info: Info, options: JsonOptions): unknown
}

/** Options of format.json() that leave something of a record out of the text. */
interface JsonOptions {
  readonly replacer?: unknown
  readonly maximumDepth?: unknown
  readonly maximumBreadth?: unknown
}

/** The `replacer` of a format.json(), and the fields that it was given. */
export interface UsedReplacer {
  readonly replacer: unknown
  readonly keys: ReadonlySet<string>
}

/** Record that format.json() has written, the text of it, and whether all of its fields stand there. */
let record: object | undefined
let text: unknown
let hasAll = false
let used: UsedReplacer | undefined
const watched = new WeakSet<object>()

/**
 * Notices which records format.json() writes with all of their fields, wherever it stands in a format.combine(). Their text
 * need not be parsed and compared by `shown.ts`, which takes longer than all else that the transport does with a record.
 *
 * The format is that of the logger's own copy of winston, which makes one for a logger without a format. To import winston
 * here would load it before an instrumentation of the application's could be told to wrap it.
 */
export function watchJsonFormat(logger: Logger): void {
  try {
    let base = logger as object
    while (!Object.hasOwn(base, 'configure')) base = Object.getPrototypeOf(base) as object
    if (watched.has(base)) return
    watched.add(base)
    const { format } = new (base.constructor as new (options: object) => Logger)({})
    watch(Object.getPrototypeOf(format) as JsonFormat)
  } catch {
    // A frozen prototype, or a logger of another kind: all texts are read.
  }
}

function watch(prototype: JsonFormat): void {
  const { transform } = prototype
  prototype.transform = function (info, options) {
    const formatted = transform.call(this, info, options)
    const { replacer, maximumDepth, maximumBreadth } = options
    record = info
    text = info[MESSAGE]
    hasAll =
      replacer === undefined && maximumDepth === undefined && maximumBreadth === undefined && !hasToJSON(info)
    used = replacer ? { replacer, keys: new Set(Object.keys(info)) } : undefined
    return formatted
  }
}

/** Tests for a record that says itself what `JSON.stringify` prints. */
export function hasToJSON(info: Info): boolean {
  return typeof info['toJSON'] === 'function'
}

/** Begins a format: forgets what another one has written. */
export function beginFormat(): void {
  record = undefined
}

/**
 * Tests for a text that format.json() has made since `beginFormat`, with all fields of the record.
 * @param formatted the record after all formats
 * @param given the record before any format: format.errors() may have replaced it since
 */
export function isWhole(formatted: Info, given: unknown): boolean {
  return hasAll && isOfJsonFormat(formatted, given)
}

/** The `replacer` by which format.json() has made the text of a record, since `beginFormat`. */
export function replacerOf(formatted: Info, given: unknown): UsedReplacer | undefined {
  return isOfJsonFormat(formatted, given) ? used : undefined
}

function isOfJsonFormat(formatted: Info, given: unknown): boolean {
  return record !== undefined && (record === formatted || record === given) && formatted[MESSAGE] === text
}
