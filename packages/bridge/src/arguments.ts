import { formatWithOptions, inspect } from 'node:util'
import { isError } from './exception.ts'
import { copyFields, isAbsent, placeholder, read, setOwn } from './read.ts'
import type { LogRecord } from './types.ts'
import { ownText } from './value.ts'

/** What `util.format` knows; each but `%%` takes one argument. https://nodejs.org/api/util.html#utilformatformat-args */
const SPECIFIERS = /%[sdifjoOc%]/g
/** Never the colours of the terminal that the process happens to run in. */
const FORMAT = { colors: false }
/** Where libraries and users put the Error of a record among its fields. */
const ERROR_FIELDS = ['err', 'error', 'exception']

/**
 * Splits the arguments of a log call that takes them as `console.log` does:
 * - a sole argument that is not a string is the body as it is, an Error's message if it is an Error;
 * - a leading string is formatted with the arguments its specifiers take, by `util.format`;
 * - of what is left, objects with fields (see `fieldsOf`) become attributes, Errors the exception, and all else follows
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
  const [first] = args
  const hasTemplate = typeof first === 'string'
  const taken = hasTemplate ? Math.min(countSpecifiers(first), args.length - 1) : 0
  const parameters = args.slice(1, 1 + taken)
  const errors = parameters.filter(isError).slice(0, 1)
  const attributes: Record<string, unknown> = {}
  const text: unknown[] = []
  for (const argument of hasTemplate ? args.slice(1 + taken) : args) {
    if (isError(argument)) {
      errors.push(argument)
      continue
    }
    const fields = fieldsOf(argument)
    if (fields === undefined) text.push(argument)
    else merge(attributes, fields)
  }

  const exception = errors[0] ?? errorAmong(attributes)
  if (errors.length > 1) merge(attributes, { errors: errors.slice(1) })
  if (hasTemplate) {
    const body = format(first, [...parameters, ...text])
    return { body, attributes, exception, template: taken > 0 ? { template: first, parameters } : undefined }
  }
  // An empty template, so that no later string is taken for one.
  if (text.length > 0) return { body: format('', text).slice(1), attributes, exception }
  if (errors[0] !== undefined) return { body: read(errors[0], 'message'), attributes, exception }
  return { body: args, exception }
}

function soleArgument(args: readonly unknown[]): Pick<LogRecord, 'body' | 'exception'> {
  if (args.length === 0) return { body: '' }
  const [value] = args
  if (typeof value === 'string') return { body: value }
  if (isError(value)) return { body: read(value, 'message'), exception: value }
  if (isAbsent(value)) return { body: show(value) }
  return { body: value, exception: typeof value === 'object' && value ? errorAmong(value) : undefined }
}

function countSpecifiers(template: string): number {
  if (!template.includes('%')) return 0
  return template.match(SPECIFIERS)?.filter((specifier) => specifier !== '%%').length ?? 0
}

/**
 * The fields of a plain object, or of a class instance that has no other form of its own: no `toString`, `toJSON`,
 * iterator, `util.inspect.custom` or class tag (as Date, Map, URL have). `undefined` for all else, and where there are no fields.
 */
function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  try {
    if (Object.prototype.toString.call(value) !== '[object Object]') return undefined
    const ownForm =
      typeof read(value, 'toJSON') === 'function' ||
      ownText(value) !== undefined ||
      Symbol.iterator in value ||
      inspect.custom in value
    if (ownForm || Object.keys(value).length === 0) return undefined
    return copyFields(value)
  } catch {
    return undefined
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
  for (const key of ERROR_FIELDS) {
    const value = read(fields, key)
    if (isError(value)) return value
  }
  return undefined
}

function format(template: string, parameters: readonly unknown[]): string {
  try {
    // `util.format` of a string alone leaves `%%` as it is. Here there were more arguments, if only fields.
    if (parameters.length === 0) return formatWithOptions(FORMAT, template, '').slice(0, -1)
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
