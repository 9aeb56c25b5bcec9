import * as nodeTimers from 'node:timers'
import * as nodePromises from 'node:timers/promises'

/**
 * Timers of Node.js. The global functions may be those of jsdom, which have no `unref`, or fake timers of a test, which would stop every deadline.
 * The tests of logbridge replace the functions of this object.
 */
export const timers: Pick<
  typeof nodeTimers,
  'setTimeout' | 'clearTimeout' | 'setInterval' | 'clearInterval' | 'setImmediate'
> = {
  setTimeout: nodeTimers.setTimeout,
  clearTimeout: nodeTimers.clearTimeout,
  setInterval: nodeTimers.setInterval,
  clearInterval: nodeTimers.clearInterval,
  setImmediate: nodeTimers.setImmediate,
}

const { setImmediate: immediate } = nodePromises

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return immediate()
}

/** Lets the process end before a timer. Timers of other runtimes may have no `unref`. */
export function unref<Timer extends { unref?(): unknown }>(timer: Timer): Timer {
  timer.unref?.()
  return timer
}
