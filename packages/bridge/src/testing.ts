/**
 * In-memory LoggerProvider for the tests of an application: keeps what its loggers send, and needs no SDK and no receiver.
 */
import type { Context, SpanContext } from '@opentelemetry/api'
import {
  activeContext,
  type AnyValue,
  type AnyValueMap,
  type ApiLogRecord,
  exceptionAttributes,
  type HrTime,
  type Logger,
  type LoggerProvider,
  readRecord,
  resolveText,
  spanContextOf,
  toAnyValue,
  toAnyValueMap,
  toHrTime,
  validSeverity,
} from './internal.ts'

/** Log record that a memory provider has received, in plain values. An absent field is `undefined`. */
export interface MemoryLogRecord {
  /** Instrumentation scope. */
  readonly scope: {
    readonly name: string
    readonly version: string | undefined
    readonly schemaUrl: string | undefined
    readonly attributes: AnyValueMap
  }
  /** Time of the event, in seconds and nanoseconds. */
  readonly timestamp: HrTime | undefined
  /** Time of the call, in seconds and nanoseconds. */
  readonly observedTimestamp: HrTime | undefined
  /** Severity number 1-24; 0 for a record without severity. */
  readonly severityNumber: number
  /** Level in the library's own spelling. */
  readonly severityText: string | undefined
  readonly body: AnyValue | undefined
  /** Attributes, `exception.*` among them. */
  readonly attributes: AnyValueMap
  readonly eventName: string | undefined
  /** Trace id of the active span, in 32 hexadecimal digits. */
  readonly traceId: string | undefined
  /** Span id of the active span, in 16 hexadecimal digits. */
  readonly spanId: string | undefined
  readonly traceFlags: number | undefined
}

/** LoggerProvider that keeps its records in memory. */
export interface MemoryLoggerProvider extends LoggerProvider {
  /** Records that arrived since the last `reset`, in order. */
  readonly records: readonly MemoryLogRecord[]
  /** Returns a Logger for any Logs API, whose types require `enabled`. */
  getLogger(
    name: string,
    version?: string,
    options?: { schemaUrl?: string; attributes?: object },
  ): Required<Logger>
  /** Removes all records. */
  reset(): void
  /** Resolves at once, because a record arrives inside its log call. */
  forceFlush(): Promise<void>
  /** Resolves at once. Later records are kept as well. */
  shutdown(): Promise<void>
}

/** Record of the Logs API, with the field that only applications use. */
interface EmittedRecord extends ApiLogRecord {
  exception?: unknown
}

/**
 * Creates a LoggerProvider that keeps its records in memory. Pass the provider to an adapter as the option `loggerProvider`, or
 * register it by `logs.setGlobalLoggerProvider` of `@opentelemetry/api` 1.10 or of `@opentelemetry/api-logs`.
 *
 * @example
 * const loggerProvider = createMemoryLoggerProvider()
 * const logger = winston.createLogger({ transports: [new OtelTransport({ loggerProvider })] })
 * logger.info('order placed')
 * loggerProvider.records[0].body // 'order placed'
 */
export function createMemoryLoggerProvider(): MemoryLoggerProvider {
  const records: MemoryLogRecord[] = []
  return {
    records,
    reset: () => void records.splice(0),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
    getLogger(name, version, options) {
      const { schemaUrl, attributes } = options ?? {}
      const scope = { name, version, schemaUrl, attributes: toAnyValueMap(attributes ?? {}) }
      return {
        emit: (record) => void records.push(readRecord((readable) => receive(scope, readable), record)),
        enabled: () => true,
      }
    },
  }
}

/** Copies a record, so that a change after the log call does not show. An invalid field is left out, as by `@logbridge/core`. */
function receive(scope: MemoryLogRecord['scope'], record: EmittedRecord): MemoryLogRecord {
  const { body, attributes, context, exception } = record
  const span = spanOf(context)
  return {
    scope,
    timestamp: toHrTime(record.timestamp),
    observedTimestamp: toHrTime(record.observedTimestamp),
    severityNumber: validSeverity(record.severityNumber),
    severityText: resolveText(record.severityText),
    body: body === undefined ? undefined : toAnyValue(body),
    attributes: toAnyValueMap({
      ...(exception !== undefined && exception !== null && exceptionAttributes(exception)),
      ...(typeof attributes === 'object' && attributes),
    }),
    eventName: resolveText(record.eventName),
    traceId: span?.traceId,
    spanId: span?.spanId,
    traceFlags: span?.traceFlags,
  }
}

function spanOf(given: unknown): SpanContext | undefined {
  try {
    return spanContextOf((given ?? activeContext()) as Context)
  } catch {
    return spanContextOf(activeContext())
  }
}
