import type { BridgeOptions, HrTime, LoggerProvider, SeverityNumber } from '../types.ts'
import type { Behaviour } from '../conformance.ts'

/** A library's real logger with the adapter attached. */
export interface SubjectLogger {
  /** Logs a text, with fields where given, at a level of the library's own. */
  log(level: string, message: string, fields?: Record<string, unknown>): void
  /** Logs an Error and nothing else, at the level for errors. */
  logError(error: Error): void
  /** Logs a text with an Error, the way the library's documentation does, at the level for errors. */
  logErrorWith(message: string, error: Error): void
  /** Logs a printf-style text at an informational level. */
  format?(template: string, ...parameters: unknown[]): void
  /** A logger that puts these fields on each of its records. It is closed with its parent. */
  child?(bindings: Record<string, unknown>): SubjectLogger
  /** Waits until all that was logged has reached the adapter; left out where that happens inside the call. */
  flush?(): Promise<void>
  /** Closes the logger. The suite logs once more afterwards. */
  close(): void | Promise<void>
}

/** An adapter as the suite sees it. */
export interface Subject {
  /** npm name of the library, which is the default scope. */
  readonly library: string
  /** What the tests are named after, where several subjects share a library: `pino 9`. Default: `library`. */
  readonly name?: string
  /** `import.meta.url` of the file in which the subject calls the library: what `captureCode` must find. */
  readonly callSite: string
  /** Every level that the library comes with, spelled as in `severityText`, and its severity number. */
  readonly levels: Readonly<Record<string, SeverityNumber>>
  /** Levels of the user's own, that the created logger also knows. */
  readonly customLevels?: Readonly<Record<string, SeverityNumber>>
  /** Scope of the created logger without the `scope` option. Default: `library`. */
  readonly scope?: string
  /**
   * Attribute that holds an Error's own fields and causes after `logErrorWith`; `''` when they stand among the attributes
   * themselves. Default `error`.
   */
  readonly errorKey?: string
  /** What the library cannot do, and why. Checked: these behaviours must fail. */
  readonly unsupported?: Readonly<Partial<Record<Behaviour, string>>>
  /** A new logger that lets every level through, with an adapter made with exactly these options. */
  create(options: BridgeOptions): SubjectLogger | Promise<SubjectLogger>
}

/** A record as it arrived. Values are plain JavaScript: maps are objects, bytes are a Uint8Array. */
export interface ConformanceRecord {
  scope: string
  timestamp: HrTime
  observedTimestamp: HrTime
  severityNumber: number
  severityText?: string | undefined
  body?: unknown
  attributes: Record<string, unknown>
  /** Empty or absent outside of spans; so is `spanId`. */
  traceId?: string | undefined
  spanId?: string | undefined
  flags?: number | undefined
  eventName?: string | undefined
}

/** Where the suite's records go. */
export interface Backend {
  readonly name: string
  /** What records cannot carry on this way, and why. Checked: these behaviours must fail. */
  readonly unsupported?: Readonly<Partial<Record<Behaviour, string>>>
  /** Called once for each test. */
  start(): Promise<BackendSession>
}

/** A LoggerProvider and the far end of it. */
export interface BackendSession {
  readonly loggerProvider: LoggerProvider
  /** Flushes, and returns what arrived since the last call. */
  records(): Promise<ConformanceRecord[]>
  stop(): Promise<void>
}
