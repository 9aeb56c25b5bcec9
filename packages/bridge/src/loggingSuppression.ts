import { state } from './state.ts'

/**
 * Runs a function that exports telemetry or writes a warning. Log calls that the function causes are not recorded, on asynchronous paths too,
 * because each record would cause the next export or warning.
 */
export function withLoggingSuppressed<T>(run: () => T): T {
  return state.loggingSuppressed.run(true, run)
}

/** Returns true for a log call that a function in `withLoggingSuppressed` causes. */
export function isLoggingSuppressed(): boolean {
  return state.loggingSuppressed.getStore() === true
}
