import { otelStream } from '@logbridge/bunyan'
import { startTelemetry } from '@logbridge/core'
import { trace } from '@opentelemetry/api'
import bunyan from 'bunyan'

const telemetry = startTelemetry({ serviceName: 'bunyan-example' })

const logger = bunyan.createLogger({
  name: 'payments',
  serializers: bunyan.stdSerializers,
  streams: [{ stream: process.stdout }, otelStream()],
})

logger.info({ port: 8080 }, 'listening')

trace.getTracer('example').startActiveSpan('checkout', (span) => {
  logger.warn({ card: { last4: '0042', expires: '2027-01' } }, 'card is about to expire')
  logger.error({ err: new TypeError('amount is missing') }, 'payment failed')
  span.end()
})

await telemetry.shutdown()
