import { copyFields, type HrTime, now, safeGet, toAnyValue, toHrTime } from '@logbridge/bridge'
import {
  exceptionAttributes,
  isLoggingSuppressed,
  readRecord,
  resolveText,
  toAnyValueMap,
  validSeverity,
  type ValueLimits,
  warnOnce,
} from '@logbridge/bridge/internal'
import {
  type Context,
  context as contextApi,
  type Logger,
  type LogRecord,
  type SpanContext,
  type TimeInput,
  trace,
} from '@opentelemetry/api'
import type { EncodedScope } from '../otlp/openBatch.ts'
import type { EncodableRecord } from '../otlp/recordEncoder.ts'
import type { LogPipeline } from './pipeline.ts'

/*
 * Loggers of the Logs API. Each field of a record is of any type when the caller is JavaScript. An invalid field is left out; the
 * record stays.
 */

/** Returns a factory of loggers that share all functions but `emit`, because an application may get a logger in each log call. */
export function loggerFactory(
  pipeline: LogPipeline,
  minimumSeverity: number,
): (scope: EncodedScope) => Logger {
  function isWanted(severityNumber: number): boolean {
    return severityNumber >= minimumSeverity || severityNumber === 0
  }

  function encodable(record: LogRecord): EncodableRecord | undefined {
    const severityNumber = validSeverity(record.severityNumber)
    if (!isWanted(severityNumber) || isLoggingSuppressed()) return undefined
    const { timestamp, observedTimestamp: observed } = record
    const observedTimestamp = resolveTime(observed) ?? now()
    return {
      // A bridge sets both to the same object when its library records no time.
      timestamp: timestamp === observed ? observedTimestamp : (resolveTime(timestamp) ?? observedTimestamp),
      observedTimestamp,
      severityNumber,
      severityText: resolveText(record.severityText),
      body: record.body,
      attributes: resolveAttributes(record),
      droppedAttributesCount: 0,
      eventName: resolveText(record.eventName),
      spanContext: spanContextOf(record.context),
    }
  }

  function emit(scope: EncodedScope, record: LogRecord): void {
    try {
      const readable = readRecord(encodable, record)
      if (readable) pipeline.write(scope, readable)
    } catch (error) {
      try {
        warnEmitFailed(error)
      } catch {
        // The stack is full.
      }
    }
  }

  const enabled: Logger['enabled'] = (options) =>
    !pipeline.isClosed && isWanted(validSeverity(options && safeGet(options, 'severityNumber')))

  return (scope) => ({ emit: (record) => emit(scope, record), enabled })
}

/** Maps all fields before the official SDK reads them, because the SDK reads values without bounds and throws on an invalid time. */
export function createMappingLogger(
  official: Logger,
  limits: ValueLimits,
  emitBounded: (severityNumber: number, emit: () => void) => void,
): Logger {
  function mapped(record: LogRecord): LogRecord {
    const { body } = record
    const attributes = resolveAttributes(record)
    const observedTimestamp = resolveTime(record.observedTimestamp) ?? now()
    const severityText = resolveText(record.severityText)
    const eventName = resolveText(record.eventName)
    return {
      timestamp: resolveTime(record.timestamp) ?? observedTimestamp,
      observedTimestamp,
      severityNumber: validSeverity(record.severityNumber),
      ...(severityText !== undefined && { severityText }),
      ...(body !== undefined && { body: toAnyValue(body) }),
      ...(attributes && { attributes: toAnyValueMap(attributes, limits) }),
      ...(eventName !== undefined && { eventName }),
      context: resolveContext(record.context),
    }
  }

  return {
    emit(record) {
      try {
        const readable = readRecord(mapped, record)
        emitBounded(readable.severityNumber ?? 0, () => official.emit(readable))
      } catch (error) {
        warnEmitFailed(error)
      }
    },
    enabled(options) {
      try {
        return official.enabled?.(options) ?? true
      } catch {
        // A getter of the options throws.
        return official.enabled?.() ?? true
      }
    },
  }
}

function warnEmitFailed(error: unknown): void {
  warnOnce('emit', 'emit failed, a log record is missing', error)
}

/** Converts the API's TimeInput. A number up to `performance.now()` counts from `performance.timeOrigin`, a larger number from the epoch, both in milliseconds. */
function resolveTime(input: TimeInput | undefined): HrTime | undefined {
  if (typeof input !== 'number' || input > performance.now()) return toHrTime(input)
  return toHrTime(input + performance.timeOrigin)
}

/** Returns the context of a record, or the active context when the record has none or its context is invalid. */
function resolveContext(given: unknown): Context {
  if (given === undefined || given === null) return contextApi.active()
  try {
    trace.getSpanContext(given as Context)
    return given as Context
  } catch {
    return contextApi.active()
  }
}

/** Returns the span context in a record's context, or in the active context when the record has none or its context is invalid. */
function spanContextOf(given: unknown): SpanContext | undefined {
  try {
    return trace.getSpanContext((given ?? contextApi.active()) as Context)
  } catch {
    return trace.getSpanContext(contextApi.active())
  }
}

/** Returns the attributes of a record, with `exception.*` of its `exception`. Attributes that the caller has set win. */
function resolveAttributes({ attributes, exception }: LogRecord): object | undefined {
  const own = typeof attributes === 'object' && attributes !== null ? attributes : undefined
  if (exception === undefined || exception === null) return own
  const copy = copyFields(own ?? {})
  return { ...exceptionAttributes(exception), ...copy }
}
