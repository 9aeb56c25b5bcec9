// Logs numbers at a steady rate, with spans and metrics beside them, until it is told to end; then prints its account and what
// it has held in memory.  node --expose-gc application.mjs <records a second> <sample every ms> [spool directory]
import { startTelemetry } from '@logbridge/core'
import { logs, metrics, trace } from '@opentelemetry/api'

const [rate, sampleMillis] = process.argv.slice(2, 4).map(Number)
const directory = process.argv[4]
/** Memory is compared where nothing waits for the receiver: what waits is held on purpose. */
const SETTLED_RECORDS = 5000

const telemetry = startTelemetry({
  logs: directory ? { spool: { directory } } : {},
  metrics: { exportIntervalMillis: 5000, exportTimeoutMillis: 5000 },
})
const logger = logs.getLogger('soak')
const tracer = trace.getTracer('soak')
const orders = metrics.getMeter('soak').createCounter('orders')
const latency = metrics.getMeter('soak').createHistogram('latency')
const samples = []
const start = performance.now()
let number = 0
let maxRss = 0

function handleOrder() {
  tracer.startActiveSpan('order', (span) => {
    for (let n = 0; n < 10; n += 1) {
      const attributes = {
        'order.id': `o-${number}`,
        amount: number % 1000,
        items: ['tea', 'milk'],
        retry: false,
      }
      logger.emit({ body: number, severityNumber: n === 0 ? 13 : 9, attributes })
      number += 1
    }
    orders.add(1, { kind: 'web' })
    latency.record(number % 100)
    span.end()
  })
}

const work = setInterval(() => {
  const due = ((performance.now() - start) / 1000) * rate
  // After a pause of the whole machine it does not make up for all of it at once.
  for (let order = 0; order < 100 && number < due; order += 1) handleOrder()
}, 10)

const sampling = setInterval(() => {
  maxRss = Math.max(maxRss, process.memoryUsage.rss())
  const { queued, inFlight } = telemetry.stats()
  if (queued + inFlight > SETTLED_RECORDS) return
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  samples.push({ seconds: (performance.now() - start) / 1000, heapUsed, external })
}, sampleMillis)

process.once('message', async () => {
  clearInterval(work)
  clearInterval(sampling)
  await telemetry.shutdown(120_000)
  process.send({ stats: telemetry.stats(), samples, maxRss }, () => process.disconnect())
})
