import type { Context } from '@opentelemetry/api'

/**
 * Severity of the Logs Data Model: 1-4 TRACE, 5-8 DEBUG, 9-12 INFO, 13-16 WARN, 17-20 ERROR, 21-24 FATAL,
 * 0 unspecified. https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
 */
export type SeverityNumber =
  | 0
  | 1
  | 2
  | 3
  | 4
  | 5
  | 6
  | 7
  | 8
  | 9
  | 10
  | 11
  | 12
  | 13
  | 14
  | 15
  | 16
  | 17
  | 18
  | 19
  | 20
  | 21
  | 22
  | 23
  | 24

/** Seconds since the Unix epoch, and nanoseconds of that second (0 - 999,999,999). */
export type HrTime = [seconds: number, nanoseconds: number]

/** A value as OTLP carries it. https://opentelemetry.io/docs/specs/otel/common/#anyvalue */
export type AnyValue = string | number | bigint | boolean | Uint8Array | null | AnyValue[] | AnyValueMap
export type AnyValueMap = { [key: string]: AnyValue }

/** An error that a library has already turned into plain data, such as pino's serialized `err`. */
export interface SerializedError {
  type?: string
  name?: string
  message?: string
  stack?: string
  [field: string]: unknown
}

/**
 * What an adapter makes of a native record. Values may be anything: the bridge or the encoder maps them. The
 * record and its `attributes` object belong to the bridge once returned; what they refer to is left untouched.
 */
export interface LogRecord {
  /** When the library says it happened; default: the time of the call. */
  timestamp?: HrTime | undefined
  /** The time of the call, only where the library delays its records; default: now. */
  observedTimestamp?: HrTime | undefined
  /** The message as its reader would see it; a non-string sole argument stays structured. */
  body?: unknown
  /** Every other field. `otel.event.name` among them becomes the record's event name. */
  attributes?: Record<string, unknown> | undefined
  /**
   * The Error of this record. It becomes `exception.*`; where it also stands among `attributes`, its own
   * fields and causes stay there.
   */
  exception?: Error | SerializedError | undefined
  /** The caller's context, only where the library delays its records; default: the active context. */
  context?: Context | undefined
  /** What `Bridge.locate` gave at the log call, only where the library delays its records; default: where `emit` stands. */
  code?: Record<string, unknown> | undefined
  /** The message before formatting and what was put into it, for `captureTemplate`. */
  template?: { template: string; parameters: readonly unknown[] } | undefined
}

/** Severity and scope of a native record: known before the record is converted. */
export interface Classified {
  /** Severity number 1-24; 0 for an unknown level. */
  readonly severityNumber: SeverityNumber
  /** Name of the level in the library's own spelling. */
  readonly severityText?: string | undefined
  /** Name of the logger, which becomes the instrumentation scope. Default: the library's npm name. */
  readonly scope?: string | undefined
}

/**
 * Translates the records of one logging library. Each function here may throw, because `createBridge` catches. Each is
 * called once for a record, and `convert` gets the answer of `classify`: nothing is computed twice.
 */
export interface Adapter<Native> {
  /** npm name of the bridged library: the default instrumentation scope. */
  readonly library: string
  /**
   * Sends of an object what its `util.inspect.custom` shows, at any depth: for a library whose own output shows objects by
   * `util.inspect`.
   * @default false
   */
  readonly obeysInspectCustom?: boolean | undefined
  /** Reads severity and scope. Must be cheap, because a record that nobody wants is classified as well. */
  classify(native: Native): Classified
  /**
   * Converts a native record. Pure and synchronous.
   * @param classified the answer of `classify` for this record
   * @returns `undefined` to drop the record
   */
  convert(native: Native, classified: Classified): LogRecord | undefined
  /**
   * Whether two natives that came to different bridges, one directly after the other, are the same log call. Default: when
   * they are the same object.
   */
  isSameCall?(previous: Native, native: Native): boolean
}

