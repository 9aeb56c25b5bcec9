import { state } from './state.ts'

/**
 * Runs what exports telemetry. Log calls made meanwhile, however far down an asynchronous path, are caused by the export
 * itself and are left out by every bridge: they would never end.
 */
export function withLoggingSuppressed<T>(run: () => T): T {
  return state.loggingSuppressed.run(true, run)
}

/** Whether the caller runs on behalf of an export. */
export function isLoggingSuppressed(): boolean {
  return state.loggingSuppressed.getStore() === true
}
