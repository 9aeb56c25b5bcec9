import { copyFields, isError, type Reads, safeGet, safeGetter, textOf } from './safeAccess.ts'
import type { SerializedError } from './types.ts'

/** Largest number of causes in `exception.stacktrace`. */
const MAX_CAUSES = 16

/** Fields of an Error that are mapped one by one, and not copied with its other own fields. */
const STANDARD_FIELDS = new Set(['name', 'message', 'stack', 'cause', 'errors'])

/** Error, split into the attributes of the semantic conventions and its other fields. */
export interface ExceptionParts {
  /** `exception.type`, `exception.message`, `exception.stacktrace` of the semantic conventions. */
  attributes: Record<string, unknown>
  /** Own fields (`code`, `errno`, …), `cause`, and `errors`. `undefined` for an Error without them. */
  extras: Record<string, unknown> | undefined
}

/** Returns the class name: `name`, or the name of the constructor when `name` is `Error`, empty, or no string. */
function errorType(error: Error): string {
  const name = safeGet(error, 'name')
  if (typeof name === 'string' && name !== '' && name !== 'Error') return name
  const constructor = safeGet(error, 'constructor')
  if (typeof constructor !== 'function') return 'Error'
  const className = safeGet(constructor, 'name')
  return typeof className === 'string' && className !== '' ? className : 'Error'
}

/**
 * Splits an Error, or a serialized error, into the attributes of the semantic conventions and its other fields.
 * https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/
 */
export function describeException(exception: Error | SerializedError): ExceptionParts {
  if (!isError(exception)) return describeSerialized(exception)
  return {
    attributes: {
      'exception.type': errorType(exception),
      'exception.message': text(safeGet(exception, 'message')),
      'exception.stacktrace': stackWithCauses(exception),
    },
    extras: unlessEmpty(errorFields(exception)),
  }
}

/**
 * Lists type, message, stack, own fields, cause, and errors of an Error that was logged as a body or an attribute, or inside of one.
 * @param reads budget that the own fields are charged to
 */
export function errorEntries(error: Error, reads: Reads): [string, unknown][] {
  return [
    ['type', errorType(error)],
    ['message', safeGet(error, 'message')],
    ['stack', stackOf(error)],
    ...Object.entries(errorFields(error, reads)),
  ]
}

/** Copies the own fields, `cause`, and `errors` (of an AggregateError). The result of `toJSON`, if any, replaces the own fields. */
function errorFields(error: Error, reads?: Reads): Record<string, unknown> {
  const fields = copyFields(ownJSON(error), STANDARD_FIELDS, reads)
  const cause = causeOf(error)
  if (cause !== undefined) fields['cause'] = cause
  const errors = errorsOf(error)
  if (errors !== undefined) fields['errors'] = errors
  return fields
}

/**
 * Reads the stack. Returns `undefined` when name or message is an object, because V8 calls `String` of both at the first read of the stack, and
 * `String` takes exponential time for nested arrays in which each array occurs several times.
 */
function stackOf(error: Error): unknown {
  if (isObject(safeGet(error, 'name')) || isObject(safeGet(error, 'message'))) return undefined
  return safeGet(error, 'stack')
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function unlessEmpty(fields: Record<string, unknown>): Record<string, unknown> | undefined {
  return Object.keys(fields).length > 0 ? fields : undefined
}

/** Returns the result of the Error's `toJSON`; the Error itself when `toJSON` is absent, throws, or returns no object. */
function ownJSON(error: Error): object {
  try {
    const { toJSON } = error as { toJSON?: unknown }
    const json: unknown = typeof toJSON === 'function' ? toJSON.call(error) : undefined
    return typeof json === 'object' && json !== null ? json : error
  } catch {
    return error
  }
}

const causeOf = safeGetter((error: Error) => error.cause)
const errorsOf = safeGetter((error: Error) => (error as { errors?: unknown }).errors)

function describeSerialized(error: SerializedError): ExceptionParts {
  const { type, name, message, stack, ...extras } = copyFields(error)
  const attributes: Record<string, unknown> = {}
  if (type ?? name) attributes['exception.type'] = type ?? name
  if (message !== undefined) attributes['exception.message'] = message
  if (stack !== undefined) attributes['exception.stacktrace'] = stack
  return { attributes, extras: unlessEmpty(extras) }
}

function stackWithCauses(error: Error): string {
  let stack = text(stackOf(error)) ?? `${errorType(error)}: ${text(safeGet(error, 'message')) ?? ''}`
  let cause = causeOf(error)
  if (!isError(cause)) return stack
  const seen = new Set<unknown>([error])
  while (isError(cause) && !seen.has(cause) && seen.size <= MAX_CAUSES) {
    stack += `\nCaused by: ${text(stackOf(cause)) ?? errorType(cause)}`
    seen.add(cause)
    cause = causeOf(cause)
  }
  return stack
}

function text(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  try {
    return textOf(value)
  } catch {
    return undefined
  }
}
