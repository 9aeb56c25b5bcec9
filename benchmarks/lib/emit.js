/**
 * A process of its own that sends records through one program: `emit.js LIBRARY PROGRAM URL RECORDS`. Each record is a
 * message and four attributes, inside an active span. Tells its parent what it took, from the first call to the last
 * acknowledgement: CPU of all threads in microseconds, and elapsed milliseconds; and CPU of this thread up to the last call.
 *
 * A program of `programs/LIBRARY.js` has `start(url)`, which gives `log(message, fields)`; where there is a pipeline behind
 * it also `flush()`, and `finish()` that resolves when everything has been acknowledged.
 */
import { order, withinSpan } from './application.js'

const [, , library, name, url, recordsText] = process.argv
const records = Number(recordsText)
const WARM_UP = 20_000
/** Records in one turn of the event loop: a server under load, not a loop that never yields. */
const BURST = 1000

const { programs } = await import(`../programs/${library}.js`)
const { start, load } = programs[name]

// Heard until the end: it keeps the process alive while all that it waits for is a worker of pino's, which does not.
const told = new Promise((resolve) => process.on('message', resolve))
const { log, flush, finish } = await start(url)
await withinSpan(async () => {
  await emit(WARM_UP)
  await flush?.()
  process.send('warm')
  await told

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
