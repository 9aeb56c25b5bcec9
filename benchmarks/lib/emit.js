/**
 * A process of its own that sends records through one program: `emit.js LIBRARY PROGRAM URL RECORDS`. Each record is a
 * message and four attributes, inside an active span. Tells its parent what it took, from the first call to the last
 * acknowledgement: CPU of all threads in microseconds, and elapsed milliseconds; and CPU of this thread up to the last call.
 *
 * A program of `programs/LIBRARY.js` has `start(url)`, which gives `log(message, fields)`; where there is a pipeline behind
 * it also `flush()`, and `finish()` that resolves when everything has been acknowledged.
 */
const [, , library, name, url, recordsText] = process.argv
const records = Number(recordsText)
const WARM_UP = 20_000
/** Records in one turn of the event loop: a server under load, not a loop that never yields. */
const BURST = 1000

const { programs } = await import(`../programs/${library}.js`)
const { start, load = (name) => import(name) } = programs[name]

const { context, ROOT_CONTEXT, trace } = await load('@opentelemetry/api')
const { AsyncLocalStorageContextManager } = await load('@opentelemetry/context-async-hooks')
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
const spanContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
}

// Heard until the end: it keeps the process alive while all that it waits for is a worker of pino's, which does not.
const told = new Promise((resolve) => process.on('message', resolve))
const { log, flush, finish } = await start(url)
await context.with(trace.setSpanContext(ROOT_CONTEXT, spanContext), async () => {
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
})
process.disconnect()

function sum({ user, system }) {
  return user + system
}

async function emit(count) {
  for (let i = 0; i < count; i += 1) {
    log(`order ${i} placed`, { orderId: i, customer: 'c-1042', total: 99.5, express: true })
    if (i % BURST === BURST - 1) await new Promise(setImmediate)
  }
}
