/**
 * Child process that measures the bytes that a pipeline allocates on the heap: `allocation.js PIPELINE URL`. Sends `bytes`, for
 * each record from the call to the acknowledgement, and `records`, the number of all sent records.
 */
import { GCProfiler } from 'node:v8'
import { order, withinSpan } from './application.js'
import { pipelines } from './pipelines.js'

const [, , name, url] = process.argv
const RECORDS = 100_000
const BURST = 1000

// Records are built before the measurement, so that the application allocates nothing.
const records = Array.from({ length: BURST }, (_, i) => order(i))

const { logger, flush } = await pipelines[name].start(url)
await withinSpan(async () => {
  await emit()
  process.send({ bytes: (await allocatedBy(emit)) / RECORDS, records: 2 * RECORDS })
})
process.exit()

/** Adds up the growth of the heap between garbage collections. */
async function allocatedBy(run) {
  const profiler = new GCProfiler()
  const before = process.memoryUsage().heapUsed
  profiler.start()
  await run()
  const after = process.memoryUsage().heapUsed
  const { statistics } = profiler.stop()
  const freed = statistics.map(
    ({ beforeGC, afterGC }) => beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize,
  )
  return after - before + freed.reduce((sum, bytes) => sum + bytes, 0)
}

async function emit() {
  for (let sent = 0; sent < RECORDS; sent += BURST) {
    for (const record of records) logger.emit(record)
    await new Promise(setImmediate)
  }
  await flush()
}
