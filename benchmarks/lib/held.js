/**
 * A process of its own that logs in one of several ways: `held.js MODE URL`, with the default cap of 64 MiB. Tells its parent
 * the peaks of its resident memory in bytes: `before`, while the receiver takes the records, and `flooded`, when it is down and
 * the cap is reached; and the size that the account shows, `bytes`.
 */
import { createLoggerProvider } from '@logbridge/core'

const [, , mode, url] = process.argv
const BURST = 500
const SEVERE = { body: 'a', severityNumber: 17 }
/** Nobody listens there. */
const DEAD = 'http://127.0.0.1:1'
const turn = () => new Promise(setImmediate)

/** Options, how many records at most, and what logs the record of a number. */
const MODES = {
  small: { most: 4_000_000, use: (provider) => same(provider) },
  batch1: { options: { maxExportBatchSize: 1 }, most: 200_000, use: (provider) => same(provider) },
  resource: {
    options: { maxExportBatchSize: 1, resource: { description: 'x'.repeat(100_000) } },
    most: 5000,
    use: (provider) => same(provider),
  },
  scopes: { most: 200_000, use: (provider) => turns(provider, 10_000, 1000) },
  bigscopes: { most: 5000, use: (provider) => turns(provider, 500, 60_000) },
  uniqscopes: {
    most: 1_500_000,
    use: (provider) => (number) => provider.getLogger(`request-${number}`).emit(SEVERE),
  },
  keys: {
    most: 1_500_000,
    use(provider) {
      const logger = provider.getLogger('bench')
      return (number) =>
        logger.emit({ ...SEVERE, attributes: { [`key${number}`]: 1, [`other${number}`]: 2 } })
    },
  },
}

function same(provider) {
  const logger = provider.getLogger('bench')
  return () => logger.emit(SEVERE)
}

function turns(provider, count, attributeBytes) {
  const loggers = Array.from({ length: count }, (_, index) =>
    provider.getLogger(`tenant-${index}`, '1', {
      attributes: { tenant: 'x'.repeat(attributeBytes) + index },
    }),
  )
  return (number) => loggers[number % count].emit(SEVERE)
}

const { options, most, use } = MODES[mode]
let peak = 0
let number = 0

const alive = start(url)
// One export for each record takes long.
await log(alive, options ? 2000 : most / 4, () => alive.forceFlush())
const before = peak
await alive.shutdown()

const provider = start(DEAD)
await log(provider, most, turn)
const { bytes, dropped } = provider.stats()
process.send({ before, flooded: peak, bytes, full: 'queue-full' in dropped })
await provider.shutdown(0)
process.disconnect()

function start(endpoint) {
  return createLoggerProvider({ endpoint, serviceName: 'bench', ...options })
}

async function log(provider, records, settle) {
  const emit = use(provider)
  for (let i = 0; i < records && !('queue-full' in provider.stats().dropped); i += BURST) {
    for (let j = 0; j < BURST; j += 1) emit(number++)
    peak = Math.max(peak, process.memoryUsage.rss())
    await settle()
  }
}