/** What the Logs API's Logger takes; the same in both generations of OpenTelemetry JS. */
export interface ApiLogRecord {
  timestamp?: HrTime
  observedTimestamp?: HrTime
  severityNumber?: SeverityNumber
  severityText?: string
  body?: any
  attributes?: any
  eventName?: string
  context?: Context
}

/**
 * The Logs API's Logger and LoggerProvider, described by shape: `@opentelemetry/api` 1.10 and
 * `@opentelemetry/api-logs` each have their own and both fit.
 */
export interface Logger {
  emit(record: ApiLogRecord): void
  enabled?(options?: { context?: Context; severityNumber?: any; eventName?: string }): boolean
}
export interface LoggerProvider {
  getLogger(name: string, version?: string, options?: { schemaUrl?: string }): Logger
}

/** A record on its way out, in plain values: what a `redact` function may change in place. */
export interface PlainRecord {
  body: AnyValue | undefined
  attributes: AnyValueMap
}

/** The options that every adapter has, with the same names. */
export interface BridgeOptions {
  /**
   * Where records go. Default: the LoggerProvider registered with `@opentelemetry/api` >= 1.10, else the one
   * registered with `@opentelemetry/api-logs`.
   */
  loggerProvider?: LoggerProvider | undefined
  /** Least severe level that is sent, in the library's own words. Default: all that the library hands over. */
  level?: string | number | undefined
  /** Severity numbers (1-24) for levels by name; wins over the adapter's own table. */
  severity?: Readonly<Record<string, SeverityNumber>> | undefined
  /** Attributes put on every record; a record's own attribute of that name wins. */
  attributes?: Readonly<Record<string, unknown>> | undefined
  /**
   * Of a record's own attributes only those whose key matches one of these globs (`*` is any run of characters) are
   * sent. What the bridge adds stays: `exception.*`, `attributes` and what `capture…` asks for.
   */
  include?: readonly string[] | undefined
  /** Attributes whose key matches one of these globs are not sent, wherever they come from. */
  exclude?: readonly string[] | undefined
  /**
   * What must not leave the process: paths in attributes, structured bodies and captured parameters, in pino's
   * notation (`user.password`, `*.token`, `headers["x-api-key"]`, `cards[*].number`), each replaced by `[Redacted]`; or
   * a function that changes the record in place. When the function throws, the record is not sent.
   */
  redact?: readonly string[] | ((record: PlainRecord) => void) | undefined
  /** Name of the instrumentation scope; default: the logger's own name, else the library's npm name. */
  scope?: string | undefined
  /** Send the message's template and arguments too: `log.body.template`, `log.body.parameters`. Default false. */
  captureTemplate?: boolean | undefined
  /** Send where the log call stands in the code, as `code.*`; walks the stack at each call. Default false. */
  captureCode?: boolean | undefined
  /**
   * Milliseconds that the end of a logger waits at most for its records to be sent, by `forceFlush` of the LoggerProvider.
   * @default 3000
   */
  flushTimeoutMillis?: number | undefined
  /** Told of each fault that was kept from the application, such as a record that could not be converted. */
  onError?: ((error: unknown) => void) | undefined
}

/** One adapter at work. */
export interface Bridge<Native> {
  /** Whether a record like this would go anywhere. Never throws. */
  enabled(native: Native): boolean
  /** Sends one record. Never throws. */
  emit(native: Native): void
  /** Tells of a fault that the adapter itself has kept from the application, as of one inside `emit`. Never throws. */
  report(error: unknown): void
  /**
   * Flushes the LoggerProvider, for `flushTimeoutMillis` at most, and keeps the process alive meanwhile. Never rejects.
   * @returns the error of a flush that failed, which is reported as well
   */
  flush(): Promise<unknown>
  /** Where the log call that is being made stands, as `code.*`; `undefined` without `captureCode`. */
  readonly captureCallSite: (() => Record<string, unknown>) | undefined
}
