/**
 * Child process that logs a flood while the receiver is unreachable: `memory.js URL CAP`, with the cap in bytes. Sends peaks of
 * its resident memory in bytes: `bare`, without a logger, `connected`, with a logger and a receiver, and `flooded`. Sends
 * `unaccounted`, the number of records that `stats()` does not account for.
 */
import { createLoggerProvider } from '@logbridge/core'
import { order } from './application.js'

const [, , url, cap] = process.argv
const BURST = 1000
/** Endpoint without a listener. */
const UNREACHABLE = 'http://127.0.0.1:1'
const turn = () => new Promise(setImmediate)

let peak = 0

await log({ emit() {} }, 200_000, turn)
const bare = peak

const connectedProvider = start(url)
await log(connectedProvider.getLogger('bench'), 300_000, () => connectedProvider.forceFlush())
await connectedProvider.shutdown()
const connected = peak

const provider = start(UNREACHABLE)
await log(provider.getLogger('bench'), 1_500_000, turn)
const { created, queued, inFlight, dropped } = provider.stats()
process.send({
  bare,
  connected,
  flooded: peak,
  unaccounted: created - queued - inFlight - (dropped['queue_full'] ?? 0),
})
await provider.shutdown(0)
process.disconnect()

function start(endpoint) {
  return createLoggerProvider({ endpoint, maxQueueBytes: Number(cap), serviceName: 'bench' })
}

async function log(logger, records, afterBurst) {
  for (let i = 0; i < records; i += 1) {
    // ERROR records may fill the queue up to the cap.
    logger.emit({ ...order(i), severityNumber: 17, severityText: 'error' })
    if (i % BURST !== BURST - 1) continue
    peak = Math.max(peak, process.memoryUsage.rss())
    await afterBurst()
  }
}
