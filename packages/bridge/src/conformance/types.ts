import type { BridgeOptions, HrTime, LoggerProvider, SeverityNumber } from '../types.ts'
import type { Behavior } from '../conformance.ts'

/** Real logger of a library, with the adapter attached. */
export interface SubjectLogger {
  /** Logs a text, with fields where given, at a level of the library. */
  log(level: string, message: string, fields?: Record<string, unknown>): void
  /** Logs an Error without a text, at the level for errors. */
  logError(error: Error): void
  /** Logs a text with an Error, the way the library's documentation does, at the level for errors. */
  logErrorWith(message: string, error: Error): void
  /** Logs a printf-style text at an informational level. */
  format?(template: string, ...parameters: unknown[]): void
  /** Creates a logger that puts these fields on each of its records. The child is closed with its parent. */
  child?(bindings: Record<string, unknown>): SubjectLogger
  /** Waits until all records have reached the adapter. Left out where a record reaches the adapter inside the log call. */
  flush?(): Promise<void>
  /** Closes the logger. The suite logs once more afterwards. */
  close(): void | Promise<void>
}

/** Adapter under test, and its library. */
export interface Subject {
  /** npm name of the library, which is the default scope. */
  readonly library: string
  /**
   * Name in the titles of the tests, where several subjects share a library: `pino 9`.
   * @default library
   */
  readonly name?: string
  /** `import.meta.url` of the file in which the subject calls the library. `captureCode` must find this file. */
  readonly callSite: string
  /** Severity numbers of the library's predefined levels, by name as in `severityText`. */
  readonly levels: Readonly<Record<string, SeverityNumber>>
  /** Severity numbers of custom levels, which the created logger has as well. */
  readonly customLevels?: Readonly<Record<string, SeverityNumber>>
  /**
   * Scope of the created logger without the `scope` option.
   * @default library
   */
  readonly scope?: string
  /**
   * Attribute that holds an Error's own fields and causes after `logErrorWith`; `''` when they are attributes themselves.
   * @default 'error'
   */
  readonly errorKey?: string
  /** Behaviors that the library cannot have, and the reason. The suite asserts that these behaviors fail. */
  readonly unsupported?: Readonly<Partial<Record<Behavior, string>>>
  /** Creates a logger that passes every level on, with an adapter that has exactly these options. */
  create(options: BridgeOptions): SubjectLogger | Promise<SubjectLogger>
}

/** Received record. Values are plain JavaScript: maps are objects, bytes are a Uint8Array. */
export interface ConformanceRecord {
  scope: string
  timestamp: HrTime
  observedTimestamp: HrTime
  severityNumber: number
  severityText?: string | undefined
  body?: unknown
  attributes: Record<string, unknown>
  /** Empty or absent outside of spans, like `spanId`. */
  traceId?: string | undefined
  spanId?: string | undefined
  flags?: number | undefined
  eventName?: string | undefined
}

/** Receiver of the records of the suite. */
export interface Backend {
  readonly name: string
  /** Behaviors that this backend cannot transport, and the reason. The suite asserts that these behaviors fail. */
  readonly unsupported?: Readonly<Partial<Record<Behavior, string>>>
  /** Called once for each test. */
  start(): Promise<BackendSession>
}

/** LoggerProvider, and the records that it has delivered. */
export interface BackendSession {
  readonly loggerProvider: LoggerProvider
  /** Flushes, and returns the records that arrived since the last call. */
  records(): Promise<ConformanceRecord[]>
  stop(): Promise<void>
}
