import { expect, test } from 'vitest'
import { within } from '../../src/process/timers.ts'
import { type Ended, run as runProgram } from '../programs.ts'
import { receiver } from '../receive.ts'

const receiving = receiver()

/** Program that logs and ends. */
const PROGRAM = `
import { createLoggerProvider } from '@logbridge/core'
const [, endpoint, more] = process.argv
const logger = createLoggerProvider({ endpoint, scheduledDelayMillis: 60_000 }).getLogger('program')
if (more !== 'idle') logger.emit({ body: 'first', severityNumber: 9 })
if (more === 'again') process.once('beforeExit', () => setTimeout(() => logger.emit({ body: 'second' }), 1))
if (more === 'exitCode') process.exitCode = 7
if (more === 'exit') process.exit(0)
`
const run = (endpoint: string, more = ''): Promise<Ended> => runProgram(PROGRAM, { args: [endpoint, more] })

test('within waits for its promises when the timeout is longer than a timer accepts', async () => {
  for (const timeoutMillis of [Infinity, 2 ** 31]) {
    const part = new Promise((resolve) => setTimeout(resolve, 20, 'done'))
    let done: unknown
    await within(timeoutMillis, [part.then((value) => (done = value))])
    expect(done).toBe('done')
  }
})

test('createLoggerProvider sends the records of a program when the program has nothing left to do', async () => {
  expect(await run(receiving.grpcUrl())).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(receiving.take().map(({ body }) => body)).toEqual(['first'])
})

test('createLoggerProvider sends records when they are logged during beforeExit', async () => {
  expect(await run(receiving.grpcUrl(), 'again')).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(receiving.take().map(({ body }) => body)).toEqual(['first', 'second'])
})

test('createLoggerProvider keeps the exit code of a program when records are sent at its end', async () => {
  expect(await run(receiving.grpcUrl(), 'exitCode')).toMatchObject({ code: 7 })
  expect(receiving.take()).toHaveLength(1)
})

test.each(['', 'exit'])(
  'createLoggerProvider reports unsent records when the receiver is unreachable or the program exits early %s',
  { tags: 'long' },
  async (more) => {
    const { code, stderr } = await run('http://127.0.0.1:1', more)
    expect(code).toBe(0)
    // process.exit() ends the process without a wait.
    expect(stderr).toMatch(
      more === 'exit'
        ? /^logbridge: not sent when the process ended: 1 log record\. The receiver is unreachable, or .*\n$/
        : /^logbridge: export to \S+ failed, dropping 1 log record unless an export succeeds within 3 s .*\n$/,
    )
  },
)

test('createLoggerProvider lets a program end at once when its pipeline is idle', async () => {
  expect(await run('http://127.0.0.1:1', 'idle')).toEqual({ code: 0, stdout: '', stderr: '' })
})
