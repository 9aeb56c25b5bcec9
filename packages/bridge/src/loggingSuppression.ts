import { state } from './state.ts'

/**
 * Runs a function that exports telemetry. Every bridge drops the log calls made meanwhile, on asynchronous paths too, because the export
 * causes them: each would cause another export.
 */
export function withLoggingSuppressed<T>(run: () => T): T {
  return state.loggingSuppressed.run(true, run)
}

/** Returns true inside `withLoggingSuppressed`. */
export function isLoggingSuppressed(): boolean {
  return state.loggingSuppressed.getStore() === true
}
