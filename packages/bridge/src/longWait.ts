import { warnOnce, rearm } from './warnings.ts'
import { timers, unref } from './timers.ts'

const LONG_MILLIS = 1000

/**
 * Reports a wait at the end of a logger or of the process that lasts longer than a second, in one line. It keeps no process
 * alive.
 *
 * @param what names what is waited for and for how long at most: `log records to be sent, at most 3000 ms`. Waits with the same text are one:
 * it is reported once a minute. A function is called when the second is over.
 * @returns ends the wait
 */
export function noteLongWait(what: string | (() => string)): () => void {
  let text = typeof what === 'string' ? what : undefined
  const kind = (): string => `long-wait ${text}`
  const timer = unref(
    timers.setTimeout(() => {
      if (typeof what === 'function') text = what()
      warnOnce(kind(), `still waiting for ${text}`)
    }, LONG_MILLIS),
  )
  return () => {
    timers.clearTimeout(timer)
    rearm(kind())
  }
}
