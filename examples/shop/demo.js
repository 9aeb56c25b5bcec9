/**
 * Runs a small shop whose five services log with five libraries. Every record arrives as an OpenTelemetry LogRecord with its trace.
 * Sends to OTEL_EXPORTER_OTLP_ENDPOINT, or to a built-in viewer when the variable is not set. With `--view`, sends to the page of a viewer,
 * which stays open.
 */
import { bridgeConsole } from '@logbridge/console'
import { startTelemetry } from '@logbridge/core'
import { startViewer } from '@logbridge/viewer'
import { AggregationType } from '@opentelemetry/sdk-metrics'
import { openPage } from './page.js'
import { collect, heading, print, printArrived } from './report.js'
import { LIBRARIES, openShop, visit } from './shop.js'

const page = process.argv.includes('--view') ? await openPage() : undefined
const endpoint = page ? page.endpoint : process.env.OTEL_EXPORTER_OTLP_ENDPOINT || undefined
const viewer = endpoint ? undefined : await startViewer({ grpcPort: 0, httpPort: 0 })
const arrived = viewer && collect(viewer)

// The records of another receiver are not visible here, so a processor collects the emitted records.
const emitted = []
const collector = {
  onEmit: ({ instrumentationScope, spanContext }) =>
    emitted.push({ scope: instrumentationScope, traceId: spanContext?.traceId }),
  forceFlush: async () => {},
  shutdown: async () => {},
}

const telemetry = startTelemetry({
  serviceName: 'shop',
  endpoint: viewer?.grpcUrl ?? page?.endpoint,
  protocol: (viewer ?? page) && 'grpc',
  logs: { processors: viewer ? [] : [collector] },
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
// The console prints whole stacks, so stacks are kept short.
Error.stackTraceLimit = 2
const restoreConsole = bridgeConsole({ scope: 'mailer' })

heading(
  'The shop is open. The mailer logs to the console and OpenTelemetry, the other services to OpenTelemetry alone.',
)
const shop = await openShop()
await visit(shop.storefront, print)
await shop.close()
restoreConsole()
await telemetry.shutdown(5000)

if (arrived) printArrived(arrived)
else heading(`Logs, spans, and metrics were sent to ${endpoint}`)
await viewer?.close()

const { created, delivered, rejected, dropped } = telemetry.stats()
const lost = Object.values(dropped).reduce((sum, count) => sum + count, rejected)
const received = viewer ? viewer.counts.logRecords : delivered
const records = arrived?.logs ?? emitted
const withTrace = records.filter(({ traceId }) => traceId).length
const libraries = new Set(records.map(({ scope }) => LIBRARIES[scope.name]).filter(Boolean)).size

const isComplete = created > 0 && received === created && withTrace === created && lost === 0
if (!isComplete || libraries !== Object.keys(LIBRARIES).length) process.exitCode = 1
print()
print(
  `demo: sent ${created}, received ${received}, libraries ${libraries}, with trace ${withTrace}, dropped ${lost}`,
)
if (page) await page.stay()
else if (viewer) print('See the records, traces, and metrics on a page: pnpm demo --view')
