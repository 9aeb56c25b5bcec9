/**
 * A process of its own that sends records of one shape through one pipeline: `grow.js PIPELINE URL SHAPE`, the shape as JSON:
 * see `lib/load.js`; `records` says how many, and `threads`, that so many worker threads share them, each with a pipeline of
 * its own. As many go before, to warm up. Tells its parent the `cpuMicros` of all threads, from the first call to the last
 * acknowledgement, and how many records were `emitted` in all.
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
  const heard = () => Promise.all(workers.map((worker) => once(worker, 'message')))
  await heard()
  return async () => {
    const done = heard()
    for (const worker of workers) worker.postMessage('go', [])
    await done
  }
}
