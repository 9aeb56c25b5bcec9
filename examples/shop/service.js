/**
 * Runs one service of the shop in a separate process, as shop.js starts it: `node service.js NAME URLS`. Sends its URL, and its counts
 * when it ends.
 */
import { AggregationType, startTelemetry } from '@logbridge/core'

const [, , name, urls] = process.argv
// Records of processors are counted, because another receiver than the viewer tells nothing.
const emitted = []
const counter = {
  onEmit: ({ instrumentationScope, spanContext }) =>
    emitted.push({ scope: instrumentationScope.name, hasTrace: spanContext !== undefined }),
  forceFlush: async () => {},
  shutdown: async () => {},
}
const telemetry = startTelemetry({
  serviceName: name,
  logs: { processors: [counter] },
  metrics: {
    views: [
      {
        instrumentName: 'shop.order.value',
        aggregation: {
          type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
          options: { boundaries: [50, 100, 500, 1000] },
        },
      },
    ],
  },
})
// The report prints whole stacks, so stacks are kept short.
Error.stackTraceLimit = 2

// The service logs after telemetry has started.
const { start } = await import(`./services/${name}.js`)
const service = await start(JSON.parse(urls))
process.send({ url: service.url })
process.once('message', async () => {
  await service.close()
  await telemetry.shutdown(5000)
  process.send({ stats: telemetry.stats(), emitted }, () => process.disconnect())
})
