/**
 * Child process with a spool: `spoolBacklog.js PROGRAM DIRECTORY COUNT [URL]`. `fill` writes COUNT entries of one record to the
 * spool, `recover` recovers them, and `drain` recovers and sends them and logs an ERROR meanwhile. Sends its measures.
 */
import { createLoggerProvider } from '@logbridge/core'

const [, , name, directory, countText, url] = process.argv
const count = Number(countText)
/** Endpoint without a listener. */
const UNREACHABLE = 'http://127.0.0.1:1'
/** Largest number of queued bytes that the disk has not written. */
const UNWRITTEN_BYTES = 40e6
const ERROR_AFTER_MILLIS = 1000
const start = (options) => createLoggerProvider({ register: false, spool: { directory }, ...options })
const turn = () => new Promise((resolve) => setTimeout(resolve, 5))
let peak = 0
const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 5)

const programs = {
  async fill() {
    const provider = start({ endpoint: UNREACHABLE, maxExportBatchSize: 1 })
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
    return { entryBytes: bytes / count }
  },

  async recover() {
    const base = process.memoryUsage.rss()
    const provider = start({ endpoint: UNREACHABLE })
    while (provider.stats().recovered < count) await turn()
    const { bytes } = provider.stats()
    // The peak includes the memory of the first attempts to send.
    for (let i = 0; i < 200; i += 1) await turn()
    await provider.shutdown(1)
    return { base, peak, entryBytes: bytes / count }
  },

  async drain() {
    const provider = start({ endpoint: url, headers: { 'x-watch': '1' } })
    const logger = provider.getLogger('bench')
    while (provider.stats().recovered < count) await turn()
    const from = performance.now()
    setTimeout(() => logger.emit({ body: `watched ${Date.now()}`, severityNumber: 17 }), ERROR_AFTER_MILLIS)
    while (provider.stats().delivered < count + 1) await turn()
    const millis = performance.now() - from
    await provider.shutdown()
    return { millis, peak }
  },
}

const result = await programs[name]()
clearInterval(watch)
process.send(result)
process.disconnect()
