import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { within } from '../src/lifecycle.ts'
import { receiver } from './receive.ts'

const receiving = receiver()

/** Runs a program to its own end, with the built package. */
function run(endpoint: string, more = ''): Promise<{ code: number; stderr: string }> {
  const program = fileURLToPath(new URL('fixtures/program.mjs', import.meta.url))
  return new Promise((resolve) => {
    execFile(process.execPath, [program, endpoint, more], (error, _, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stderr })
    })
  })
}

test('a time longer than any timer takes is not over at once', async () => {
  for (const timeoutMillis of [Infinity, 2 ** 31]) {
    const part = new Promise((resolve) => setTimeout(resolve, 20, 'done'))
    let done: unknown
    await within(timeoutMillis, [part.then((value) => (done = value))])
    expect(done).toBe('done')
  }
})

test('what a program has logged is sent when it comes to its end', async () => {
  expect(await run(receiving.grpcUrl())).toEqual({ code: 0, stderr: '' })
  expect(receiving.take().map(({ body }) => body)).toEqual(['first'])
})

test('also what it logs while it is ending', async () => {
  expect(await run(receiving.grpcUrl(), 'again')).toEqual({ code: 0, stderr: '' })
  expect(receiving.take().map(({ body }) => body)).toEqual(['first', 'second'])
})

test('its exit code stays its own', async () => {
  expect(await run(receiving.grpcUrl(), 'exitCode')).toMatchObject({ code: 7 })
  expect(receiving.take()).toHaveLength(1)
})

test.each(['', 'exit'])(
  'a program says what it takes with it when the receiver is away, or it exits too soon %s',
  async (more) => {
    const { code, stderr } = await run('http://127.0.0.1:1', more)
    expect(code).toBe(0)
    expect(stderr).toMatch(
      /^logbridge: log records not yet sent when the process ended: 1\. The receiver is away, or /m,
    )
  },
)

test('an idle pipeline holds no process', async () => {
  expect(await run('http://127.0.0.1:1', 'idle')).toEqual({ code: 0, stderr: '' })
})

test('an uncaught exception ends the program as it would have', async () => {
  const { code, stderr } = await run(receiving.grpcUrl(), 'throw')
  expect(code).toBe(1)
  expect(stderr).toContain('as it would have died without us')
})
