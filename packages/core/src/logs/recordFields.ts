import { copyFields, type HrTime, isError, toHrTime } from '@logbridge/bridge'
import { describeException } from '@logbridge/bridge/internal'
import {
  type Context,
  context as contextApi,
  type LogRecord,
  type SpanContext,
  type TimeInput,
  trace,
} from '@opentelemetry/api'

// The fields of a record as JavaScript hands them over, where they may be anything. A wrong one costs itself, never the record.

/** Severity numbers of the Logs Data Model are 1 to 24; 0 stands for all else. */
export function resolveSeverity(value: unknown): number {
  return typeof value === 'number' && value >= 1 && value < 25 ? Math.trunc(value) : 0
}

/** The API's TimeInput: a number is of `performance.now()` where it can be, and else milliseconds since the epoch. */
export function resolveTime(input: TimeInput | undefined): HrTime | undefined {
  if (typeof input !== 'number' || input > performance.now()) return toHrTime(input)
  return toHrTime(input + performance.timeOrigin)
}

/** The context of a record; the active one where there is none, or none that can be asked for its span. */
export function resolveContext(given: unknown): Context {
  if (given === undefined || given === null) return contextApi.active()
  try {
    trace.getSpanContext(given as Context)
    return given as Context
  } catch {
    return contextApi.active()
  }
}

export function spanContextOf(given: unknown): SpanContext | undefined {
  try {
    return trace.getSpanContext((given ?? contextApi.active()) as Context)
  } catch {
    return trace.getSpanContext(contextApi.active())
  }
}

/** The attributes of a record. An exception that its caller left to the SDK is among them; what the caller has set itself wins. */
export function resolveAttributes({ attributes, exception }: LogRecord): object | undefined {
  const own = typeof attributes === 'object' && attributes !== null ? attributes : undefined
  if (exception === undefined || exception === null) return own
  const copy = copyFields(own ?? {})
  if (isError(exception)) return { ...describeException(exception).attributes, ...copy }
  return { 'exception.message': exception, ...copy }
}

const FIELDS = [
  'timestamp',
  'observedTimestamp',
  'severityNumber',
  'severityText',
  'body',
  'attributes',
  'exception',
  'eventName',
  'context',
] as const

/** A record whose every field can be read, for one that throws when it is read or is no object. */
export function readableRecord(record: unknown): LogRecord {
  const source = (typeof record === 'object' && record !== null ? record : {}) as LogRecord
  const readable: Record<string, unknown> = {}
  for (const name of FIELDS) {
    try {
      readable[name] = source[name]
    } catch {
      // The field is left out.
    }
  }
  return readable
}
