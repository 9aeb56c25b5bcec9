/**
 * Child process that logs in short bursts and measures the longest time without a turn of the event loop: `stall.js SITUATION URL`.
 * Needs `--expose-gc`. Sends `millis`, that time, and `gcMillis`, the time of the garbage collector within it.
 */
import { spawn } from 'node:child_process'
import fs, { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PerformanceObserver } from 'node:perf_hooks'
import { createLoggerProvider } from '@logbridge/core'

const [, , situation, url] = process.argv
const RECORDS = 200_000
const BURST = 100
/** Records of 60 MB. */
const RECORDS_OF_60_MB = 500_000
const ERROR = 17
/** Endpoint without a listener. */
const UNREACHABLE = 'http://127.0.0.1:1'
/** File that the resource detector of `host.id` reads on Linux. */
const MACHINE_ID = '/etc/machine-id'
/** Program that uses one core, and ends by itself when nothing stops it. */
const BUSY = 'for (const end = Date.now() + 10_000; Date.now() < end; );'

const longest = { start: 0, end: 0 }
const pauses = []
const pauseObserver = new PerformanceObserver((list) => pauses.push(...list.getEntries()))
pauseObserver.observe({ entryTypes: ['gc'] })
let turnedAt = 0

/**
 * Starts the measurement with the current turn. Collects all garbage before, because V8's first full collection of a program takes 2 to
 * 17 ms, with a pipeline and without.
 */
function measure() {
  globalThis.gc()
  longest.start = longest.end = turnedAt = performance.now()
}

/**
 * Lets the event loop turn, and notes the time since the last turn. Measures elapsed time because the CPU time of a thread has a
 * resolution of 4 ms.
 */
async function turn() {
  await new Promise(setImmediate)
  const now = performance.now()
  if (now - turnedAt > longest.end - longest.start) Object.assign(longest, { start: turnedAt, end: now })
  turnedAt = now
}
async function log(provider, { records = RECORDS, severityNumber } = {}) {
  const logger = provider?.getLogger('bench')
  for (let i = 0; i < records; i += 1) {
    const record = {
      severityNumber: severityNumber ?? (i % 8 ? 9 : ERROR),
      body: `order ${i} placed`,
      attributes: { orderId: i, customer: 'c-1042', total: 99.5, express: true },
    }
    logger?.emit(record)
    if (i % BURST === 0) await turn()
  }
}
/** Runs turns of the event loop until a promise is settled. */
async function during(promise) {
  const state = { done: false }
  void promise.finally(() => (state.done = true))
  while (!state.done) await turn()
}
const start = (options) => createLoggerProvider({ serviceName: 'bench', register: false, ...options })
const directory = mkdtempSync(join(tmpdir(), 'logbridge-stall-'))
const spool = { directory }

/** Logs and shuts down, measured as a whole. */
async function logAndShutDown(options) {
  const provider = start(options)
  measure()
  await log(provider)
  await during(provider.shutdown())
}

/** Logs while the resource detector of `host.id` waits for its file, and shuts down after its answer. */
async function answerLate(options) {
  const { readFile } = fs.promises
  const answer = Promise.withResolvers()
  fs.promises.readFile = async (path, ...rest) => {
    if (path === MACHINE_ID) await answer.promise
    return readFile(path, ...rest)
  }
  const provider = start(options)
  measure()
  await log(provider)
  if (provider.stats().delivered > 0) throw new Error('the resource detector has answered too early')
  answer.resolve()
  await during(provider.shutdown())
}

/** Logs 60 MB in one turn, after the resource detectors have answered, and measures the shutdown that sends them. */
async function flushAtShutdown(options) {
  const provider = start(options)
  await log(provider, { records: BURST })
  await provider.forceFlush()
  const logger = provider.getLogger('bench')
  for (let i = 0; i < RECORDS_OF_60_MB; i += 1) {
    logger.emit({
      severityNumber: ERROR,
      body: `order ${i} placed`,
      attributes: { orderId: i, customer: 'c-1042', total: 99.5, express: true },
    })
  }
  measure()
  await during(provider.shutdown(30_000))
  const { created, delivered } = provider.stats()
  if (delivered < created) throw new Error(`${created - delivered} of ${created} records were not sent`)
}

const situations = {
  async idle() {
    measure()
    await log(undefined, { records: 5 * RECORDS })
  },
  async busy() {
    const other = spawn(process.execPath, ['--eval', BUSY])
    measure()
    await log(undefined, { records: 5 * RECORDS })
    other.kill()
  },
  send: () => logAndShutDown({ endpoint: url }),
  gzip: () => logAndShutDown({ endpoint: url, compression: 'gzip' }),
  spool: () => logAndShutDown({ endpoint: url, spool }),
  refused: () => logAndShutDown({ endpoint: url, headers: { 'x-refuse': '1' } }),
  async backlog() {
    const before = start({ endpoint: UNREACHABLE, spool })
    await log(before)
    await before.shutdown(0)
    measure()
    const provider = start({ endpoint: url, spool })
    while (provider.stats().recovered === 0) await turn()
    await during(provider.shutdown())
  },
  detector: () => answerLate({ endpoint: url }),
  'detector-spool': () => answerLate({ endpoint: url, spool }),
  flush: () => flushAtShutdown({ endpoint: url }),
  'flush-spool': () => flushAtShutdown({ endpoint: url, spool }),
  async drop() {
    const provider = start({ endpoint: UNREACHABLE })
    await log(provider, { records: RECORDS_OF_60_MB, severityNumber: ERROR })
    measure()
    await during(provider.shutdown(0))
  },
}

const warmUp = start({ endpoint: url })
await log(warmUp, { records: 100_000 })
await warmUp.shutdown()
await situations[situation]()
const { start: from, end: to } = longest
await new Promise(setImmediate)
const gcMillis = pauses
  .filter(({ startTime }) => startTime >= from && startTime < to)
  .reduce((sum, { duration }) => sum + duration, 0)
process.send({ millis: to - from, gcMillis })
process.disconnect()
rmSync(directory, { recursive: true })
