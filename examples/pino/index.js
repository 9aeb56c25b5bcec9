import { startTelemetry } from '@logbridge/core'
import { otelStream } from '@logbridge/pino'
import { trace } from '@opentelemetry/api'
import { multistream, pino } from 'pino'

const telemetry = startTelemetry({ serviceName: 'pino-example' })

const logger = pino({}, multistream([{ stream: process.stdout }, { stream: otelStream() }]))

logger.info({ port: 8080 }, 'listening')

trace.getTracer('example').startActiveSpan('checkout', (span) => {
  logger.warn({ card: { last4: '0042', expires: '2027-01' } }, 'card is about to expire')
  logger.error(new TypeError('amount is missing'), 'payment failed')
  span.end()
})

await telemetry.shutdown()
