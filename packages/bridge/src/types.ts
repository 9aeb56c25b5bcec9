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

/** Value that OTLP can carry. https://opentelemetry.io/docs/specs/otel/common/#anyvalue */
export type AnyValue = string | number | bigint | boolean | Uint8Array | null | AnyValue[] | AnyValueMap
export type AnyValueMap = { [key: string]: AnyValue }

/** Error that a library has turned into plain data, such as pino's serialized `err`. */
export interface SerializedError {
  type?: string
  name?: string
  message?: string
  stack?: string
  [field: string]: unknown
}

/**
 * Record that an adapter returns. Values may be anything, because the bridge or the encoder maps them. The record and its
 * `attributes` object belong to the bridge, which leaves the objects among their values unchanged.
 */
export interface LogRecord {
  /**
   * Time of the event by the library.
   * @default the time of the call
   */
  timestamp?: HrTime | undefined
  /**
   * Time of the call. Needed only where the library delays its records.
   * @default now
   */
  observedTimestamp?: HrTime | undefined
  /** Message as a reader of the library's own output sees it. A sole argument that is no string stays structured. */
  body?: unknown
  /** All other fields. The field `otel.event.name` becomes the event name. */
  attributes?: Record<string, unknown> | undefined
  /**
   * Error of this record, which becomes `exception.*`. Where the Error is also a value of `attributes`, its own fields and causes
   * replace that value.
   */
  exception?: Error | SerializedError | undefined
  /**
   * Context of the call. Needed only where the library delays its records.
   * @default the active context
   */
  context?: Context | undefined
  /**
   * Result of `Bridge.captureCallSite` at the log call. Needed only where the library delays its records.
   * @default the call site at `emit`
   */
  code?: Record<string, unknown> | undefined
  /** Message before formatting and the arguments that were formatted into it, for `captureTemplate`. */
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
   * Sends the result of an object's `util.inspect.custom` in place of the object, at any depth. Meant for a library whose own
   * output shows objects by `util.inspect`.
   * @default false
   */
  readonly obeysInspectCustom?: boolean | undefined
  /**
   * Returns the callers of the library's function that the application called, the nearest first. Only for `captureCode` in a bundle of one
   * file, in which no file name tells the application from the library.
   */
  callers?(native: Native): readonly NodeJS.CallSite[]
  /** Reads severity and scope. Must be cheap, because a record that is not sent is classified as well. */
  classify(native: Native): Classified
  /**
   * Converts a native record. Pure and synchronous.
   * @param classified the answer of `classify` for this record
   * @returns `undefined` to drop the record
   */
  convert(native: Native, classified: Classified): LogRecord | undefined
  /**
   * Tests whether two native records, which reached different bridges in direct succession, come from one log call.
   * @default compares by identity
   */
  isSameCall?(previous: Native, native: Native): boolean
}

/** Record of the Logs API, in the form that OpenTelemetry JS 2.x and 3.x share. */
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

/** Logger of the Logs API, by shape: the types of `@opentelemetry/api` 1.10 and of `@opentelemetry/api-logs` both fit. */
export interface Logger {
  emit(record: ApiLogRecord): void
  enabled?(options?: { context?: Context; severityNumber?: any; eventName?: string }): boolean
}

/** Options of a scope in the Logs API. */
export interface LoggerOptions {
  schemaUrl?: string
  attributes?: Record<string, string | number | boolean>
}

/** LoggerProvider of the Logs API, by shape. */
export interface LoggerProvider {
  getLogger(name: string, version?: string, options?: LoggerOptions): Logger
}

/** Body and attributes of a record in plain values, which a `redact` function may change in place. */
export interface PlainRecord {
  body: AnyValue | undefined
  attributes: AnyValueMap
}

