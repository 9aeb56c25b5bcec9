import { expect, test, vi } from 'vitest'
import { createShutdown } from '../../src/process/shutdown.ts'

test('createShutdown runs once when it begins several times', async () => {
  const run = vi.fn(async () => {})
  const shutdown = createShutdown(run)
  expect(shutdown.promise).toBeUndefined()
  const first = shutdown.begin(10)
  expect([shutdown.begin(20), shutdown.promise]).toEqual([first, first])
  expect(shutdown.begin()).toBe(first)
  await first
  expect(run.mock.calls).toEqual([[10]])
})

test.each([
  [undefined, 3000],
  [{ timeoutMillis: 5 }, 5],
  [Number.NaN, 3000],
])('createShutdown reads the timeout when it is %o', async (timeoutMillis, expected) => {
  const run = vi.fn(async () => {})
  await createShutdown(run).begin(timeoutMillis)
  expect(run).toHaveBeenCalledWith(expected)
})
