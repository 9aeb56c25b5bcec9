import { registeredProvider } from './provider.ts'
import { state } from './state.ts'
import { timers, unref } from './timers.ts'
import type { LoggerProvider } from './types.ts'

/** Notes that a LoggerProvider has recorded an uncaught exception, before the handlers of the application run. */
export function noteUncaught(thrown: unknown, loggerProvider: LoggerProvider): void {
  state.uncaught = { thrown, loggerProvider }
  // The handlers run in this turn.
  unref(timers.setImmediate(() => (state.uncaught = undefined)))
}

/**
 * Tests if an exception that a library catches itself is recorded in the LoggerProvider of its adapter already.
 * @param injected option `loggerProvider` of the adapter
 */
export function isRecordedUncaught(thrown: unknown, injected: LoggerProvider | undefined): boolean {
  const { uncaught } = state
  return (
    uncaught !== undefined &&
    uncaught.thrown === thrown &&
    uncaught.loggerProvider === (injected ?? registeredProvider())
  )
}
