/**
 * A process of its own that has a spool: `spoolBacklog.js DOES DIRECTORY [COUNT] [URL]`, and tells its parent what it has
 * measured. `fill` leaves COUNT entries of one record each in the spool; `recover` recovers them; `drain` recovers and sends
 * them, and logs an ERROR meanwhile.
 */
import { createLoggerProvider } from '@logbridge/core'

const [, , does, directory, countText, url] = process.argv
const count = Number(countText)
/** Nobody listens there. */
const DEAD = 'http://127.0.0.1:1'
/** Bytes of records that may wait for the disk. */
const UNWRITTEN_BYTES = 40e6
const ERROR_AFTER_MILLIS = 1000
const start = (options) => createLoggerProvider({ register: false, spool: { directory }, ...options })
const turn = () => new Promise((resolve) => setTimeout(resolve, 5))
let peak = 0
const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 5)

const programs = {
  async fill() {
    const provider = start({ endpoint: DEAD, maxExportBatchSize: 1 })
    const logger = provider.getLogger('bench')
    for (let i = 0; i < count; i += 1) {
      logger.emit({ body: `record ${i}`, severityNumber: 9 })
      if (i % 500 === 0)
        do await new Promise(setImmediate)
        while (provider.stats().bytes > UNWRITTEN_BYTES)
    }
    while (provider.stats().spooled < count) await turn()
    const { bytes } = provider.stats()
    await provider.shutdown(1)
    return { bytesAnEntry: bytes / count }
  },

  async recover() {
    const base = process.memoryUsage.rss()
    const provider = start({ endpoint: DEAD })
    while (provider.stats().adopted < count) await turn()
    const { bytes } = provider.stats()
    // The memory of the first attempts to send is part of it.
    for (let i = 0; i < 200; i += 1) await turn()
    await provider.shutdown(1)
    return { base, peak, bytesAnEntry: bytes / count }
  },

  async drain() {
    const provider = start({ endpoint: url, headers: { 'x-watch': '1' } })
    const logger = provider.getLogger('bench')
    while (provider.stats().adopted < count) await turn()
    const from = performance.now()
    setTimeout(() => logger.emit({ body: `watched ${Date.now()}`, severityNumber: 17 }), ERROR_AFTER_MILLIS)
    while (provider.stats().delivered < count + 1) await turn()
    const millis = performance.now() - from
    await provider.shutdown()
    return { millis, peak }
  },
}

const result = await programs[does]()
clearInterval(watch)
process.send(result)
process.disconnect()
