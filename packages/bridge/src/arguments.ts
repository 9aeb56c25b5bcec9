import { distinctKey } from './keys.ts'
import { inspect } from 'node:util'
import {
  copyFields,
  isOmitted,
  isError,
  MAX_VALUES,
  ownText,
  safeGet,
  safeGetter,
  setOwn,
} from './safeAccess.ts'
import { exceptionAmong } from './findException.ts'
import { formatText, show } from './shown.ts'
import type { LogRecord } from './types.ts'

/** Specifiers of `util.format` that take one argument. https://nodejs.org/api/util.html#utilformatformat-args */
const SPECIFIERS = 'sdifjoOc'

/**
 * Splits the arguments of a log call like `console.log`:
 * - A sole argument becomes the body, an Error its message.
 * - A leading string is formatted by `util.format`, with the arguments that its specifiers take.
 * - Of the other arguments, plain objects become attributes, an Error becomes the exception, and the rest is appended to the text,
 *   separated by spaces, like `util.format` does.
 * - Objects without any text stay structured, as an array.
 *
 * Fields with equal keys are all kept: `id`, `id#2`. The exception is the first Error among the arguments, else the first in a field `err`,
 * `error`, or `exception`, also in the form `{ message, stack }`. Further Errors become the attribute `errors`. `template` is set when a specifier took an argument. Never throws:
 * a placeholder replaces an argument that throws.
 *
 * @example splitArguments(['paid %d', 5, { order: 7 }]) // { body: 'paid 5', attributes: { order: 7 }, … }
 */
export function splitArguments(
  args: readonly unknown[],
): Pick<LogRecord, 'body' | 'attributes' | 'exception' | 'template'> {
  if (args.length < 2) return soleArgument(args)
  const first = args[0]
  const template = typeof first === 'string' ? first : undefined
  const lastTaken = template === undefined ? -1 : countSpecifiers(template, args.length - 1)
  /** Arguments that `util.format` gets. */
  const text: unknown[] = []
  const errors: Error[] = []
  const fields = new MergedFields()
  for (let index = template === undefined ? 0 : 1; index < args.length; index += 1) {
    const argument = args[index]
    const isTaken = index <= lastTaken
    if (isTaken || typeof argument !== 'object' || argument === null) {
      text.push(argument)
      // The first Error is the exception even when a specifier took the Error.
      if (isTaken && errors.length === 0 && isError(argument)) errors.push(argument)
    } else if (isError(argument)) {
      errors.push(argument)
    } else if (!isFormless(argument) || !fields.add(argument)) {
      text.push(argument)
    }
  }

  const { attributes } = fields
  const exception = errors[0] ?? exceptionAmong(attributes)
  if (errors.length > 1) fields.merge({ errors: errors.slice(1) })
  if (template !== undefined) {
    return {
      body: formatText(template, text),
      attributes,
      exception,
      template: lastTaken > 0 ? { template, parameters: args.slice(1, 1 + lastTaken) } : undefined,
    }
  }
  // The empty template keeps a string among the arguments from becoming the template.
  if (text.length > 0) return { body: formatText('', text).slice(1), attributes, exception }
  if (errors[0] !== undefined) return { body: safeGet(errors[0], 'message'), attributes, exception }
  return { body: args, exception }
}

function soleArgument(args: readonly unknown[]): Pick<LogRecord, 'body' | 'exception'> {
  if (args.length === 0) return { body: '' }
  const value = args[0]
  if (typeof value === 'string') return { body: value }
  if (isError(value)) return { body: safeGet(value, 'message'), exception: value }
  if (isOmitted(value)) return { body: show(value) }
  // An object that prints itself has other text than its fields.
  const hasFields = typeof value === 'object' && value !== null && !showsItself(value)
  return { body: value, exception: hasFields ? exceptionAmong(value) : undefined }
}

/** Counts the specifiers of a template, at most `most`. */
export function countSpecifiers(template: string, most: number): number {
  let count = 0
  let at = template.indexOf('%')
  while (at >= 0 && at + 1 < template.length && count < most) {
    const next = template[at + 1]!
    if (next !== '%' && SPECIFIERS.includes(next)) count += 1
    // Consecutive percent signs are skipped without a call of `indexOf`: `pnpm bench hostile-text`, percent signs.
    at = template[at + 2] === '%' ? at + 2 : template.indexOf('%', at + 2)
  }
  return count
}

/**
 * Tests for an object whose only form is its fields: a plain object, or a class instance without `toString`, `toJSON`, iterator,
 * `util.inspect.custom`, and class tag (which Date, Map, and URL have).
 */
function isFormless(value: object): boolean {
  try {
    return (
      Object.prototype.toString.call(value) === '[object Object]' &&
      typeof toJSONOf(value) !== 'function' &&
      ownText(value) === undefined &&
      !(Symbol.iterator in value) &&
      !showsItself(value)
    )
  } catch {
    return false
  }
}

const toJSONOf = safeGetter((value: { toJSON?: unknown }) => value.toJSON)

function showsItself(value: object): boolean {
  try {
    return inspect.custom in value
  } catch {
    return false
  }
}

/** Merges the fields of several objects. `distinctKey` renames equal keys. */
class MergedFields {
  attributes: Record<string, unknown> = {}
  private readonly reads = { left: MAX_VALUES }
  private isFirst = true
  private nextNumbers: Map<string, number> | undefined

  /** @returns false for an object without any fields */
  add(source: object): boolean {
    const { reads } = this
    if (reads.left <= 0) return true
    reads.left -= 1
    const fields = copyFields(source, undefined, reads)
    if (Object.keys(fields).length === 0 && !hasKeys(source)) return false
    if (this.isFirst) this.attributes = fields
    else this.merge(fields)
    this.isFirst = false
    if (reads.left <= 0) this.attributes['[Truncated]'] ??= 'more fields'
    return true
  }

  merge(fields: Record<string, unknown>): void {
    const { attributes } = this
    for (const key of Object.keys(fields)) {
      setOwn(attributes, Object.hasOwn(attributes, key) ? this.distinct(key) : key, fields[key])
    }
  }

  private distinct(key: string): string {
    this.nextNumbers ??= new Map<string, number>()
    return distinctKey(key, (candidate) => Object.hasOwn(this.attributes, candidate), this.nextNumbers)
  }
}

/** Tests for keys, also of omitted values. */
function hasKeys(source: object): boolean {
  try {
    return Object.keys(source).length > 0
  } catch {
    return false
  }
}
