import { END_TIMEOUT_MILLIS } from '@logbridge/bridge/internal'
import { type Unsent, withLongWaitNoted } from './longWait.ts'
import { limitMillis, type TimeLimit } from './timers.ts'

/** Shutdown that runs once. */
export interface Shutdown {
  /** Promise of the shutdown; `undefined` until it has begun. */
  readonly promise: Promise<void> | undefined
  /**
   * Begins the shutdown.
   *
   * @param limit default 3000
   * @returns the promise of the first call
   * @throws LogbridgeError `INVALID_OPTION`
   */
  begin(limit?: TimeLimit): Promise<void>
}

/**
 * Creates a shutdown.
 *
 * @param run called by the first `begin`, with the timeout in milliseconds
 * @param unsent unsent telemetry, which is reported when `run` takes more than a second; omitted: the wait is not reported
 */
export function createShutdown(
  run: (timeoutMillis: number) => Promise<void>,
  unsent?: () => readonly (Unsent | undefined)[],
): Shutdown {
  let promise: Promise<void> | undefined
  return {
    get promise() {
      return promise
    },
    begin(limit) {
      const millis = limitMillis(limit, END_TIMEOUT_MILLIS)
      if (promise) return promise
      const running = run(millis)
      return (promise ??= unsent ? withLongWaitNoted(running, unsent, millis) : running)
    },
  }
}
