import { waitAtMost } from '@logbridge/bridge/internal'

/** The longest delay that a timer of Node.js takes, in milliseconds. */
export const MAX_TIMER_MILLIS: number = 2 ** 31 - 1

/** Caps a delay at the longest one that a timer takes, because Node.js fires a timer with a longer delay at once. */
export function timerMillis(millis: number): number {
  return Math.min(millis, MAX_TIMER_MILLIS)
}

/**
 * Reads the time limit of a flush or a shutdown.
 *
 * @param given milliseconds, or an object with `timeoutMillis` as the SDK passes it
 * @param defaultMillis replaces anything else, including NaN
 */
export function limitMillis(given: unknown, defaultMillis: number): number {
  const millis =
    typeof given === 'object' && given !== null ? (given as { timeoutMillis?: unknown }).timeoutMillis : given
  return timerMillis(typeof millis === 'number' && !Number.isNaN(millis) ? millis : defaultMillis)
}

/** Waits until all promises are settled, or until the time is up. A rejection counts as done. */
export function within(timeoutMillis: number, parts: readonly Promise<unknown>[]): Promise<void> {
  return waitAtMost(Promise.allSettled(parts), timerMillis(timeoutMillis))
}