/** Options that every adapter has, with the same names. */
export interface BridgeOptions {
  /**
   * LoggerProvider that gets the records.
   * @default the LoggerProvider registered with `@opentelemetry/api` >= 1.10, else with `@opentelemetry/api-logs`
   */
  loggerProvider?: LoggerProvider | undefined
  /**
   * Least severe level that is sent, as the library names it.
   * @default sends each record that the library hands over
   */
  level?: string | number | undefined
  /**
   * Severity numbers (1-24) by level name. They win over the adapter's own table.
   * @example
   * ```ts
   * { notice: 11 }
   * ```
   */
  severity?: Readonly<Record<string, SeverityNumber>> | undefined
  /** Attributes for every record. An attribute of the record with the same name wins. */
  attributes?: Readonly<Record<string, unknown>> | undefined
  /**
   * Globs of the attribute keys that are sent; `*` is any run of characters. The filter applies to the record's own attributes:
   * `exception.*`, the option `attributes` and the results of `capture…` are always sent.
   * @default sends all attributes
   */
  include?: readonly string[] | undefined
  /** Globs of the attribute keys that are left out, whatever added the attributes. */
  exclude?: readonly string[] | undefined
  /**
   * Paths of values that must stay in the process, in attributes, structured bodies and captured parameters. They have pino's
   * notation (`user.password`, `*.token`, `headers["x-api-key"]`, `cards[*].number`), and each value becomes `[Redacted]`. Or a
   * function that changes the record in place. When the function throws, the record is dropped.
   */
  redact?: readonly string[] | ((record: PlainRecord) => void) | undefined
  /**
   * Name of the instrumentation scope; or a function that returns the name for the attributes of a record, and `undefined` for the default.
   * @default the logger's own name, else the library's npm name
   * @example
   * ```ts
   * { scope: ({ context }) => context } // NestJS
   * ```
   */
  scope?: string | ((attributes: Readonly<Record<string, any>>) => string | undefined) | undefined
  /**
   * Version of the instrumentation scope.
   * @default none
   */
  scopeVersion?: string | undefined
  /**
   * Schema URL of the instrumentation scope: the version of the semantic conventions that the attributes follow.
   * @default none
   */
  scopeSchemaUrl?: string | undefined
  /**
   * Attributes of the instrumentation scope, sent once for all records of a scope. SDK 2.x ignores them.
   * @default none
   * @example { team: 'checkout' }
   */
  scopeAttributes?: Readonly<Record<string, string | number | boolean>> | undefined
  /**
   * Sends the message's template and arguments as `log.body.template` and `log.body.parameters`.
   * @default false
   */
  captureTemplate?: boolean | undefined
  /**
   * Sends the call site of the log call as `code.*`. Walks the stack at each call.
   * @default false
   */
  captureCode?: boolean | undefined
  /**
   * Longest time in milliseconds that the end of a logger waits for `forceFlush` of the LoggerProvider.
   * @default 3000
   */
  flushTimeoutMillis?: number | undefined
  /** Called with every error that the bridge swallows, e.g. a failed conversion. */
  onError?: ((error: unknown) => void) | undefined
}

/** Adapter that is connected to the Logs API. */
export interface Bridge<Native> {
  /** Sends one record. Never throws. */
  emit(native: Native): void
  /**
   * Returns true when `emit` would drop every record, because there is no LoggerProvider and the startup buffer is full. Counts one record as
   * dropped then. An adapter that makes a native record for each log call asks first, and makes none. Always false with a least
   * severity, because only the native record has the severity. Never throws.
   */
  skips(): boolean
  /** Reports an error that the adapter itself has swallowed, like an error inside `emit`. Never throws. */
  report(error: unknown): void
  /**
   * Flushes the LoggerProvider, for `flushTimeoutMillis` at most, and keeps the process alive meanwhile. Never rejects.
   * @returns the error of a failed flush, which is also reported
   */
  flush(): Promise<unknown>
  /** Returns the call site of the current log call as `code.*`; `undefined` without `captureCode`. */
  readonly captureCallSite: ((native: Native) => Record<string, unknown>) | undefined
}
