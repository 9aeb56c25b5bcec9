/**
 * Child process that logs in short bursts and measures each turn of the event loop between them: `stall.js SITUATION URL`. Sends
 * `millis`, the longest turn.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLoggerProvider } from '@logbridge/core'

const [, , situation, url] = process.argv
const RECORDS = 200_000
const BURST = 100
/** Endpoint without a listener. */
const UNREACHABLE = 'http://127.0.0.1:1'

let millis = 0
let isMeasuring = true
/** Measures one turn of the event loop, in elapsed time because the CPU time of a thread has a resolution of 4 ms. */
async function turn() {
  const start = performance.now()
  await new Promise(setImmediate)
  if (isMeasuring) millis = Math.max(millis, performance.now() - start)
}
async function log(provider, records = RECORDS) {
  const logger = provider?.getLogger('bench')
  for (let i = 0; i < records; i += 1) {
    const record = {
      severityNumber: i % 8 ? 9 : 17,
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

const situations = {
  async idle() {
    await log(undefined)
  },
  async send() {
    const provider = start({ endpoint: url })
    await log(provider)
    await during(provider.shutdown())
  },
  async gzip() {
    const provider = start({ endpoint: url, compression: 'gzip' })
    await log(provider)
    await during(provider.shutdown())
  },
  async spool() {
    const provider = start({ endpoint: url, spool })
    await log(provider)
    await during(provider.shutdown())
  },
  async refused() {
    const provider = start({ endpoint: url, headers: { 'x-refuse': '1' } })
    await log(provider)
    await during(provider.shutdown())
  },
  async backlog() {
    isMeasuring = false
    const before = start({ endpoint: UNREACHABLE, spool })
    await log(before)
    await before.shutdown(0)
    isMeasuring = true
    const provider = start({ endpoint: url, spool })
    while (provider.stats().recovered === 0) await turn()
    await during(provider.shutdown())
  },
  async shutdown() {
    isMeasuring = false
    const provider = start({ endpoint: UNREACHABLE, minimumSeverity: 0 })
    await log(provider, 500_000)
    isMeasuring = true
    await during(provider.shutdown(0))
  },
}

const warmUp = start({ endpoint: url })
await log(warmUp, 20_000)
await warmUp.shutdown()
millis = 0
await situations[situation]()
process.send({ millis })
process.disconnect()
rmSync(directory, { recursive: true })
