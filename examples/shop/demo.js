/**
 * A small shop whose five services log with five libraries: every record arrives as OpenTelemetry, with its trace.
 * It sends to OTEL_EXPORTER_OTLP_ENDPOINT where that is set, else to a viewer of its own.
 */
import { bridgeConsole } from '@logbridge/console'
import { startTelemetry } from '@logbridge/core'
import { startViewer } from '@logbridge/viewer'
import { AggregationType } from '@opentelemetry/sdk-metrics'
import { collect, heading, print, printArrived } from './report.js'
import { LIBRARIES, openShop, visit } from './shop.js'

const elsewhere = process.env.OTEL_EXPORTER_OTLP_ENDPOINT || undefined
const viewer = elsewhere ? undefined : await startViewer({ grpcPort: 0, httpPort: 0 })
const arrived = viewer && collect(viewer)

// What another receiver got cannot be seen from here, only what it acknowledged: a processor notes what is sent.
const noted = []
const note = {
  onEmit: ({ instrumentationScope, spanContext }) =>
    noted.push({ scope: instrumentationScope, traceId: spanContext?.traceId }),
  forceFlush: async () => {},
  shutdown: async () => {},
}

const telemetry = startTelemetry({
  serviceName: 'shop',
  endpoint: viewer?.grpcUrl,
  protocol: viewer && 'grpc',
  logs: { processors: viewer ? [] : [note] },
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
// The console prints stacks in full; short ones fit on a screen.
Error.stackTraceLimit = 2
const restoreConsole = bridgeConsole({ scope: 'mailer' })

heading('The shop is open. The mailer logs to the console, the other services nowhere but to OpenTelemetry.')
const shop = await openShop()
await visit(shop.storefront, print)
await shop.close()
restoreConsole()
await telemetry.shutdown(5000)

if (arrived) printArrived(arrived)
else heading(`Logs, spans and metrics were sent to ${elsewhere}`)
await viewer?.close()

const { created, delivered, rejected, dropped } = telemetry.stats()
const lost = Object.values(dropped).reduce((sum, count) => sum + count, rejected)
const received = viewer ? viewer.counts.logRecords : delivered
const records = arrived?.logs ?? noted
const withTrace = records.filter(({ traceId }) => traceId).length
const libraries = new Set(records.map(({ scope }) => LIBRARIES[scope.name]).filter(Boolean)).size

const isComplete = created > 0 && received === created && withTrace === created && lost === 0
if (!isComplete || libraries !== Object.keys(LIBRARIES).length) process.exitCode = 1
print()
print(
  `demo: sent ${created}, received ${received}, libraries ${libraries}, with trace ${withTrace}, dropped ${lost}`,
)
