/**
 * Child process that fills a queue with one shape of records: `queueMemory.js MODE URL`, with the default cap of 64 MiB. Sends
 * peaks of its resident memory in bytes: `connected`, with a receiver, and `flooded`, without one and with a full queue. Sends
 * `bytes`, the size of the queue by `stats()`.
 */
import { createLoggerProvider } from '@logbridge/core'

const [, , mode, url] = process.argv
const BURST = 500
const SEVERE = { body: 'a', severityNumber: 17 }
/** Endpoint without a listener. */
const UNREACHABLE = 'http://127.0.0.1:1'
const turn = () => new Promise(setImmediate)

/** Options of the provider, the largest number of records, and a factory of the function that logs a record by its number. */
const MODES = {
  small: { maxRecords: 4_000_000, createEmit: (provider) => emitFromOneLogger(provider) },
  batch1: {
    options: { maxExportBatchSize: 1 },
    maxRecords: 200_000,
    createEmit: (provider) => emitFromOneLogger(provider),
  },
  resource: {
    options: { maxExportBatchSize: 1, resource: { description: 'x'.repeat(100_000) } },
    maxRecords: 5000,
    createEmit: (provider) => emitFromOneLogger(provider),
  },
  scopes: { maxRecords: 200_000, createEmit: (provider) => emitFromManyLoggers(provider, 10_000, 1000) },
  bigscopes: { maxRecords: 5000, createEmit: (provider) => emitFromManyLoggers(provider, 500, 60_000) },
  uniqscopes: {
    maxRecords: 1_500_000,
    createEmit: (provider) => (number) => provider.getLogger(`request-${number}`).emit(SEVERE),
  },
  keys: {
    maxRecords: 1_500_000,
    createEmit(provider) {
      const logger = provider.getLogger('bench')
      return (number) =>
        logger.emit({ ...SEVERE, attributes: { [`key${number}`]: 1, [`other${number}`]: 2 } })
    },
  },
}

function emitFromOneLogger(provider) {
  const logger = provider.getLogger('bench')
  return () => logger.emit(SEVERE)
}

function emitFromManyLoggers(provider, count, attributeBytes) {
  const loggers = Array.from({ length: count }, (_, index) =>
    provider.getLogger(`tenant-${index}`, '1', {
      attributes: { tenant: 'x'.repeat(attributeBytes) + index },
    }),
  )
  return (number) => loggers[number % count].emit(SEVERE)
}

const { options, maxRecords, createEmit } = MODES[mode]
let peak = 0
let number = 0

const connectedProvider = start(url)
// Modes with options export each record alone, which takes long.
await log(connectedProvider, options ? 2000 : maxRecords / 4, () => connectedProvider.forceFlush())
const connected = peak
await connectedProvider.shutdown()

const provider = start(UNREACHABLE)
await log(provider, maxRecords, turn)
const { bytes, dropped } = provider.stats()
process.send({ connected, flooded: peak, bytes, full: 'queue_full' in dropped })
await provider.shutdown(0)
process.disconnect()

function start(endpoint) {
  return createLoggerProvider({ endpoint, serviceName: 'bench', ...options })
}

async function log(provider, records, afterBurst) {
  const emit = createEmit(provider)
  for (let i = 0; i < records && !('queue_full' in provider.stats().dropped); i += BURST) {
    for (let j = 0; j < BURST; j += 1) emit(number++)
    peak = Math.max(peak, process.memoryUsage.rss())
    await afterBurst()
  }
}
