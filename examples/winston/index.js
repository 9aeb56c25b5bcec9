import { startTelemetry } from '@logbridge/core'
import { OtelTransport } from '@logbridge/winston'
import { trace } from '@opentelemetry/api'
import winston from 'winston'

const telemetry = startTelemetry({ serviceName: 'winston-example' })

const logger = winston.createLogger({
  transports: [new winston.transports.Console(), new OtelTransport()],
})

logger.info('listening', { port: 8080 })

trace.getTracer('example').startActiveSpan('checkout', (span) => {
  logger.warn('card is about to expire', { card: { last4: '0042', expires: '2027-01' } })
  logger.error('payment failed', new TypeError('amount is missing'))
  span.end()
})

await telemetry.shutdown()
