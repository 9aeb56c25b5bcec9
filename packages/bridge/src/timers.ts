import * as nodeTimers from 'node:timers'
import * as nodePromises from 'node:timers/promises'

/**
 * Node's own timers, taken when this module is loaded. The global ones may be those of jsdom, which have no `unref`, or fake ones
 * of a test, which would hold up every deadline. Our own tests replace these.
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

/** Lets the process end before this timer; other runtimes have timers that cannot do that. */
export function unref<Timer extends { unref?(): unknown }>(timer: Timer): Timer {
  timer.unref?.()
  return timer
}
