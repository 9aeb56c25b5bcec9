import type { Context } from '@opentelemetry/api'
import {
  type Adapter,
  type BridgeOptions,
  copyFields,
  type HrTime,
  isError,
  type LogRecord,
  now,
  safeGet,
  type SerializedError,
  toHrTime,
} from '@logbridge/bridge'
import {
  containsText,
  countSpecifiers,
  describeException,
  errorAmong,
  formatText,
  isOmitted,
  stripEscapeSequences,
  textOf,
} from '@logbridge/bridge/internal'
import type { Logger } from 'winston'
import type { UsedReplacer } from './finished.ts'
import { createSeverities } from './levels.ts'

/** winston's record: string keys are fields, `triple-beam` symbols what winston itself keeps. */
export type Info = Record<string | symbol, unknown>

/** One log call on its way through winston. */
export interface LogCall {
  /** The record after all formats. */
  info: Info
  /** Whose call it is, where that is known. */
  logger: Pick<Logger, 'level' | 'levels'> | undefined
  /** What was logged, before any format. */
  logged: unknown
  /** The message before any format. */
  message: unknown
  /** The arguments behind the message; format.splat() takes them out of the array that winston keeps. */
  splat: readonly unknown[]
  /** The Error among them whose fields winston has put on the record: since 3.2 its stack and message, too. */
  spread: Error | undefined
  /** Whether the logger has begun with it. */
  transformed: boolean
  /** Whether the logger's format has made a text that shows all fields: see `finished.ts`. */
  isWhole: boolean
  /** By which the logger's format.json() has made its text. */
  replacer: UsedReplacer | undefined
  /** Whether a text of chosen fields has been made, which hides arguments that are no fields: see `shown.ts`. */
  isSelective: boolean
  /** What was true during the log call, if the record had to wait behind a slow transport. */
  deferred: CallContext | undefined
}

export interface CallContext {
  readonly context: Context
  readonly time: HrTime
  readonly code: Record<string, unknown> | undefined
  /** Made by code that was itself sending a record: left out, else it would never end. */
  readonly nested: boolean
}

export const LEVEL: unique symbol = Symbol.for('level') as never
export const MESSAGE: unique symbol = Symbol.for('message') as never
export const SPLAT: unique symbol = Symbol.for('splat') as never

/** What format.splat() takes for a token. */
const TOKEN = /%[scdjifoO%]/
/** A timestamp that is a number. */
const NUMBER = /^\d+(?:\.\d+)?$/
const MINUTE = /:\d\d/
/** A time zone, where it stands behind the minute. */
const ZONE = /Z|GMT|UTC|[+-]\d\d:?\d\d/i
/** Begins a line of a stack. Not `\s`, which takes quadratic time for a text of line breaks. */
const FRAME = /\n[ \t]+at /
/** Left out of the attributes, or given a place of their own below. */
const RESERVED = new Set(['level', 'message', 'timestamp', 'label', 'stack'])
/** A text without a time zone is believed when it is this close to the time of the call. */
const TOLERANCE_MILLIS = 1500

/**
 * @param overrides severity numbers by level, over those of the logger's own levels
 * @param labelIsScope whether a logger's label names the scope; else it is an attribute
 * @param hasTemplates whether templates are asked for
 */
export function createAdapter(
  overrides: BridgeOptions['severity'],
  labelIsScope: boolean,
  hasTemplates: boolean,
): Adapter<LogCall> {
  const severitiesOf = createSeverities(overrides)
  return {
    library: 'winston',
    classify(call) {
      const { info, logger } = call
      const severityText = levelOf(info)
      return {
        severityNumber: severitiesOf(logger?.levels).get(severityText) ?? 0,
        severityText,
        scope: labelIsScope ? loggerLabel(call) : undefined,
      }
    },
    // An ESM and a CommonJS copy of this module each make a Call of their own.
    isSameCall: (previous, { logged, logger }) => previous.logged === logged && previous.logger === logger,
    convert(call, { scope }) {
      const { info, message: template, deferred: held, splat } = call
      const message = messageOf(info)
      const attributes = copyFields(info, RESERVED)
      const isTemplate = typeof template === 'string' && TOKEN.test(template)
      const taken = isTemplate ? countSpecifiers(template, splat.length) : undefined
      const rest = call.isSelective ? [] : unmergedArguments(call, taken)
      const exception = extractException(call, attributes, rest)
      if (rest.length > 0) attributes['splat' in attributes ? 'splat#2' : 'splat'] = rest

      const label = labelOf(info)
      if (label !== undefined && scope === undefined) attributes['label'] = label
      const timestamp = timestampOf(info)
      let time: HrTime | undefined
      if (timestamp !== undefined) {
        if (!isPassed(call, 'timestamp', timestamp)) time = eventTime(timestamp, held?.time)
        if (time === undefined) attributes['timestamp'] = timestamp
      }

      return {
        timestamp: time,
        observedTimestamp: held?.time,
        code: held?.code,
        body: isError(message) ? safeGet(message, 'message') : message,
        attributes,
        exception,
        template: hasTemplates && taken !== undefined ? templateOf(call, taken) : undefined,
      }
    },
  }
}

