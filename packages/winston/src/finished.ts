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

/** Record that format.json() has written with all of its fields, and the text of it. */
let record: object | undefined
let text: unknown
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
    if (replacer === undefined && maximumDepth === undefined && maximumBreadth === undefined) {
      record = info
      text = info[MESSAGE]
    }
    return formatted
  }
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
  return record !== undefined && (record === formatted || record === given) && formatted[MESSAGE] === text
}
