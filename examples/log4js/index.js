import { startTelemetry } from '@logbridge/core'
import * as otel from '@logbridge/log4js'
import { trace } from '@opentelemetry/api'
import log4js from 'log4js'

const telemetry = startTelemetry({ serviceName: 'log4js-example' })

// `type: '@logbridge/log4js'` works too when log4js finds the package: with npm always, with pnpm when started in the project's folder.
log4js.configure({
  appenders: { out: { type: 'stdout' }, otel: { type: otel } },
  categories: { default: { appenders: ['out', 'otel'], level: 'info' } },
})
const logger = log4js.getLogger('payments')

logger.info('listening', { port: 8080 })

trace.getTracer('example').startActiveSpan('checkout', (span) => {
  logger.warn('card is about to expire', { card: { last4: '0042', expires: '2027-01' } })
  logger.error('payment failed', new TypeError('amount is missing'))
  span.end()
})

await telemetry.shutdown()