/** Formats that colour change `level`, never the symbol. */
export function levelOf(info: Info): string {
  const level = info[LEVEL]
  return typeof level === 'string' ? level : textOf(level ?? stripEscapeSequences(textOf(info['level'])))
}

/** The message after all formats. format.logstash() moves it out of the record, into the text that it makes. */
function messageOf(info: Info): unknown {
  const { message } = info
  if (message !== undefined) return message
  const text = info[MESSAGE]
  if (typeof text !== 'string' || !text.includes('"@message":')) return undefined
  try {
    return (JSON.parse(text) as Record<string, unknown>)['@message']
  } catch {
    return undefined
  }
}

// `read` of these fields, which most records do not have, each by a line of its own: `read` sees all keys of all objects, and
// what is not there takes it 40 ns to find out.
function labelOf(info: Info): unknown {
  try {
    return info['label']
  } catch {
    return safeGet(info, 'label')
  }
}
function timestampOf(info: Info): unknown {
  try {
    return info['timestamp']
  } catch {
    return safeGet(info, 'timestamp')
  }
}
function stackOf(info: Info): unknown {
  try {
    return info['stack']
  } catch {
    return safeGet(info, 'stack')
  }
}

/** The label that a format, defaultMeta or a child has put on the record. */
function loggerLabel(call: LogCall): string | undefined {
  const label = labelOf(call.info)
  return typeof label === 'string' && label !== '' && !isPassed(call, 'label', label) ? label : undefined
}

/** Whether an argument of the log call has brought this field: it means what the caller means by it. */
function isPassed({ splat }: LogCall, key: string, value: unknown): boolean {
  return splat.some((argument) => isObject(argument) && safeGet(argument, key) === value)
}

/**
 * The time that format.timestamp() has put on the record. Its text may be in any form; where that leaves the time zone
 * open and the result is not the time of the call, it has been misread.
 */
function eventTime(timestamp: unknown, called: HrTime | undefined): HrTime | undefined {
  const time = toHrTime(timestamp)
  if (time === undefined || typeof timestamp !== 'string') return time
  // What ends with it and has been read as a time is in UTC: the tests below take longer than all else here.
  if (timestamp.endsWith('Z')) return time
  if (NUMBER.test(timestamp) || ZONE.test(timestamp.slice(timestamp.search(MINUTE)))) return time
  const [seconds, nanoseconds] = called ?? now()
  const distance = (time[0] - seconds) * 1e3 + (time[1] - nanoseconds) / 1e6
  return Math.abs(distance) <= TOLERANCE_MILLIS ? time : undefined
}

/** `undefined` where a format has changed the formatted message: what it hid there is among the parameters. */
function templateOf({ info, message, splat }: LogCall, taken: number): LogRecord['template'] {
  const template = message as string
  const parameters = splat.slice(0, taken)
  const text = stripEscapeSequences(textOf(messageOf(info)))
  const isWhole =
    containsText(text, template) || containsText(text, stripEscapeSequences(formatText(template, parameters)))
  return isWhole ? { template, parameters } : undefined
}

/**
 * The arguments that are neither in the message nor among the fields. winston merges the first one if it is an object
 * and the message has no tokens; format.splat() puts arguments in the place of tokens and merges the objects behind them.
 *
 * @param taken how many arguments the tokens of the message take; `undefined` without tokens
 */
function unmergedArguments({ info, message, splat }: LogCall, taken: number | undefined): unknown[] {
  if (splat.length === 0) return []
  let first = isObject(splat[0]) ? 1 : 0
  let formatted: boolean
  if (taken !== undefined) {
    formatted = !containsText(textOf(messageOf(info)), message as string)
    if (!formatted) return [...splat]
    first = taken
  } else {
    const kept = info[SPLAT]
    formatted = Array.isArray(kept) && kept.length < splat.length
  }
  if (first >= splat.length) return []
  // format.splat() merges an Error's own fields, but what makes it an Error is not among them.
  return splat
    .slice(first)
    .filter((argument) => !isOmitted(argument) && !(formatted && isObject(argument) && !isError(argument)))
}

/**
 * Finds the Error of a record, and takes what tells of it out of `attributes` and `rest`. Where winston or a format has
 * spread an Error over the record, only what the formats have left there is used. What format.metadata() has moved to the
 * field `metadata` stays there.
 */
