/**
 * Child process that sends records through one program: `emit.js LIBRARY PROGRAM URL RECORDS`. Each record is a message and four
 * attributes, inside an active span. Sends `cpuMicros` of all threads and `millis`, both from the first call to the last
 * acknowledgement, and `callMicros`, the CPU of this thread up to the last call.
 *
 * A program of `programs/LIBRARY.js` has `start(url)`, which returns `log(message, fields)`. A program with a pipeline also returns
 * `flush()` and `finish()`, which resolves when everything is acknowledged.
 */
import { order, withinSpan } from './application.js'

const [, , library, name, url, recordsText] = process.argv
const records = Number(recordsText)
const WARM_UP = 20_000
/** Records in one turn of the event loop, as in a server under load. */
const BURST = 1000

const { programs } = await import(`../programs/${library}.js`)
const { start, load } = programs[name]

// The listener stays until the end, because it keeps the process running; pino's worker thread does not.
const started = new Promise((resolve) => process.on('message', resolve))
const { log, flush, finish } = await start(url)
await withinSpan(async () => {
  await emit(WARM_UP)
  await flush?.()
  process.send('warm')
  await started

  const begin = performance.now()
  const cpu = process.cpuUsage()
  const thread = process.threadCpuUsage()
  await emit(records)
  const callMicros = sum(process.threadCpuUsage(thread))
  await finish?.()
  const cpuMicros = sum(process.cpuUsage(cpu))
  process.send({ cpuMicros, callMicros, millis: performance.now() - begin })
}, load)
process.disconnect()

function sum({ user, system }) {
  return user + system
}

async function emit(count) {
  for (let i = 0; i < count; i += 1) {
    const { body, attributes } = order(i)
    log(body, attributes)
    if (i % BURST === BURST - 1) await new Promise(setImmediate)
  }
}
