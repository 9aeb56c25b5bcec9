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

// Converts the fields of a record, which are of any type when the caller is JavaScript. An invalid field is left out; the record stays.

/** Returns a severity number of the Logs Data Model, 1 to 24, or 0 for every other value. */
export function resolveSeverity(value: unknown): number {
  return typeof value === 'number' && value >= 1 && value < 25 ? Math.trunc(value) : 0
}

/** Converts the API's TimeInput. A number up to `performance.now()` counts from `performance.timeOrigin`, a larger number from the epoch, both in milliseconds. */
export function resolveTime(input: TimeInput | undefined): HrTime | undefined {
  if (typeof input !== 'number' || input > performance.now()) return toHrTime(input)
  return toHrTime(input + performance.timeOrigin)
}

/** Returns the context of a record, or the active context when the record has none or its context is invalid. */
export function resolveContext(given: unknown): Context {
  if (given === undefined || given === null) return contextApi.active()
  try {
    trace.getSpanContext(given as Context)
    return given as Context
  } catch {
    return contextApi.active()
  }
}

/** Returns the span context in a record's context, or in the active context when the record has none or its context is invalid. */
export function spanContextOf(given: unknown): SpanContext | undefined {
  try {
    return trace.getSpanContext((given ?? contextApi.active()) as Context)
  } catch {
    return trace.getSpanContext(contextApi.active())
  }
}

/** Returns the attributes of a record, with `exception.*` of its `exception`. Attributes that the caller has set win. */
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

/** Copies the fields of a record that can be read. For a record with a getter that throws, and for a value that is no object. */
export function readableRecord(record: unknown): LogRecord {
  const source = (typeof record === 'object' && record !== null ? record : {}) as LogRecord
  const readable: Record<string, unknown> = {}
  for (const name of FIELDS) {
    try {
      readable[name] = source[name]
    } catch {
      // Leave the field out.
    }
  }
  return readable
}
