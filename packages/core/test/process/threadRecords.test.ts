import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { NOTHING, type Stats } from '@logbridge/test-support/stats'
import { type Ended, run } from '../programs.ts'
import { receiver } from '../receive.ts'

// Child processes with worker threads that are terminated, by the test and by a pool.

const receiving = receiver()
const folder = mkdtempSync(join(tmpdir(), 'logbridge-threads-'))
afterAll(() => rmSync(folder, { recursive: true }))

const TASK = fileURLToPath(new URL('../fixtures/poolTask.mjs', import.meta.url))
const REPORT =
  /^logbridge: dropped log records, their worker thread was terminated before they were sent \(.*\): (\d+)$/gm
const AT_END = /^logbridge: not sent when the process ended: (\d+) log records? of worker threads\./gm

const IMPORTS = `
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { startTelemetry } from '@logbridge/core'
import { logs } from '@opentelemetry/api'
import { Piscina } from '${import.meta.resolve('piscina')}'
`
const START = `${IMPORTS}
const telemetry = startTelemetry({ traces: false, metrics: false })
process.on('exit', () => console.log(JSON.stringify(telemetry.stats())))
`
const POOL = `
const pool = new Piscina({ filename: ${JSON.stringify(TASK)}, minThreads: 2, maxThreads: 2 })
await Promise.all(Array.from({ length: 50 }, (_, n) => pool.run(n)))
`

/** A worker thread that logs 50 records, runs \`more\` and says that it has. */
function worker(more = ''): string {
  const source = `
    const { parentPort } = require('node:worker_threads')
    const { startTelemetry } = require('@logbridge/core')
    const { logs } = require('@opentelemetry/api')
    const telemetry = startTelemetry({ traces: false, metrics: false, logs: { scheduledDelayMillis: 600000 } })
    for (let n = 0; n < 50; n += 1) logs.getLogger('worker').emit({ body: n })
    const alive = setInterval(() => {}, 1000)
    Promise.resolve((async () => { ${more} })()).then(() => parentPort.postMessage('logged'))`
  return `const worker = new Worker(${JSON.stringify(source)}, { eval: true, execArgv: [] })\n`
}
const TERMINATE = `await once(worker, 'message'); await worker.terminate()`

async function runs(code: string, env: Record<string, string> = {}): Promise<Ended & { received: number }> {
  receiving.take()
  const ended = await run(code, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiving.grpcUrl(), ...env } })
  return { ...ended, received: receiving.take().length }
}

function numbers(text: string, pattern: RegExp): number[] {
  return Array.from(text.matchAll(pattern), ([, number]) => Number(number))
}

function statsOf({ stdout }: Ended): Stats {
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Stats
}

const lost = {
  created: 0,
  recovered: 50,
  delivered: 0,
  dropped: { thread_terminated: 50 },
  queued: 0,
  inFlight: 0,
}

