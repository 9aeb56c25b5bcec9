import {
  type Adapter,
  type BridgeOptions,
  copyFields,
  type HrTime,
  isError,
  type LogRecord,
  safeGet,
  toHrTime,
} from '@logbridge/bridge'
import {
  containsText,
  countSpecifiers,
  distinctKey,
  formatText,
  isOmitted,
  isPlain,
  stripEscapeSequences,
  textOf,
  callSites,
} from '@logbridge/bridge/internal'
import type { LogCall } from './callTracking.ts'
import { extractException } from './exception.ts'
import { isObject, labelOf, levelOf, messageOf, RESERVED, SPLAT, timestampOf } from './info.ts'
import { createSeverities } from './severity.ts'

/** Returns the callers of the logger's method that the application called: `logger.info`, else `logger.log`, else `logger.write`. */
function callers({ info, logger }: LogCall): NodeJS.CallSite[] {
  const methods = logger as Record<string, unknown> | undefined
  for (const name of [levelOf(info), 'log', 'write']) {
    const method = methods?.[name]
    const sites = typeof method === 'function' ? callSites(method as () => void) : []
    if (sites.length > 0) return sites
  }
  return []
}

/** White space at the start of a message. */
const PADDING = /^[ \t]*/
/** Tokens of format.splat(). */
const TOKEN = /%[scdjifoO%]/
/**
 * Makes the adapter of winston; `index.ts` has the mapping.
 *
 * @param overrides severity numbers by level, over the numbers of the levels
 * @param labelIsScope `true` makes a logger's label the scope, `false` an attribute
 * @param hasTemplates `true` captures message templates
 */
export function createAdapter(
  overrides: BridgeOptions['severity'],
  labelIsScope: boolean,
  hasTemplates: boolean,
): Adapter<LogCall> {
  const severityOf = createSeverities(overrides)
  return {
    library: 'winston',
    callers,
    classify(call) {
      const { info, logger } = call
      const severityText = levelOf(info)
      return {
        severityNumber: severityOf(logger?.levels, severityText),
        severityText,
        scope: labelIsScope ? loggerLabel(call) : undefined,
      }
    },
    // The ESM and the CommonJS copy of this module each create a LogCall for one log call.
    isSameCall: (previous, { logged, logger }) => previous.logged === logged && previous.logger === logger,
    convert(call, { scope }) {
      const { info, message: template, deferred, splat } = call
      const message = messageOf(info)
      const attributes = copyFields(info, RESERVED)
      // Searching for a character is faster than a regular expression: `pnpm bench winston`.
      const isTemplate = typeof template === 'string' && template.includes('%') && TOKEN.test(template)
      const taken = isTemplate ? countSpecifiers(template, splat.length) : undefined
      const rest = call.isSelective ? [] : unmergedArguments(call, taken)
      const exception = extractException(call, attributes, rest)
      if (rest.length > 0) attributes[distinctKey('splat', (key) => key in attributes)] = rest

      const label = labelOf(info)
      if (label !== undefined && scope === undefined) attributes['label'] = label
      const timestamp = timestampOf(info)
      let time: HrTime | undefined
      if (timestamp !== undefined) {
        if (!isArgumentField(call, 'timestamp', timestamp)) time = toHrTime(timestamp, deferred?.time)
        if (time === undefined) attributes['timestamp'] = timestamp
      }

      return {
        timestamp: time,
        observedTimestamp: deferred?.time,
        code: deferred?.code,
        body: isError(message) ? safeGet(message, 'message') : withoutPadding(message, template),
        attributes,
        exception,
        template: hasTemplates && taken !== undefined ? templateOf(call, taken) : undefined,
      }
    },
  }
}

/**
 * Removes the padding with which format.padLevels(), format.cli(), and format.align() align the column of the messages: white space that the
 * message did not begin with when it was logged.
 */
function withoutPadding(message: unknown, logged: unknown): unknown {
  if (typeof message !== 'string' || typeof logged !== 'string' || message === logged) return message
  const text = stripEscapeSequences(message)
  const first = text[0]
  if (first !== ' ' && first !== '\t') return message
  return PADDING.exec(logged)![0] + text.replace(PADDING, '')
}

/** Reads the label that a format, defaultMeta or a child has put on the record. */
function loggerLabel(call: LogCall): string | undefined {
  const label = labelOf(call.info)
  return typeof label === 'string' && label !== '' && !isArgumentField(call, 'label', label)
    ? label
    : undefined
}

/** Tests for a field that an argument of the log call has brought: the field has the meaning that the caller gives it. */
function isArgumentField({ splat }: LogCall, key: string, value: unknown): boolean {
  return splat.some((argument) => isObject(argument) && safeGet(argument, key) === value)
}

/**
 * Returns `undefined` where a format has changed the formatted message, or shows selected fields and no parameters: parameters would show what the
 * format hides.
 */
function templateOf({ info, message, splat, isSelective }: LogCall, taken: number): LogRecord['template'] {
  const template = message as string
  const parameters = splat.slice(0, taken)
  const text = stripEscapeSequences(textOf(messageOf(info)))
  const isUnchanged =
    (!isSelective && containsText(text, template)) ||
    containsText(text, stripEscapeSequences(formatText(template, parameters)))
  return isUnchanged ? { template, parameters } : undefined
}

/**
 * Lists the arguments that are neither in the message nor among the fields. winston merges the first argument if it is an object
 * and the message has no tokens; format.splat() puts arguments in the place of tokens and merges the objects behind them.
 *
 * @param taken number of arguments that the tokens of the message take; `undefined` without tokens
 */
function unmergedArguments({ info, message, splat }: LogCall, taken: number | undefined): unknown[] {
  if (splat.length === 0) return []
  let first = isMerged(splat[0]) ? 1 : 0
  let isFormatted: boolean
  if (taken !== undefined) {
    isFormatted = !containsText(textOf(messageOf(info)), message as string)
    if (!isFormatted) return [...splat]
    first = taken
  } else {
    const kept = info[SPLAT]
    isFormatted = Array.isArray(kept) && kept.length < splat.length
  }
  if (first >= splat.length) return []
  // format.splat() merges an Error's own fields, whereas type, message and stack are in no field.
  return splat
    .slice(first)
    .filter((argument) => !isOmitted(argument) && !(isFormatted && isMerged(argument) && !isError(argument)))
}

/** Tests for an argument of which a merge keeps everything. A Date, a Set, and other objects without own fields vanish in a merge. */
function isMerged(argument: unknown): boolean {
  if (!isObject(argument)) return false
  try {
    return isPlain(argument) || isError(argument) || Object.keys(argument).length > 0
  } catch {
    // A Proxy threw, and winston with it.
    return true
  }
}
