import type { BridgeOptions, LoggerProvider, SeverityNumber } from './types.ts'

/** What a test runner's `test` must do; vitest's and `node:test`'s both fit. */
export type TestFunction = (name: string, run: () => void | Promise<void>) => unknown

/** A behaviour of the suite: the key by which a subject declares what its library cannot do. */
export type Behaviour = string

/** A library's real logger with the adapter attached. */
export interface SubjectLogger {
  /** Logs a text with fields at a level of the library's own. */
  log(level: string, message: string, fields?: Record<string, unknown>): void
  close(): void | Promise<void>
}

/** An adapter as the suite sees it. */
export interface Subject {
  readonly library: string
  readonly levels: Readonly<Record<string, SeverityNumber>>
  readonly unsupported?: Readonly<Partial<Record<Behaviour, string>>>
  create(options: BridgeOptions): SubjectLogger | Promise<SubjectLogger>
}

/** Where the suite's records go, and how it reads what arrived. */
export interface Backend {
  readonly name: string
  readonly loggerProvider: LoggerProvider
}
