import { startTelemetry } from '@logbridge/core'
import { traceContext } from '@logbridge/pino'
import { trace } from '@opentelemetry/api'
import { pino } from 'pino'

// Logs are off here, because pino's worker thread sends them with its own pipeline.
const serviceName = 'pino-worker-example'
const telemetry = startTelemetry({ serviceName, logs: false })

const targets = [{ target: 'pino/file' }, { target: '@logbridge/pino', options: { serviceName } }]
const logger = pino(traceContext({ transport: { targets } }))

logger.info({ port: 8080 }, 'listening')

trace.getTracer('example').startActiveSpan('checkout', (span) => {
  logger.warn({ card: { last4: '0042', expires: '2027-01' } }, 'card is about to expire')
  logger.error(new TypeError('amount is missing'), 'payment failed')
  span.end()
})

await telemetry.shutdown()
