import { isError } from './safeAccess.ts'
import type { SerializedError } from './types.ts'

/** Parts of an Error that `exception.*` has, as far as they are texts. */
const MOVED = ['type', 'name', 'message', 'stack'] as const

/**
 * Finds the Error that pino or a serializer has written among the fields, under `errorKey`, `err`, or `error`. Moves the parts
 * that `exception.*` has out of the fields; the others (`code`, `cause`, own fields) stay.
 *
 * A serialized Error has a message and a stack. Under `errorKey` any object counts when an Error was logged there, because its
 * serializer may have left other fields alone.
 *
 * @param logged object that was logged; `undefined` in pino's worker
 */
export function extractException(
  fields: Record<string, unknown>,
  errorKey: string,
  logged: object | undefined,
): Error | SerializedError | undefined {
  const { err, error: other } = fields
  if (!isFields(err) && !isFields(other) && !isFields(fields[errorKey])) return undefined
  for (const key of [errorKey, 'err', 'error']) {
    const error = fields[key]
    if (isError(error)) return error
    if (isSerialized(error)) return take(fields, key, error)
    if (
      key === errorKey &&
      isFields(error) &&
      isError((logged as Record<string, unknown> | undefined)?.[key])
    )
      return take(fields, key, error)
  }
  return undefined
}

function take(fields: Record<string, unknown>, key: string, error: SerializedError): SerializedError {
  const { type, name, message, stack, aggregateErrors, ...rest } = error
  // `errors` is the name that AggregateError and the other adapters use.
  if (aggregateErrors !== undefined) rest['errors' in rest ? 'aggregateErrors' : 'errors'] = aggregateErrors
  for (const part of MOVED) {
    const value = error[part]
    if (value !== undefined && typeof value !== 'string') rest[part] = value
  }
  if (Object.keys(rest).length > 0) fields[key] = rest
  else delete fields[key]

  const exception: SerializedError = {}
  // pino's `type` is the constructor's name. A `name` on the line was set on this Error.
  const typeName = typeof name === 'string' && name !== '' && name !== 'Error' ? name : type
  // The type of an anonymous class is empty, and the bridge reads the type in the stack.
  if (typeof typeName === 'string' && typeName !== '') exception.type = typeName
  if (typeof message === 'string') exception.message = message
  if (typeof stack === 'string' && stack !== '') exception.stack = stackWithCauses(stack, error['cause'])
  return exception
}

/** Appends the stacks of causes, which `errWithCause` writes as objects. pino's own serializer has them in the stack. */
function stackWithCauses(stack: string, firstCause: unknown): string {
  let whole = stack
  let cause = firstCause
  while (isSerialized(cause)) {
    whole += `\nCaused by: ${cause.stack}`
    cause = cause['cause']
  }
  return whole
}

function isSerialized(value: unknown): value is SerializedError {
  return (
    isFields(value) &&
    typeof value['message'] === 'string' &&
    typeof value['stack'] === 'string' &&
    value['stack'] !== ''
  )
}

/** Tests if a value of a parsed line is an object with fields. */
export function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
