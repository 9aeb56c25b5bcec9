import { copyFields, isError, isOmitted, type Reads, safeGet, safeGetter, textOf } from './safeAccess.ts'
import { stackText, typeIn } from './findException.ts'
import { containsText } from './text.ts'
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
 * Splits an Error, or a serialized error, into the attributes of the semantic conventions and its other fields. Any other value is the message.
 * https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/
 */
export function describeException(exception: unknown): ExceptionParts {
  if (!isError(exception)) {
    if (isObject(exception)) return describeSerialized(exception as SerializedError)
    return { attributes: { 'exception.message': text(exception) }, extras: undefined }
  }
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
  const json = ownJSON(error)
  const fields = copyFields(json, STANDARD_FIELDS, reads)
  if (json === error) addHiddenFields(fields, error)
  const cause = causeOf(error)
  if (!isOmitted(cause)) fields['cause'] = cause
  const errors = errorsOf(error)
  if (errors !== undefined) fields['errors'] = errors
  return fields
}

/**
 * Adds the fields that are not enumerable: a `code` of a getter of the class, or hidden (DOMException, undici, gRPC), and the two Errors of a
 * SuppressedError, which the end of a `using` block throws.
 */
export function addHiddenFields(fields: Record<string, unknown>, error: Error): void {
  const code = fields['code'] === undefined ? codeOf(error) : undefined
  if (!isOmitted(code)) fields['code'] = code
  const suppressed = fields['suppressed'] === undefined ? suppressedOf(error) : undefined
  if (isOmitted(suppressed)) return
  fields['suppressed'] = suppressed
  fields['error'] ??= safeGet(error, 'error')
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

const codeOf = safeGetter((error: Error) => (error as { code?: unknown }).code)
const suppressedOf = safeGetter((error: Error) => (error as { suppressed?: unknown }).suppressed)
const causeOf = safeGetter((error: object) => (error as Error).cause)
/** Reads or calls `cause`. VError and restify-errors have a method, which the serializers of pino and bunyan call, too. */
const calledCauseOf = safeGetter((error: object) => {
  const { cause } = error as Error
  return typeof cause === 'function' ? (cause as () => unknown).call(error) : cause
})
const errorsOf = safeGetter((error: Error) => (error as { errors?: unknown }).errors)

/** A type that is missing is read from the stack, or is the `code` of an error without a stack, as in the official SDK. */
function describeSerialized(error: SerializedError): ExceptionParts {
  const { type, name, message, stack: given, ...extras } = copyFields(error)
  const stack = stackText(given) ?? text(given)
  const typeName = type ?? name ?? (stack === undefined ? extras['code'] : typeIn(stack))
  const attributes: Record<string, unknown> = {}
  if (typeName ?? undefined) attributes['exception.type'] = text(typeName)
  if (message !== undefined) attributes['exception.message'] = text(message)
  if (stack !== undefined) attributes['exception.stacktrace'] = withCauses(stack, error)
  return { attributes, extras: unlessEmpty(extras) }
}

function stackWithCauses(error: Error): string {
  const stack = text(stackOf(error)) ?? `${errorType(error)}: ${text(safeGet(error, 'message')) ?? ''}`
  return withCauses(stack, error)
}

/** Appends the stacks of the causes, which may be Errors or serialized errors. A stack that has them already stays. */
function withCauses(stack: string, error: object): string {
  let whole = stack
  const seen = new Set<unknown>([error])
  let cause = calledCauseOf(error)
  while (seen.size <= MAX_CAUSES && !seen.has(cause)) {
    const causeStack = stackOfCause(cause)
    if (causeStack === undefined) break
    if (!containsText(stack, causeStack)) whole += `\nCaused by: ${causeStack}`
    seen.add(cause)
    cause = calledCauseOf(cause as object)
  }
  return whole
}

function stackOfCause(cause: unknown): string | undefined {
  if (isError(cause)) return text(stackOf(cause)) ?? errorType(cause)
  if (!isObject(cause)) return undefined
  const stack = safeGet(cause as object, 'stack')
  return typeof stack === 'string' && stack !== '' ? stack : undefined
}

function text(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  try {
    return textOf(value)
  } catch {
    return undefined
  }
}
