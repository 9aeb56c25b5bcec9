import type { Logger } from 'winston'
import { type Info, MESSAGE } from '../info.ts'

interface JsonFormat {
  transform(info: Info, options: JsonOptions): unknown
}

/** Options of format.json() that leave something of a record out of the text. */
interface JsonOptions {
  readonly replacer?: unknown
  readonly maximumDepth?: unknown
  readonly maximumBreadth?: unknown
}

/** Replacer of a format.json(), and the keys of the record that it was applied to. */
export interface ReplacerUse {
  readonly replacer: unknown
  readonly keys: ReadonlySet<string>
}

/** Last record that format.json() has written, its text, and how the text was made. */
let record: object | undefined
let text: unknown
let isComplete = false
let replacerUse: ReplacerUse | undefined
const watchedPrototypes = new WeakSet<object>()

/**
 * Watches which records format.json() writes with all of their fields, wherever the format stands in a format.combine(). Their
 * text need not be parsed and compared by `visibleRecord.ts`, which takes longer than all else that the transport does with a
 * record.
 *
 * `transform` of format.json() is patched in the logger's own copy of winston. A new logger without a format leads to this copy.
 * An import of winston would load winston before an instrumentation of the application can wrap it.
 */
export function watchJsonFormat(logger: Logger): void {
  try {
    let base = logger as object
    while (!Object.hasOwn(base, 'configure')) base = Object.getPrototypeOf(base) as object
    if (watchedPrototypes.has(base)) return
    watchedPrototypes.add(base)
    const { format } = new (base.constructor as new (options: object) => Logger)({})
    watch(Object.getPrototypeOf(format) as JsonFormat)
  } catch {
    // Each text is read where a prototype is frozen or the logger is of another kind.
  }
}

function watch(prototype: JsonFormat): void {
  const { transform } = prototype
  prototype.transform = function (info, options) {
    const formatted = transform.call(this, info, options)
    const { replacer, maximumDepth, maximumBreadth } = options
    record = info
    text = info[MESSAGE]
    isComplete =
      replacer === undefined && maximumDepth === undefined && maximumBreadth === undefined && !hasToJSON(info)
    replacerUse = replacer ? { replacer, keys: new Set(Object.keys(info)) } : undefined
    return formatted
  }
}

/** Tests for a record that determines by `toJSON` what `JSON.stringify` prints. */
export function hasToJSON(info: Info): boolean {
  return typeof info['toJSON'] === 'function'
}

/** Begins a format: forgets what an earlier format has written. */
export function beginFormat(): void {
  record = undefined
}

/**
 * Tests for a text that format.json() has made since `beginFormat`, with all fields of the record.
 * @param formatted the record after all formats
 * @param given the record before any format: format.errors() may have replaced it since
 */
export function hasAllFields(formatted: Info, given: unknown): boolean {
  return isComplete && isFromJsonFormat(formatted, given)
}

/** Returns the replacer by which format.json() has made the text of a record since `beginFormat`. */
export function replacerOf(formatted: Info, given: unknown): ReplacerUse | undefined {
  return isFromJsonFormat(formatted, given) ? replacerUse : undefined
}

function isFromJsonFormat(formatted: Info, given: unknown): boolean {
  return record !== undefined && (record === formatted || record === given) && formatted[MESSAGE] === text
}
