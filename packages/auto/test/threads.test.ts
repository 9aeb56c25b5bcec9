import { expect, test } from 'vitest'
import { useViewer } from './programs.ts'

const run = useViewer()
const ENV = { OTEL_BLRP_SCHEDULE_DELAY: '600000' }

/** Starts a worker thread that logs three records and runs on, and waits until the thread has logged. */
const WORKER = `
  import { once } from 'node:events'
  import { writeFileSync } from 'node:fs'
  import { Worker } from 'node:worker_threads'
  import { createLogger } from 'bunyan'
  const file = new URL('worker.cjs', import.meta.url)
  writeFileSync(file, \`
    const logger = require('bunyan').createLogger({ name: 'of the worker', stream: { write() {} } })
    for (const body of ['a', 'b', 'c']) logger.info(body)
    setInterval(() => {}, 1000)
    require('node:worker_threads').parentPort.postMessage('logged')
  \`)
  const worker = new Worker(file)
  await once(worker, 'message')
`
const COUNTED =
  /^logbridge: dropped log records, their worker thread was terminated before they were sent \(.*\): 3$/m

test.each(['esm', 'cjs'] as const)(
  'watchWorkers reports the records of a terminated thread when the process has no logger and the preload is %s',
  async (preload) => {
    const { records, stderr } = await run(`${WORKER} await worker.terminate()`, {
      env: ENV,
      args: preload === 'esm' ? ['--import', '@logbridge/auto'] : ['--require', '@logbridge/auto/cjs'],
    })
    expect(records).toEqual([])
    expect(stderr).toBe('logbridge: worker thread terminated, unsent log records lost: 3\n')
  },
)

test('watchWorkers counts the records of a terminated thread when the thread started before the first logger', async () => {
  const { stdout, stderr } = await run(
    `${WORKER}
    createLogger({ name: 'shop', stream: { write() {} } })
    await worker.terminate()
    console.log(JSON.stringify(globalThis[Symbol.for('logbridge.telemetry.1')].stats()))`,
    { env: ENV },
  )
  expect(JSON.parse(stdout)).toMatchObject({ recovered: 3, dropped: { thread_terminated: 3 } })
  expect(stderr.match(new RegExp(COUNTED, 'gm'))).toHaveLength(1)
  expect(stderr).not.toContain('worker thread terminated,')
})

test('watchWorkers counts the records of a terminated thread when the application starts telemetry after the thread', async () => {
  const { stdout, stderr } = await run(
    `import { startTelemetry } from '@logbridge/core'
    ${WORKER}
    const telemetry = startTelemetry()
    await worker.terminate()
    console.log(JSON.stringify(telemetry.stats()))`,
    { env: ENV },
  )
  expect(JSON.parse(stdout)).toMatchObject({ recovered: 3, dropped: { thread_terminated: 3 } })
  expect(stderr).toMatch(COUNTED)
})

test.each([
  ['has no logger', ''],
  ['has a logger', `createLogger({ name: 'shop', stream: { write() {} } })`],
])(
  'watchWorkers reports the unsent records of threads once when the process ends and %s',
  async (_, logger) => {
    const { stderr } = await run(`${WORKER} ${logger}; process.exit()`, { env: ENV })
    expect(stderr).toMatch(
      /^logbridge: not sent when the process ended: 3 log records of worker threads\.[^\n]*\n$/,
    )
  },
)

test('watchWorkers reports the unsent records of threads when a listener of exit ends the process', async () => {
  const { stderr } = await run(
    `process.on('exit', () => process.exit())
    ${WORKER}
    process.exit()`,
    { env: ENV },
  )
  expect(stderr).toMatch(
    /^logbridge: not sent when the process ended: 3 log records of worker threads\.[^\n]*\n$/,
  )
})

test('watchWorkers reports nothing when the thread has sent its records', async () => {
  const { records, stderr } = await run(
    `${WORKER.replace('setInterval(() => {}, 1000)', '')} await once(worker, 'exit')`,
    { env: ENV },
  )
  expect(records.map(({ body }) => body)).toEqual(['a', 'b', 'c'])
  expect(stderr).toBe('')
})

test('watchWorkers counts the records of threads that a terminated thread has started', async () => {
  const { stdout } = await run(
    `import { once } from 'node:events'
    import { writeFileSync } from 'node:fs'
    import { getEnvironmentData, Worker } from 'node:worker_threads'
    import { createLogger } from 'bunyan'
    createLogger({ name: 'shop', stream: { write() {} } })
    const file = new URL('nested.cjs', import.meta.url)
    writeFileSync(file, \`
      const { parentPort, Worker, workerData } = require('node:worker_threads')
      const logger = require('bunyan').createLogger({ name: 'of a worker', stream: { write() {} } })
      logger.info('a')
      setInterval(() => {}, 1000)
      if (workerData === 0) parentPort.postMessage('logged')
      else new Worker(__filename, { workerData: workerData - 1 }).on('message', () => parentPort.postMessage('logged'))
    \`)
    const worker = new Worker(file, { workerData: 2 })
    await once(worker, 'message')
    await worker.terminate()
    const used = new Int32Array(getEnvironmentData('logbridge.threadRecords.2')).filter(Boolean)
    console.log(JSON.stringify([globalThis[Symbol.for('logbridge.telemetry.1')].stats().dropped, used.length]))`,
    { env: ENV },
  )
  expect(JSON.parse(stdout)).toEqual([{ thread_terminated: 3 }, 0])
})
