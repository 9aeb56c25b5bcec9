import { isError, type SerializedError } from '@logbridge/bridge'

/**
 * Finds the Error that pino or a serializer has written into a record's fields, and takes what `exception.*` says out
 * of it: what is left of it (`code`, `cause`, own fields) stays where it was. Beside pino's `errorKey` they stand under
 * `err` and `error`, when those have a serializer.
 *
 * An object that merely has a `name`, a `code` or a `message` is none: it takes a message and a stack, or an Error that
 * was logged under `errorKey` whatever its serializer left of it.
 *
 * @param logged what was logged, where that is known
 */
export function extractException(
  fields: Record<string, unknown>,
  errorKey: string,
  logged: object | undefined,
): SerializedError | undefined {
  const { err, error: other } = fields
  if (!isObject(err) && !isObject(other) && !isObject(fields[errorKey])) return undefined
  for (const key of [errorKey, 'err', 'error']) {
    const error = fields[key]
    if (isSerialized(error)) return take(fields, key, error)
    if (
      key === errorKey &&
      isObject(error) &&
      isError((logged as Record<string, unknown> | undefined)?.[key])
    )
      return take(fields, key, error)
  }
  return undefined
}

function take(fields: Record<string, unknown>, key: string, error: SerializedError): SerializedError {
  const { type, name, message, stack, aggregateErrors, ...rest } = error
  // As Error itself has it, and every other adapter.
  if (aggregateErrors !== undefined) rest['errors' in rest ? 'aggregateErrors' : 'errors'] = aggregateErrors
  if (Object.keys(rest).length > 0) fields[key] = rest
  else delete fields[key]

  const exception: SerializedError = {}
  // pino's `type` is the constructor's name; a `name` on the line is one that somebody gave this very Error.
  const typeName = typeof name === 'string' && name !== '' && name !== 'Error' ? name : type
  if (typeof typeName === 'string') exception.type = typeName
  if (typeof message === 'string') exception.message = message
  if (typeof stack === 'string') exception.stack = stackWithCauses(stack, error['cause'])
  return exception
}

/** pino's own serializer has put the causes into the stack; `errWithCause` writes them as objects. */
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
    isObject(value) &&
    typeof value['message'] === 'string' &&
    typeof value['stack'] === 'string' &&
    value['stack'] !== ''
  )
}

/** Whether a value of a parsed line is an object with fields. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
