/**
 * Child process that sends records of one shape through one pipeline: `grow.js PIPELINE URL SHAPE`. SHAPE is JSON for
 * `lib/load.js`, with `records`, their number, and `threads`, the number of worker threads that share the records, each with its
 * own pipeline. Sends the same number of records first, to warm up. Sends `cpuMicros` of all threads, from the first call to the
 * last acknowledgement, and `emitted`, the number of all records.
 */
import { once } from 'node:events'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { startLoad } from './load.js'

const [, , pipeline, url, shapeText] = process.argv
const shape = JSON.parse(shapeText)
const { records, threads = 0 } = shape

if (!isMainThread) {
  const load = await warmUp(records / threads)
  parentPort.postMessage('warm', [])
  await once(parentPort, 'message')
  await load.emit(records / threads)
  await load.finish()
  parentPort.postMessage('done', [])
  parentPort.close()
} else {
  const go = threads > 0 ? await warmUpThreads() : await warmUpHere()
  const cpu = process.cpuUsage()
  await go()
  const { user, system } = process.cpuUsage(cpu)
  process.send({ cpuMicros: user + system, emitted: 2 * records })
  process.disconnect()
}

async function warmUp(count) {
  const load = await startLoad(pipeline, url, shape)
  await load.emit(count)
  await load.flush()
  return load
}

async function warmUpHere() {
  const load = await warmUp(records)
  return async () => {
    await load.emit(records)
    await load.finish()
  }
}

async function warmUpThreads() {
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL(import.meta.url), { argv: [pipeline, url, shapeText] }),
  )
  const nextMessages = () => Promise.all(workers.map((worker) => once(worker, 'message')))
  await nextMessages()
  return async () => {
    const done = nextMessages()
    for (const worker of workers) worker.postMessage('go', [])
    await done
  }
}
