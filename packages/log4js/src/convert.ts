import { Stream } from 'node:stream'
import {
  type Adapter,
  copyFields,
  isError,
  type LogRecord,
  safeGet,
  type SeverityNumber,
  splitArguments,
  toHrTime,
} from '@logbridge/bridge'
import { filePath, errorMessage } from '@logbridge/bridge/internal'
import type { LayoutFunction, LoggingEvent } from 'log4js'
import { severityOf } from './severity.ts'
import { contextOf, isForeign, timeOfCall } from './context.ts'

/** Event as it reaches an appender. An event of another process may lack fields, e.g. a level that is unknown here. */
export type Log4jsEvent = Omit<LoggingEvent, 'level' | 'serialise'> & {
  level?: { level: number; levelStr: string } | undefined
  className?: string | undefined
  /** Set by log4js's `multiprocess` appender. */
  remoteAddress?: string | undefined
  remotePort?: number | undefined
}

const NOTHING: LogRecord = {}
const ORIGIN_FIELDS = ['cluster', 'remoteAddress', 'remotePort'] as const

/** Layout that makes the body. */
export interface BodyLayout {
  format: LayoutFunction
  /** True when the layout writes all arguments. */
  hidesNothing: boolean
}

/**
 * Creates the adapter, with the mapping table of `index.ts`.
 * @param severities severity numbers by the level's name in upper case
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
  // A client of the `tcp-server` appender may send any value.
  const data: unknown[] = Array.isArray(event.data) ? event.data : [event.data]
  let parts: LogRecord = NOTHING
  let attributes: Record<string, unknown> = {}
  if (!layout || layout.hidesNothing) {
    // The layout's text is the body, so the fields of a sole object become attributes.
    parts = splitArguments(layout && data.length === 1 ? ['', data[0]] : data)
    attributes = withContextFields(event, parts.attributes ?? attributes)
  }
  placeCallSite(attributes, event)
  const foreign = isForeign(event)
  if (foreign) {
    placeOrigin(attributes, event)
    if (isError(parts.exception)) restoreName(parts.exception)
  }
  const called = timeOfCall(event)
  return {
    timestamp: toHrTime(event.startTime, called),
    observedTimestamp: called,
    body: layout ? layout.format(event as LoggingEvent) : parts.body,
    attributes,
    exception: parts.exception,
    template: parts.template,
    context: contextOf(event),
  }
}

/** Adds the fields of `logger.addContext()`. A function among them is called, as by log4js's pattern layout (`%X{name}`). */
function withContextFields(event: Log4jsEvent, attributes: Record<string, unknown>): Record<string, unknown> {
  const { context } = event as { context: unknown }
  if (typeof context !== 'object' || context === null) return attributes
  const keys = Object.keys(context)
  if (keys.length === 0) return attributes
  const fields = copyFields(context)
  for (const key of keys) {
    const value = safeGet(context, key)
    if (typeof value === 'function') fields[key] = resolve(value, event)
    // `connectLogger({ context: true })` adds the live response, for layouts.
    if (value instanceof Stream) delete fields[key]
  }
  // A spread keeps the key `__proto__`, unlike Object.assign.
  return { ...fields, ...attributes }
}

function resolve(value: Function, event: Log4jsEvent): unknown {
  try {
    return value(event)
  } catch (error) {
    return `[Throws: ${errorMessage(error)}]`
  }
}

/** Adds the call site that `enableCallStack` found. https://opentelemetry.io/docs/specs/semconv/code/ */
function placeCallSite(attributes: Record<string, unknown>, event: Log4jsEvent): void {
  const { fileName, functionName, className } = event
  // A client of the `tcp-server` appender may send any value here as well.
  if (typeof fileName !== 'string') return
  attributes['code.file.path'] = filePath(fileName)
  attributes['code.line.number'] = event.lineNumber
  attributes['code.column.number'] = event.columnNumber
  if (functionName)
    attributes['code.function.name'] = className ? `${className}.${functionName}` : functionName
  if (event.callStack) attributes['code.stacktrace'] = event.callStack
}

/** Adds the origin of an event of another process. The resource has the origin of this process. */
function placeOrigin(attributes: Record<string, unknown>, event: Log4jsEvent): void {
  const { pid } = event
  if (pid !== undefined && pid !== process.pid) attributes['pid'] = pid
  for (const key of ORIGIN_FIELDS) if (event[key] !== undefined) attributes[key] = event[key]
}

/** Restores the name of an Error of another process from its stack, because log4js creates a new Error without its class. */
function restoreName(error: Error): void {
  const { stack, message } = error
  if (typeof stack !== 'string' || typeof message !== 'string') return
  const [header = '', name = ''] = /^(\w+)(?: \[\w+\])?: /.exec(stack) ?? []
  if (name !== '' && stack.startsWith(message, header.length)) error.name = name
}
