import { isError, type LogRecord, safeGet, type SerializedError } from '@logbridge/bridge'
import { containsText, describeException, exceptionAmong, textOf } from '@logbridge/bridge/internal'
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

  const source =
    call.spreadError ??
    (isError(info)
      ? info
      : logged !== info && isError(logged)
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

  if (typeof stack === 'string' && FRAME.test(stack)) return parseStack(stack, attributes['cause'])
  if (stack !== undefined) attributes['stack'] = stack

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
  { info, isSelective }: LogCall,
  stack: unknown,
  attributes: Record<string, unknown>,
): SerializedError {
  const cause = safeGet(error, 'cause')
  const errors = safeGet(error, 'errors')
  // format.errors() leaves the cause out by default, whereas winston's own merge keeps it.
  const isMerged = isSelective || info[SPLAT] !== undefined
  const hasCause = 'cause' in attributes ? attributes['cause'] === cause : !isMerged
  if (stack === safeGet(error, 'stack')) {
    if (hasCause && cause !== undefined) attributes['cause'] = cause
    // The errors of an AggregateError and their fields pass no format.
    if (Array.isArray(errors) && !isSelective) attributes['errors'] ??= errors
    return hasCause ? describe(error) : { ...describe(error), stack: textOf(stack) }
  }
  // Here a format has removed or changed the stack.
  const described = describe(error)
  const text = safeGet(error, 'message')
  const isShown = typeof text === 'string' && containsText(textOf(messageOf(info)), text)
  return {
    ...(described.type !== undefined && { type: described.type }),
    ...(isShown && { message: text }),
    ...(typeof stack === 'string' && { stack }),
  }
}

/** Describes an Error that format.splat() has put in the place of a token, as far as the message shows the Error. */
function describeFormatted(error: Error, info: Info): SerializedError | undefined {
  const text = textOf(messageOf(info))
  const { type, message = '', stack = '' } = describe(error)
  if (!containsText(text, message)) return undefined
  return { ...(type !== undefined && { type }), message, ...(containsText(text, stack) && { stack }) }
}

/** Parses the text of a stack, where a child logger or a format has replaced the Error by a plain object. */
function parseStack(stack: string, cause: unknown): SerializedError {
  const header = stack.slice(0, stack.search(FRAME))
  const [, type = 'Error', message = ''] = /^([\w$.]+)(?:: ([^]*))?$/.exec(header) ?? [
    undefined,
    undefined,
    header,
  ]
  const causes = isError(cause) ? `\nCaused by: ${describe(cause).stack}` : ''
  return { type, message, stack: stack + causes }
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
