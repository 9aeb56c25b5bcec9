/**
 * Runs a small shop whose five services log with five libraries, each in its own process. Every record arrives as an OpenTelemetry
 * LogRecord with its trace. Sends to OTEL_EXPORTER_OTLP_ENDPOINT, or to a built-in viewer when the variable is not set. With `--view`,
 * sends to the page of a viewer, which stays open.
 */
import { startTelemetry } from '@logbridge/core'
import { startViewer } from '@logbridge/viewer'
import { openPage } from './page.js'
import { collect, heading, print, printArrived } from './report.js'
import { LIBRARIES, openShop, visit } from './shop.js'

const page = process.argv.includes('--view') ? await openPage() : undefined
const endpoint = page ? page.endpoint : process.env.OTEL_EXPORTER_OTLP_ENDPOINT || undefined
const viewer = endpoint ? undefined : await startViewer({ grpcPort: 0, httpPort: 0 })
const arrived = viewer && collect(viewer)
const receiverUrl = viewer?.grpcUrl ?? page?.endpoint
const env = receiverUrl
  ? { OTEL_EXPORTER_OTLP_ENDPOINT: receiverUrl, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }
  : {}
Object.assign(process.env, env)
const telemetry = startTelemetry({ serviceName: 'customers', logs: false, metrics: false })

heading(
  'The shop is open. The mailer prints to the console as well, the other services log to OpenTelemetry alone.',
)
const shop = await openShop(env)
await visit(shop.storefront, print)
const services = await shop.close()
await telemetry.shutdown(5000)

if (arrived) printArrived(arrived)
else heading(`Logs, spans, and metrics were sent to ${endpoint}`)
await viewer?.close()

const total = (count) => services.reduce((sum, service) => sum + count(service), 0)
const created = total(({ stats }) => stats.created)
const delivered = total(({ stats }) => stats.delivered)
const lost = total(({ stats }) =>
  Object.values(stats.dropped).reduce((sum, count) => sum + count, stats.rejected),
)
const received = viewer ? viewer.counts.logRecords : delivered
const emitted = services.flatMap((service) => service.emitted)
const records = arrived
  ? arrived.logs.map(({ scope, traceId }) => ({ scope: scope.name, hasTrace: traceId !== '' }))
  : emitted
const withTrace = records.filter(({ hasTrace }) => hasTrace).length
const libraries = new Set(records.map(({ scope }) => LIBRARIES[scope]).filter(Boolean)).size

const isComplete = created > 0 && received === created && withTrace === created && lost === 0
if (!isComplete || libraries !== Object.keys(LIBRARIES).length) process.exitCode = 1
print()
print(
  `demo: sent ${created}, received ${received}, libraries ${libraries}, with trace ${withTrace}, dropped ${lost}`,
)
heading('Next:')
print(
  '  pnpm demo --view                                                the demo again, on the page of the viewer',
)
print(
  '  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317 pnpm demo     the demo again, sent to that receiver',
)
print(
  '  npm install winston @logbridge/winston @logbridge/core          your own application: README.md, Start',
)
if (page) await page.stay()