function extractException(
  call: LogCall,
  attributes: Record<string, unknown>,
  rest: unknown[],
): LogRecord['exception'] {
  const { info, logged, message: original, splat, spread: merged, isSelective } = call
  const { message, metadata } = info
  const moved = isObject(metadata) ? metadata : undefined
  const stack = stackOf(info)
  if (isError(message)) {
    if (stack !== undefined) attributes['stack'] = stack
    return message
  }

  const source =
    merged ??
    (isError(info)
      ? info
      : logged !== info && isError(logged)
        ? logged
        : isError(original)
          ? original
          : undefined)
  if (source) return spreadError(source, call, stack ?? (moved && safeGet(moved, 'stack')), attributes)

  const field = errorAmong(attributes)
  if (field) {
    if (stack !== undefined && stack !== safeGet(field, 'stack')) attributes['stack'] = stack
    return field
  }

  if (typeof stack === 'string' && FRAME.test(stack)) return parsedError(stack, attributes['cause'])
  if (stack !== undefined) attributes['stack'] = stack

  const index = rest.length > 0 ? rest.findIndex(isError) : -1
  if (index >= 0) return rest.splice(index, 1)[0] as Error
  // logger.error('%s', error): the text is all that a format could have seen of it.
  const shown = splat.find(isError)
  if (shown) return isSelective ? formattedError(shown, info) : shown
  // logger.error({ err }): the object is the message.
  const fields = isObject(message) ? message : moved
  const inside = fields && errorAmong(fields)
  return inside && describe(inside)
}

/** An Error whose fields stand among the record's: `logger.error(error)`, `logger.error('text', error)`. */
function spreadError(
  error: Error,
  { info, isSelective }: LogCall,
  stack: unknown,
  attributes: Record<string, unknown>,
): SerializedError {
  const cause = safeGet(error, 'cause')
  const errors = safeGet(error, 'errors')
  // format.errors() leaves the cause out unless told otherwise; winston's own merge has put it there.
  const isMerged = isSelective || info[SPLAT] !== undefined
  const hasCause = 'cause' in attributes ? attributes['cause'] === cause : !isMerged
  if (stack === safeGet(error, 'stack')) {
    if (hasCause && cause !== undefined) attributes['cause'] = cause
    // No format sees them, nor their fields.
    if (Array.isArray(errors) && !isSelective) attributes['errors'] ??= errors
    return hasCause ? describe(error) : { ...describe(error), stack: textOf(stack) }
  }
  // A format has removed or changed the stack.
  const described = describe(error)
  const text = safeGet(error, 'message')
  const isShown = typeof text === 'string' && containsText(textOf(messageOf(info)), text)
  return {
    ...(described.type !== undefined && { type: described.type }),
    ...(isShown && { message: text }),
    ...(typeof stack === 'string' && { stack }),
  }
}

/** What the message shows of an Error that format.splat() has put in the place of a token. */
function formattedError(error: Error, info: Info): SerializedError | undefined {
  const text = textOf(messageOf(info))
  const { type, message = '', stack = '' } = describe(error)
  if (!containsText(text, message)) return undefined
  return { ...(type !== undefined && { type }), message, ...(containsText(text, stack) && { stack }) }
}

/** From the text of a stack alone, where a child logger or a format has replaced the Error by a plain object. */
function parsedError(stack: string, cause: unknown): SerializedError {
  const header = stack.slice(0, stack.search(FRAME))
  const [, type = 'Error', message = ''] = /^([\w$.]+)(?:: ([^]*))?$/.exec(header) ?? [
    undefined,
    undefined,
    header,
  ]
  const causes = isError(cause) ? `\nCaused by: ${describe(cause).stack}` : ''
  return { type, message, stack: stack + causes }
}

/** `exception.*` only: the Error's own fields stand elsewhere. */
function describe(error: Error): SerializedError {
  const { attributes } = describeException(error)
  return {
    type: attributes['exception.type'] as string,
    message: attributes['exception.message'] as string,
    stack: attributes['exception.stacktrace'] as string,
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** For a format. The copy of an Error is one to `instanceof`, as `format.errors()` asks for it. */
export function cloneForFormat(info: Info): Info {
  if (!isError(info)) return { ...info }
  const copy = Object.create(Object.getPrototypeOf(info) as object) as Info
  for (const key of ['message', 'stack', 'cause']) {
    const value = safeGet(info, key)
    // The message is no secret to a format that spreads the record.
    const property = { value, enumerable: key === 'message', writable: true, configurable: true }
    if (value !== undefined) Object.defineProperty(copy, key, property)
  }
  return Object.assign(copy, info)
}
