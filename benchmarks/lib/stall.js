/**
 * A process of its own: logs in short bursts, lets the event loop turn between them, and measures how long others hold a
 * turn. `stall.js SITUATION URL`; tells its parent `{ millis }`, the longest.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLoggerProvider } from '@logbridge/core'

const [, , situation, url] = process.argv
const RECORDS = 200_000
const BURST = 100
const DEAD = 'http://127.0.0.1:1'

let millis = 0
let watching = true
/** One turn of the event loop. By the wall clock, as the thread's own time has a resolution of 4 ms: the machine must be quiet. */
async function turn() {
  const start = performance.now()
  await new Promise(setImmediate)
  if (watching) millis = Math.max(millis, performance.now() - start)
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
/** Lets the event loop turn until it is done. */
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
    watching = false
    const before = start({ endpoint: DEAD, spool })
    await log(before)
    await before.shutdown(0)
    watching = true
    const provider = start({ endpoint: url, spool })
    while (provider.stats().adopted === 0) await turn()
    await during(provider.shutdown())
  },
  async shutdown() {
    watching = false
    const provider = start({ endpoint: DEAD, minimumSeverity: 0 })
    await log(provider, 500_000)
    watching = true
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
