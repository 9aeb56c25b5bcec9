import { formatWithOptions, inspect } from 'node:util'
import { isError } from './exception.ts'
import { copyFields, isAbsent, placeholder, read, setOwn } from './read.ts'
import type { LogRecord } from './types.ts'
import { ownText } from './value.ts'

/** What `util.format` knows; each but `%%` takes one argument. https://nodejs.org/api/util.html#utilformatformat-args */
const SPECIFIERS = 'sdifjoOc'
/** Never the colours of the terminal that the process happens to run in. */
const FORMAT = { colors: false }
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
  let attributes: Record<string, unknown> = {}
  let isFirst = true
  for (let index = template === undefined ? 0 : 1; index < args.length; index += 1) {
    const argument = args[index]
    const isTaken = index <= lastTaken
    if (isTaken || typeof argument !== 'object' || argument === null) {
      text.push(argument)
      // The first Error is the exception also where a specifier has taken it.
      if (isTaken && errors.length === 0 && isError(argument)) errors.push(argument)
    } else if (isError(argument)) {
      errors.push(argument)
    } else if (hasFields(argument)) {
      const fields = copyFields(argument)
      if (isFirst) attributes = fields
      else merge(attributes, fields)
      isFirst = false
    } else {
      text.push(argument)
    }
  }

  const exception = errors[0] ?? errorAmong(attributes)
  if (errors.length > 1) merge(attributes, { errors: errors.slice(1) })
  if (template !== undefined) {
    return {
      body: format(template, text),
      attributes,
      exception,
      template: lastTaken > 0 ? { template, parameters: args.slice(1, 1 + lastTaken) } : undefined,
    }
  }
  // An empty template, so that no later string is taken for one.
  if (text.length > 0) return { body: format('', text).slice(1), attributes, exception }
  if (errors[0] !== undefined) return { body: read(errors[0], 'message'), attributes, exception }
  return { body: args, exception }
}

function soleArgument(args: readonly unknown[]): Pick<LogRecord, 'body' | 'exception'> {
  if (args.length === 0) return { body: '' }
  const value = args[0]
  if (typeof value === 'string') return { body: value }
  if (isError(value)) return { body: read(value, 'message'), exception: value }
  if (isAbsent(value)) return { body: show(value) }
  return { body: value, exception: typeof value === 'object' && value ? errorAmong(value) : undefined }
}

/** Counts the specifiers of a template up to the number of arguments that there are for them. */
export function countSpecifiers(template: string, most: number): number {
  let count = 0
  let at = template.indexOf('%')
  while (at >= 0 && at + 1 < template.length && count < most) {
    const next = template[at + 1]!
    const isSpecifier = SPECIFIERS.includes(next)
    if (isSpecifier) count += 1
    at = template.indexOf('%', isSpecifier || next === '%' ? at + 2 : at + 1)
  }
  return count
}

/**
 * Whether the fields of an object stand for it: a plain one, or a class instance that has no other form of its own: no
 * `toString`, `toJSON`, iterator, `util.inspect.custom` or class tag (as Date, Map, URL have). Not where there are none.
 */
function hasFields(value: object): boolean {
  try {
    return (
      Object.prototype.toString.call(value) === '[object Object]' &&
      !hasToJSON(value) &&
      ownText(value) === undefined &&
      !(Symbol.iterator in value) &&
      !(inspect.custom in value) &&
      Object.keys(value).length > 0
    )
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

/** Adds fields under keys that are still free, as maps with equal keys are written (`value.ts`). */
function merge(attributes: Record<string, unknown>, fields: Record<string, unknown>): void {
  for (const key of Object.keys(fields)) {
    let free = key
    for (let n = 2; Object.hasOwn(attributes, free); n += 1) free = `${key}#${n}`
    setOwn(attributes, free, fields[key])
  }
}

/** The Error among a record's fields: the first under `err`, `error` or `exception`. */
export function errorAmong(fields: object): Error | undefined {
  try {
    // By their names: `read` takes 40 ns to find out that a field is not there.
    const { err, error, exception } = fields as Record<string, unknown>
    return isError(err) ? err : isError(error) ? error : isError(exception) ? exception : undefined
  } catch {
    return ERROR_FIELDS.map((key) => read(fields, key)).find(isError)
  }
}

function format(template: string, parameters: readonly unknown[]): string {
  try {
    if (parameters.length === 0) {
      // `util.format` of a string alone leaves `%%` as it is. Here there were more arguments, if only fields.
      return template.includes('%') ? formatWithOptions(FORMAT, template, '').slice(0, -1) : template
    }
    return formatWithOptions(FORMAT, template, ...parameters)
  } catch {
    return [template, ...parameters.map(show)].join(' ')
  }
}

function show(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return inspect(value, FORMAT)
  } catch (error) {
    return placeholder(error)
  }
}
