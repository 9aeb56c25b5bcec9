import { nextTurn } from '@logbridge/bridge/internal'

/** Longest work in one turn of the event loop. */
const TURN_MILLIS = 2

let last: Promise<void> = Promise.resolve()
let turnedAt = -Infinity

/**
 * Waits until a piece of work may begin: at once after the piece before, or in a later turn of the event loop when the pieces of this
 * turn have taken 2 ms. Pieces begin in the order of the calls. All pipelines of a thread share that time, because they share the event
 * loop. The caller does its piece synchronously after the wait.
 */
export function turnForWork(): Promise<void> {
  last = afterWork(last)
  return last
}

async function afterWork(before: Promise<void>): Promise<void> {
  await before
  const millis = performance.now() - turnedAt
  // Fake timers may have set the clock back.
  if (millis >= 0 && millis < TURN_MILLIS) return
  await nextTurn()
  turnedAt = performance.now()
}
