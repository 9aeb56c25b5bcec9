import { expect, test } from 'vitest'
import { essence, useViewer } from './programs.ts'

const run = useViewer()

test('attach sends the records of each copy and version of a library when a process has several', async () => {
  const result = await run(`
    import pino from 'pino'
    import pino9 from 'pino9'
    import winston from 'winston'
    import winston30 from 'winston30'
    import bunyan from 'bunyan'
    import bunyan1 from 'bunyan1'
    for (const library of [pino, pino9]) library({ name: library.version }).info('by pino')
    for (const library of [winston, winston30]) {
      library.createLogger({ transports: [new library.transports.Console()] }).info('by winston ' + library.version)
    }
    for (const library of [bunyan, bunyan1]) library.createLogger({ name: library.VERSION }).info('by bunyan')`)
  expect(essence(result)).toEqual([
    [expect.stringMatching(/^10\./), 'info', 'by pino'],
    [expect.stringMatching(/^9\./), 'info', 'by pino'],
    ['winston', 'info', expect.stringMatching(/^by winston 3\.[1-9]/)],
    ['winston', 'info', 'by winston 3.0.0'],
    [expect.stringMatching(/^2\./), 'info', 'by bunyan'],
    [expect.stringMatching(/^1\./), 'info', 'by bunyan'],
  ])
  expect(result.stderr).toBe('')
})

test.each([
  ['--require before the preload', ['--require', 'winston', '--import', '@logbridge/auto']],
  ['the preload is required as CommonJS', ['--require', '@logbridge/auto/cjs']],
  ['the preload is imported twice', ['--import', '@logbridge/auto', '--require', '@logbridge/auto/cjs']],
])('attach sends each record once when %s', async (_, args) => {
  const result = await run(
    `import winston from 'winston'
    winston.createLogger({ transports: [new winston.transports.Console()] }).info('hello')`,
    { args },
  )
  expect(essence(result)).toEqual([['winston', 'info', 'hello']])
})

test('attach sends each record once when the preload stands in NODE_OPTIONS', async () => {
  const result = await run(
    `import { createLogger } from 'bunyan'
    import { fork } from 'node:child_process'
    import { fileURLToPath } from 'node:url'
    import { isMainThread, Worker } from 'node:worker_threads'
    const kind = process.send ? 'a child' : isMainThread ? 'the main thread' : 'a worker thread'
    createLogger({ name: 'shop' }).info('of ' + kind)
    if (kind === 'the main thread') {
      fork(fileURLToPath(import.meta.url))
      new Worker(new URL(import.meta.url))
    }`,
    { args: [], env: { NODE_OPTIONS: '--import @logbridge/auto' } },
  )
  expect(essence(result).map(String).toSorted()).toEqual([
    'shop,info,of a child',
    'shop,info,of a worker thread',
    'shop,info,of the main thread',
  ])
})
