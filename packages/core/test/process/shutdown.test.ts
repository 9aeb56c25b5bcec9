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
  [{}, 3000],
  [Infinity, 2 ** 31 - 1],
  // process.on('SIGTERM', telemetry.shutdown) passes the name of the signal.
  ['SIGTERM', 3000],
])('createShutdown reads the timeout when it is %o', async (timeoutMillis, expected) => {
  const run = vi.fn(async () => {})
  await createShutdown(run).begin(timeoutMillis as never)
  expect(run).toHaveBeenCalledWith(expected)
})

test.each([Number.NaN, -1, '5', null, { timeoutMillis: 'soon' }])(
  'createShutdown throws INVALID_OPTION and does not run when the timeout is %o',
  (timeoutMillis) => {
    const run = vi.fn(async () => {})
    expect(() => createShutdown(run).begin(timeoutMillis as never)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(
          'a number of milliseconds from 0 to 2147483647, or an object with timeoutMillis',
        ),
      }),
    )
    expect(run).not.toHaveBeenCalled()
  },
)
