// Logs numbers at a steady rate with spans and metrics, until a message arrives. Then sends its stats and samples of its memory.
//   node --expose-gc application.mjs <records per second> <milliseconds between samples> [spool directory]
import { startTelemetry } from '@logbridge/core'
import { logs, metrics, trace } from '@opentelemetry/api'

const [rate, sampleMillis] = process.argv.slice(2, 4).map(Number)
const directory = process.argv[4]
/** Largest backlog at a sample, because queued records take memory on purpose. */
const MAX_BACKLOG = 5000

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
  // The limit prevents a burst after a pause of the whole machine.
  for (let order = 0; order < 100 && number < due; order += 1) handleOrder()
}, 10)

const sampling = setInterval(() => {
  maxRss = Math.max(maxRss, process.memoryUsage.rss())
  const { queued, inFlight } = telemetry.stats()
  if (queued + inFlight > MAX_BACKLOG) return
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
