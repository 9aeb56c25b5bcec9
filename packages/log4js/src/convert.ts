import { Stream } from 'node:stream'
import {
  type Adapter,
  copyFields,
  isError,
  type LogRecord,
  numericSeverity,
  safeGet,
  type SeverityNumber,
  type SeverityScale,
  splitArguments,
  toHrTime,
} from '@logbridge/bridge'
import { filePath, errorMessage } from '@logbridge/bridge/internal'
import type { LayoutFunction, LoggingEvent } from 'log4js'
import { contextOf, isForeign, timeOfCall } from './trace.ts'

/** log4js's levels by name. MARK is no severity: its number (2^53) only says that it is always logged. */
export const SEVERITIES: Readonly<Record<string, SeverityNumber>> = {
  TRACE: 1,
  DEBUG: 5,
  INFO: 9,
  WARN: 13,
  ERROR: 17,
  FATAL: 21,
  MARK: 9,
}
/** log4js's own numbers, for levels that the user has added. */
const SCALE: SeverityScale = [
  [5000, 1],
  [10_000, 5],
  [20_000, 9],
  [30_000, 13],
  [40_000, 17],
  [50_000, 21],
]

/** An event as it reaches an appender. One from another process may lack parts, a level unknown here among them. */
export type Log4jsEvent = Omit<LoggingEvent, 'level' | 'serialise'> & {
  level?: { level: number; levelStr: string } | undefined
  className?: string | undefined
  /** Set by the `multiprocess` appender. */
  remoteAddress?: string | undefined
  remotePort?: number | undefined
}

const NOTHING: LogRecord = {}
const ORIGIN_FIELDS = ['cluster', 'remoteAddress', 'remotePort'] as const

/** Severity number of a level; 0 where there is none. */
export function severityOf(
  level: Log4jsEvent['level'],
  severities: ReadonlyMap<string, SeverityNumber>,
): SeverityNumber {
  if (!level) return 0
  return severities.get(level.levelStr) ?? numericSeverity(level.level, SCALE)
}

/** The layout that makes the body, where the user asks for one. */
export interface BodyLayout {
  format: LayoutFunction
  /** Whether it writes all arguments, so that none is hidden by it. */
  hidesNothing: boolean
}

/**
 * The mapping of `index.ts`.
 * @param severities by upper-case level name
 */
export function createAdapter(
  severities: ReadonlyMap<string, SeverityNumber>,
  layout: BodyLayout | undefined,
): Adapter<Log4jsEvent> {
  return {
    library: 'log4js',
    obeysInspectCustom: true,
    classify: ({ level, categoryName }) => ({
      severityNumber: severityOf(level, severities),
      severityText: level?.levelStr,
      scope: categoryName,
    }),
    convert: (event) => convert(event, layout),
  }
}

function convert(event: Log4jsEvent, layout: BodyLayout | undefined): LogRecord {
  // What a foreign client sends to the `tcp-server` appender may be anything.
  const data: unknown[] = Array.isArray(event.data) ? event.data : [event.data]
  let parts: LogRecord = NOTHING
  let attributes: Record<string, unknown> = {}
  if (!layout || layout.hidesNothing) {
    // Where a layout makes the body, the fields of a sole object have no other place than the attributes.
    parts = splitArguments(layout && data.length === 1 ? ['', data[0]] : data)
    attributes = withContextFields(event, parts.attributes ?? attributes)
  }
  placeCallSite(attributes, event)
  const foreign = isForeign(event)
  if (foreign) {
    placeOrigin(attributes, event)
    if (isError(parts.exception)) restoreName(parts.exception)
  }
  return {
    timestamp: toHrTime(event.startTime),
    observedTimestamp: timeOfCall(event),
    body: layout ? layout.format(event as LoggingEvent) : parts.body,
    attributes,
    exception: parts.exception,
    template: parts.template,
    context: contextOf(event),
  }
}

/** `logger.addContext()`. A function there gives the value, as in log4js's pattern layout (`%X{name}`). */
function withContextFields(event: Log4jsEvent, attributes: Record<string, unknown>): Record<string, unknown> {
  const { context } = event as { context: unknown }
  if (typeof context !== 'object' || context === null) return attributes
  const keys = Object.keys(context)
  if (keys.length === 0) return attributes
  const fields = copyFields(context)
  for (const key of keys) {
    const value = safeGet(context, key)
    if (typeof value === 'function') fields[key] = resolve(value, event)
    // `connectLogger` with `context` puts the live response there, for layouts to read from.
    if (value instanceof Stream) delete fields[key]
  }
  // Not Object.assign, for which the key __proto__ is none.
  return { ...fields, ...attributes }
}

function resolve(value: Function, event: Log4jsEvent): unknown {
  try {
    return value(event)
  } catch (error) {
    return `[Throws: ${errorMessage(error)}]`
  }
}

/** What `enableCallStack` found. https://opentelemetry.io/docs/specs/semconv/code/ */
function placeCallSite(attributes: Record<string, unknown>, event: Log4jsEvent): void {
  const { fileName, functionName, className } = event
  // What a foreign client sends may be anything here, too.
  if (typeof fileName !== 'string') return
  attributes['code.file.path'] = filePath(fileName)
  attributes['code.line.number'] = event.lineNumber
  attributes['code.column.number'] = event.columnNumber
  if (functionName)
    attributes['code.function.name'] = className ? `${className}.${functionName}` : functionName
  if (event.callStack) attributes['code.stacktrace'] = event.callStack
}

/** Where an event of another process comes from; this one's own is on the resource. */
function placeOrigin(attributes: Record<string, unknown>, event: Log4jsEvent): void {
  const { pid } = event
  if (pid !== undefined && pid !== process.pid) attributes['pid'] = pid
  for (const key of ORIGIN_FIELDS) if (event[key] !== undefined) attributes[key] = event[key]
}

/** log4js makes an Error of another process anew, without its class: its stack still begins with the name. */
function restoreName(error: Error): void {
  const { stack, message } = error
  if (typeof stack !== 'string' || typeof message !== 'string') return
  const [header = '', name = ''] = /^(\w+)(?: \[\w+\])?: /.exec(stack) ?? []
  if (name !== '' && stack.startsWith(message, header.length)) error.name = name
}
