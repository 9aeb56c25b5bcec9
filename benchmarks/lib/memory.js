/**
 * A process of its own whose receiver goes down under a flood: `memory.js URL CAP`, the cap in bytes. Tells its parent the
 * peaks of its resident memory in bytes: `bare`, of the application without a logger, `before`, of one that logs and whose
 * records do not wait, and `flooded`; and how many records were `unaccounted` for.
 */
import { createLoggerProvider } from '@logbridge/core'
import { order } from './application.js'

const [, , url, cap] = process.argv
const BURST = 1000
/** Nobody listens there. */
const DEAD = 'http://127.0.0.1:1'
const turn = () => new Promise(setImmediate)

let peak = 0

await log({ emit() {} }, 200_000, turn)
const bare = peak

const alive = start(url)
await log(alive.getLogger('bench'), 300_000, () => alive.forceFlush())
await alive.shutdown()
const before = peak

const provider = start(DEAD)
await log(provider.getLogger('bench'), 1_500_000, turn)
const { created, queued, inFlight, dropped } = provider.stats()
process.send({
  bare,
  before,
  flooded: peak,
  unaccounted: created - queued - inFlight - (dropped['queue-full'] ?? 0),
})
await provider.shutdown(0)
process.disconnect()

function start(endpoint) {
  return createLoggerProvider({ endpoint, maxQueueBytes: Number(cap), serviceName: 'bench' })
}

async function log(logger, records, settle) {
  for (let i = 0; i < records; i += 1) {
    // Errors may use all of the cap.
    logger.emit({ ...order(i), severityNumber: 17, severityText: 'error' })
    if (i % BURST !== BURST - 1) continue
    peak = Math.max(peak, process.memoryUsage.rss())
    await settle()
  }
}
