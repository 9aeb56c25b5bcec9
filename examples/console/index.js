import { bridgeConsole } from '@logbridge/console'
import { startTelemetry } from '@logbridge/core'
import { trace } from '@opentelemetry/api'

const telemetry = startTelemetry({ serviceName: 'console-example' })

const restoreConsole = bridgeConsole()

console.info('listening', { port: 8080 })

trace.getTracer('example').startActiveSpan('checkout', (span) => {
  console.warn('card is about to expire', { card: { last4: '0042', expires: '2027-01' } })
  console.error('payment failed', new TypeError('amount is missing'))
  span.end()
})

restoreConsole()
await telemetry.shutdown()