describe('threadRecords of a terminated worker thread', () => {
  test('are counted and reported once by the thread that started it', async () => {
    const ended = await runs(`${START}${worker()}${TERMINATE}`)
    expect(ended).toMatchObject({ code: 0, received: 0 })
    expect(statsOf(ended)).toMatchObject(lost)
    expect(numbers(ended.stderr, REPORT)).toEqual([50])
    expect(numbers(ended.stderr, AT_END)).toEqual([])
  })

  test('are reported when telemetry was shut down in the meantime', async () => {
    const ended = await runs(`${START}${worker()}await telemetry.shutdown(); ${TERMINATE}`)
    expect(ended.stderr).toBe('logbridge: worker thread terminated, unsent log records lost: 50\n')
    expect(statsOf(ended)).toMatchObject({ created: 0, recovered: 0, dropped: NOTHING })
  })

  test('are reported once when both copies of the package are loaded', async () => {
    const other = `const other = createRequire(import.meta.url)('@logbridge/core')
      const provider = other.createLoggerProvider({ register: false })
      process.on('exit', () => console.log(provider.stats().recovered))\n`
    const ended = await runs(`${IMPORTS}${other}
      const telemetry = startTelemetry({ traces: false, metrics: false })
      process.on('exit', () => console.log(telemetry.stats().recovered))
      ${worker()}${TERMINATE}`)
    expect(ended.stdout).toBe('50\n0\n')
    expect(numbers(ended.stderr, REPORT)).toEqual([50])
  })

  test('are none when the thread has flushed', async () => {
    const ended = await runs(`${START}${worker('await telemetry.forceFlush()')}${TERMINATE}`)
    expect(ended).toMatchObject({ code: 0, stderr: '', received: 50 })
    expect(statsOf(ended)).toMatchObject({ recovered: 0, dropped: NOTHING })
  })

  test('are none when the thread ends by itself', async () => {
    const ended = await runs(`${START}${worker('clearInterval(alive)')}await once(worker, 'exit')`)
    expect(ended).toMatchObject({ code: 0, stderr: '', received: 50 })
  })

  test('are reported by the thread when the thread exits', async () => {
    const ended = await runs(`${START}${worker('process.exit(0)')}await once(worker, 'exit')`)
    expect(ended).toMatchObject({ code: 0, received: 0 })
    expect(ended.stderr).toMatch(/^logbridge: not sent when the process ended: 50 log records\.[^\n]*\n$/)
    expect(statsOf(ended)).toMatchObject({ recovered: 0, dropped: NOTHING })
  })

  test('are reported when the process ends before the thread', async () => {
    const ended = await runs(`${START}${worker()}await once(worker, 'message'); process.exit(3)`)
    expect(ended).toMatchObject({ code: 3, received: 0 })
    expect(numbers(ended.stderr, AT_END)).toEqual([50])
  })

  test('are sent by another process when they are in the spool for 100 ms', async () => {
    const directory = mkdtempSync(join(folder, 'spool-'))
    const spooling = worker(
      `while (telemetry.stats().spooled < 50) await new Promise((resolve) => setTimeout(resolve, 5))`,
    ).replace(
      'scheduledDelayMillis: 600000',
      `scheduledDelayMillis: 600000, spool: { directory: '${directory}' }`,
    )
    const ended = await runs(`${START}${spooling}${TERMINATE}`)
    expect(ended).toMatchObject({ code: 0, stderr: '', received: 0 })
    const next = START.replace(
      'metrics: false',
      `metrics: false, logs: { spool: { directory: '${directory}' } }`,
    )
    const sent = await runs(
      `${next} while (telemetry.stats().delivered < 50) await new Promise((resolve) => setTimeout(resolve, 10))`,
    )
    expect(sent.received).toBe(50)
    expect(statsOf(sent)).toMatchObject({ recovered: 50, delivered: 50, dropped: NOTHING })
  })

  test("are none when the thread is pino's worker, which flushes at the exit of the process", async () => {
    const pino = `
      const { pino } = createRequire(${JSON.stringify(fileURLToPath(new URL('../../../pino/package.json', import.meta.url)))})('pino')
      const options = { scheduledDelayMillis: 600_000 }
      const transport = pino.transport({ target: ${JSON.stringify(fileURLToPath(new URL('../../../pino/dist/index.cjs', import.meta.url)))}, options })
      const logger = pino(transport)
      transport.on('ready', () => {
        logger.info('hello')
        setTimeout(() => process.exit(3), 300)
      })`
    const ended = await runs(`${START}${pino}`)
    expect(ended).toMatchObject({ code: 3, stderr: '', received: 1 })
  })
})

describe('threadRecords in a pool of piscina', () => {
  test('reports lost records of its threads when it is destroyed', async () => {
    const ended = await runs(`${START}${POOL}await pool.destroy()`)
    expect(ended).toMatchObject({ code: 0, received: 0 })
    expect(statsOf(ended)).toMatchObject(lost)
    const [first] = numbers(ended.stderr, REPORT)
    expect(first).toBeGreaterThan(0)
    expect(ended.stderr).toContain('thread_terminated 50 UNSPECIFIED')
  })

  test('reports lost records of its threads when the process ends', async () => {
    const ended = await runs(`${START}${POOL}`)
    expect(ended).toMatchObject({ code: 0, received: 0 })
    expect(numbers(ended.stderr, AT_END)).toEqual([50])
  })

  test.each(['await pool.destroy()', ''])('loses no record when its tasks flush: %s', async (end) => {
    const ended = await runs(`${START}${POOL}${end}`, { FLUSH: 'yes' })
    expect(ended).toMatchObject({ code: 0, stderr: '', received: 50 })
  })
})

test('watchLostRecords shares a table of the realm of Node.js when the globals are those of another realm', async () => {
  const key = 'logbridge.threadRecords.2'
  const before = getEnvironmentData(key)
  const { SharedArrayBuffer: own } = globalThis
  try {
    setEnvironmentData(key, undefined)
    vi.stubGlobal('SharedArrayBuffer', runInNewContext('SharedArrayBuffer'))
    vi.resetModules()
    const { watchLostRecords } = await import('../../src/process/threadRecords.ts')
    watchLostRecords(() => {})()
    expect(getEnvironmentData(key)).toBeInstanceOf(own)
  } finally {
    vi.unstubAllGlobals()
    setEnvironmentData(key, before)
  }
})
