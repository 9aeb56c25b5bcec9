/**
 * A process of its own that sends records through one pipeline: `emit.js PIPELINE URL RECORDS`. Each record is a message
 * and four attributes, inside an active span. Prints what it took as JSON: CPU in microseconds and elapsed milliseconds,
 * from the first emit to the last acknowledgement.
 */
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { pipelines } from './pipelines.js'

const [, , name, url, recordsText] = process.argv
const records = Number(recordsText)
const WARM_UP = 20_000
/** Records in one turn of the event loop: a server under load, not a loop that never yields. */
const BURST = 1000

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
const spanContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
}

const { logger, flush, finish } = await pipelines[name].start(url)
await context.with(trace.setSpanContext(ROOT_CONTEXT, spanContext), async () => {
  await emit(WARM_UP)
  await flush()
  process.send('warm')
  await new Promise((resolve) => process.once('message', resolve))

  const start = performance.now()
  const cpu = process.cpuUsage()
  await emit(records)
  await finish()
  const { user, system } = process.cpuUsage(cpu)
  process.send({ cpuMicros: user + system, millis: performance.now() - start })
})
process.disconnect()

async function emit(count) {
  for (let i = 0; i < count; i += 1) {
    logger.emit({
      severityNumber: 9,
      severityText: 'info',
      body: `order ${i} placed`,
      attributes: { orderId: i, customer: 'c-1042', total: 99.5, express: true },
    })
    if (i % BURST === BURST - 1) await new Promise(setImmediate)
  }
}
