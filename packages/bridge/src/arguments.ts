import { distinctKey } from './keys.ts'
import { inspect } from 'node:util'
import { copyFields, isOmitted, isError, MAX_VALUES, ownText, safeGet, setOwn } from './safeAccess.ts'
import { formatText, show } from './shown.ts'
import type { LogRecord } from './types.ts'

/** What `util.format` knows; each but `%%` takes one argument. https://nodejs.org/api/util.html#utilformatformat-args */
const SPECIFIERS = 'sdifjoOc'
/** Where libraries and users put the Error of a record among its fields. */
const ERROR_FIELDS = ['err', 'error', 'exception']

/**
 * Splits the arguments of a log call that takes them as `console.log` does:
 * - a sole argument that is not a string is the body as it is, an Error's message if it is an Error;
 * - a leading string is formatted with the arguments its specifiers take, by `util.format`;
 * - of what is left, objects with fields (see `hasFields`) become attributes, Errors the exception, and all else follows
 *   in the text, separated by spaces, as `util.format` would have it;
 * - objects alone, without any text, stay structured as an array.
 *
 * A key that two objects share is kept twice: `id`, `id#2`. The first Error is the exception, wherever it stands,
 * else the first under `err`, `error` or `exception`; more than one follow in the attribute `errors`. `template` is
 * there when a specifier took an argument. Total: an argument that throws becomes a placeholder.
 */
export function splitArguments(
  args: readonly unknown[],
): Pick<LogRecord, 'body' | 'attributes' | 'exception' | 'template'> {
  if (args.length < 2) return soleArgument(args)
  const first = args[0]
  const template = typeof first === 'string' ? first : undefined
  const lastTaken = template === undefined ? -1 : countSpecifiers(template, args.length - 1)
  /** What `util.format` puts into the template or behind it. */
  const text: unknown[] = []
  const errors: Error[] = []
  const fields = new MergedFields()
  for (let index = template === undefined ? 0 : 1; index < args.length; index += 1) {
    const argument = args[index]
    const isTaken = index <= lastTaken
    if (isTaken || typeof argument !== 'object' || argument === null) {
      text.push(argument)
      // The first Error is the exception also where a specifier has taken it.
      if (isTaken && errors.length === 0 && isError(argument)) errors.push(argument)
    } else if (isError(argument)) {
      errors.push(argument)
    } else if (!isFormless(argument) || !fields.add(argument)) {
      text.push(argument)
    }
  }

  const { attributes } = fields
  const exception = errors[0] ?? errorAmong(attributes)
  if (errors.length > 1) fields.merge({ errors: errors.slice(1) })
  if (template !== undefined) {
    return {
      body: formatText(template, text),
      attributes,
      exception,
      template: lastTaken > 0 ? { template, parameters: args.slice(1, 1 + lastTaken) } : undefined,
    }
  }
  // An empty template, so that no later string is taken for one.
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
  // The fields of an object that shows itself are not its form.
  const hasFields = typeof value === 'object' && value !== null && !showsItself(value)
  return { body: value, exception: hasFields ? errorAmong(value) : undefined }
}

/** Counts the specifiers of a template up to the number of arguments that there are for them. */
export function countSpecifiers(template: string, most: number): number {
  let count = 0
  let at = template.indexOf('%')
  while (at >= 0 && at + 1 < template.length && count < most) {
    const next = template[at + 1]!
    if (next !== '%' && SPECIFIERS.includes(next)) count += 1
    // Signs in a row are passed without a call of `indexOf`: `pnpm bench hostile-text`, percent signs.
    at = template[at + 2] === '%' ? at + 2 : template.indexOf('%', at + 2)
  }
  return count
}

/**
 * Whether an object has no other form than its fields: a plain one, or a class instance without `toString`, `toJSON`,
 * iterator, `util.inspect.custom` or class tag (as Date, Map, URL have).
 */
function isFormless(value: object): boolean {
  try {
    return (
      Object.prototype.toString.call(value) === '[object Object]' &&
      !hasToJSON(value) &&
      ownText(value) === undefined &&
      !(Symbol.iterator in value) &&
      !showsItself(value)
    )
  } catch {
    return false
  }
}

function showsItself(value: object): boolean {
  try {
    return inspect.custom in value
  } catch {
    return false
  }
}

function hasToJSON(value: object): boolean {
  try {
    return typeof (value as { toJSON?: unknown }).toJSON === 'function'
  } catch {
    return false
  }
}

/** The fields of several objects, kept apart as maps with equal keys are written (`value.ts`): `id`, `id#2`. */
class MergedFields {
  attributes: Record<string, unknown> = {}
  private readonly reads = { left: MAX_VALUES }
  private isFirst = true
  private nextNumbers: Map<string, number> | undefined

  /** @returns false, with nothing added, for an object without any fields */
  add(source: object): boolean {
    // Nothing is read where nothing can be kept.
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
    const nextNumbers = (this.nextNumbers ??= new Map<string, number>())
    const isTaken = (key: string): boolean => Object.hasOwn(attributes, key)
    for (const key of Object.keys(fields)) {
      setOwn(attributes, distinctKey(key, isTaken, nextNumbers), fields[key])
    }
  }
}

/** Whether there are keys, though no value that is kept. */
function hasKeys(source: object): boolean {
  try {
    return Object.keys(source).length > 0
  } catch {
    return false
  }
}

/** The Error among a record's fields: the first under `err`, `error` or `exception`. */
export function errorAmong(fields: object): Error | undefined {
  try {
    // By their names: `read` takes 40 ns to find out that a field is not there.
    const { err, error, exception } = fields as Record<string, unknown>
    return isError(err) ? err : isError(error) ? error : isError(exception) ? exception : undefined
  } catch {
    return ERROR_FIELDS.map((key) => safeGet(fields, key)).find(isError)
  }
}
