import { constants } from 'node:os'
import { LogbridgeError, rules } from '@logbridge/bridge'
import { waitAtMost } from '@logbridge/bridge/internal'

/** Time limit of a flush or a shutdown in milliseconds, as a number, or in the form of the official SDK. */
export type TimeLimit = number | { readonly timeoutMillis?: number | undefined }

/** The longest delay that a timer of Node.js takes, in milliseconds. */
export const MAX_TIMER_MILLIS: number = 2 ** 31 - 1

/** Caps a delay at the longest one that a timer takes, because Node.js fires a timer with a longer delay at once. */
export function timerMillis(millis: number): number {
  return Math.min(millis, MAX_TIMER_MILLIS)
}

/**
 * Reads the time limit of a flush or a shutdown. The name of a signal counts as no limit given, because
 * `process.on('SIGTERM', telemetry.shutdown)` passes the name as the first argument.
 *
 * @param defaultMillis replaces `undefined`
 * @throws LogbridgeError `INVALID_OPTION` for anything but a `TimeLimit`, e.g. NaN
 */
export function limitMillis(given: TimeLimit | undefined, defaultMillis: number): number {
  const millis = typeof given === 'object' && given !== null ? given.timeoutMillis : given
  if (millis === undefined || isSignalName(millis)) return defaultMillis
  if (millis === Infinity) return MAX_TIMER_MILLIS
  if (rules.millis.test(millis)) return millis
  throw new LogbridgeError(
    'INVALID_OPTION',
    `@logbridge/core: timeoutMillis is ${typeof millis === 'number' ? millis : `a value of type ${typeof millis}`}; ` +
      `it accepts ${rules.millis.accepts}, or an object with timeoutMillis`,
  )
}

function isSignalName(given: unknown): boolean {
  return typeof given === 'string' && Object.hasOwn(constants.signals, given)
}

/** Waits until all promises are settled, or until the time is up. A rejection counts as done. */
export function within(timeoutMillis: number, parts: readonly Promise<unknown>[]): Promise<void> {
  return waitAtMost(Promise.allSettled(parts), timerMillis(timeoutMillis))
}
