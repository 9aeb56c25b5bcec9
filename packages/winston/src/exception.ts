import { isError, type LogRecord, safeGet, type SerializedError } from '@logbridge/bridge'
import {
  addHiddenFields,
  containsText,
  describeException,
  exceptionAmong,
  isOmitted,
  textOf,
} from '@logbridge/bridge/internal'
import type { LogCall } from './callTracking.ts'
import { type Info, isObject, messageOf, SPLAT, stackOf } from './info.ts'

/** Begins a line of a stack. `\s` would take quadratic time for a text of line breaks. */
const FRAME = /\n[ \t]+at /

/**
 * Finds the Error of a record, and removes its parts from `attributes` and `rest`. Where winston or a format has spread an Error
 * over the record, only the parts that the formats have left are used. Fields that format.metadata() has moved to `metadata`
 * stay there.
 *
 * @param rest arguments that are neither in the message nor among the fields
 */
export function extractException(
  call: LogCall,
  attributes: Record<string, unknown>,
  rest: unknown[],
): LogRecord['exception'] {
  const { info, logged, message: original, splat, isSelective } = call
  const { message, metadata } = info
  const moved = isObject(metadata) ? metadata : undefined
  const stack = stackOf(info)
  if (isError(message)) {
    if (stack !== undefined) attributes['stack'] = stack
    return message
  }

  // Tested once for a record that no format has replaced, because the test takes 15 ns: `pnpm bench winston`.
  const isLoggedError = isError(logged)
  const source =
    call.spreadError ??
    // The record of a selective text lacks the parts that the text hides, and they are not to be made up.
    (info !== logged && isError(info) && !(isSelective && isLoggedError)
      ? info
      : isLoggedError
        ? logged
        : isError(original)
          ? original
          : undefined)
  if (source) return describeSpread(source, call, stack ?? (moved && safeGet(moved, 'stack')), attributes)

  const field = exceptionAmong(attributes)
  if (field) {
    if (stack !== undefined && stack !== safeGet(field, 'stack')) attributes['stack'] = stack
    return field
  }

  if (stack !== undefined) attributes['stack'] = stack
  // The bridge finds the exception in the stack, where a child logger or a format has replaced the Error by a plain object.
  if (typeof stack === 'string' && FRAME.test(stack)) return undefined

  const index = rest.length > 0 ? rest.findIndex(isError) : -1
  if (index >= 0) return rest.splice(index, 1)[0] as Error
  // A format can have seen no more than the text of logger.error('%s', error).
  const shown = splat.find(isError)
  if (shown) return isSelective ? describeFormatted(shown, info) : shown
  // The object of logger.error({ err }) is the message.
  const fields = isObject(message) ? message : moved
  const inside = fields && exceptionAmong(fields)
  return inside && describe(inside)
}

/** Describes an Error whose fields are among those of the record: `logger.error(error)`, `logger.error('text', error)`. */
function describeSpread(
  error: Error,
  call: LogCall,
  stack: unknown,
  attributes: Record<string, unknown>,
): SerializedError {
  const { info, isSelective } = call
  const cause = safeGet(error, 'cause')
  const errors = safeGet(error, 'errors')
  // format.errors() leaves the cause out by default, whereas winston's own merge keeps it.
  // No format copies what a method returns, e.g. that of VError.
  const isMethodCause = !isSelective && typeof cause === 'function'
  const isMerged = isSelective || info[SPLAT] !== undefined
  const hasCause = 'cause' in attributes ? attributes['cause'] === cause : !isMerged || isMethodCause
  const described = describeLogged(error, call)
  if (stack === safeGet(error, 'stack')) {
    if (hasCause && !isOmitted(cause)) attributes['cause'] = cause
    // Fields that are not enumerable are not merged.
    if (!isSelective) addHiddenFields(attributes, error)
    // The errors of an AggregateError and their fields pass no format.
    if (Array.isArray(errors) && !isSelective) attributes['errors'] ??= errors
    return hasCause ? described : { ...described, stack: textOf(stack) }
  }
  // Here a format has removed or changed the stack, or moved it into the message: `${message}\n${stack}`.
  const { type, message = '' } = described
  const text = textOf(messageOf(info))
  const isMasked = !containsText(text, message)
  // JSON shows an Error as `{}`. Behind a masked message the cause may repeat what the mask hides.
  if (isMasked && isError(attributes['cause'])) delete attributes['cause']
  const own = safeGet(error, 'stack')
  const shown =
    typeof stack === 'string' ? stack : typeof own === 'string' && containsText(text, own) ? own : undefined
  return {
    ...(type !== undefined && { type }),
    ...(!isMasked && { message }),
    ...(shown !== undefined && { stack: shown }),
  }
}

/** Describes an Error with the message that was logged, also where a format has put the stack into the Error's own message. */
function describeLogged(error: Error, { info, logged, message }: LogCall): SerializedError {
  const described = describe(error)
  const isReplaced = logged === error && typeof message === 'string' && message !== described.message
  return isReplaced && containsText(textOf(messageOf(info)), message) ? { ...described, message } : described
}

/** Describes an Error that format.splat() has put in the place of a token, as far as the message shows the Error. */
function describeFormatted(error: Error, info: Info): SerializedError | undefined {
  const text = textOf(messageOf(info))
  const { type, message = '', stack = '' } = describe(error)
  if (!containsText(text, message)) return undefined
  return { ...(type !== undefined && { type }), message, ...(containsText(text, stack) && { stack }) }
}

/** Returns type, message and stack alone, because the own fields of the Error are in another place. */
function describe(error: Error | SerializedError): SerializedError {
  const { attributes } = describeException(error)
  return {
    type: attributes['exception.type'] as string,
    message: attributes['exception.message'] as string,
    stack: attributes['exception.stacktrace'] as string,
  }
}
