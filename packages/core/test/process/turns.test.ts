import { setImmediate as turn } from 'node:timers/promises'
import { beforeEach, expect, test, vi } from 'vitest'
import { turnForWork } from '../../src/process/turns.ts'

let now = 0
beforeEach(() => {
  now += 1000
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
  return () => clock.mockRestore()
})

/** Does eight pieces of work, and returns those of each turn of the event loop. */
async function turnsOf(pieceMillis: number): Promise<number[][]> {
  const turns: number[][] = []
  let done: number[] = []
  const work = Array.from({ length: 8 }, async (_, piece) => {
    await turnForWork()
    now += pieceMillis
    done.push(piece)
  })
  expect(done).toEqual([])
  const end = Promise.all(work).then(() => true)
  while (!(await Promise.race([end, turn(false)])) || done.length > 0) {
    if (done.length > 0) turns.push(done)
    done = []
  }
  return turns
}

test('turnForWork lets all pieces of work begin in one turn of the event loop when they take no time', async () => {
  expect(await turnsOf(0)).toEqual([[0, 1, 2, 3, 4, 5, 6, 7]])
})

test('turnForWork lets the event loop turn in between when pieces of work have taken 2 ms', async () => {
  expect(await turnsOf(1)).toEqual([
    [0, 1],
    [2, 3],
    [4, 5],
    [6, 7],
  ])
})

test('turnForWork lets the event loop turn after each piece of work when each takes 2 ms', async () => {
  expect(await turnsOf(2)).toEqual(Array.from({ length: 8 }, (_, piece) => [piece]))
})
