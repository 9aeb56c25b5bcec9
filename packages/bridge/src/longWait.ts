import { warnOnce, rearm } from './warnings.ts'
import { timers, unref } from './timers.ts'

const LONG_MILLIS = 1000

/**
 * Warns when a wait at the end of a logger or of the process takes longer than a second. Its timer keeps no process alive.
 *
 * @param what subject and longest time of the wait: `log records to be sent, at most 3000 ms`. Waits with one text are reported once a minute. A
 * function is called after the second.
 * @returns ends the wait
 */
export function noteLongWait(what: string | (() => string)): () => void {
  let text = typeof what === 'string' ? what : undefined
  const key = (): string => `long-wait ${text}`
  const timer = unref(
    timers.setTimeout(() => {
      if (typeof what === 'function') text = what()
      warnOnce(key(), `still waiting for ${text}`)
    }, LONG_MILLIS),
  )
  return () => {
    timers.clearTimeout(timer)
    rearm(key())
  }
}
