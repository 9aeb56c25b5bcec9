import { bridgeConsole } from '@logbridge/console'
import { trace } from '@opentelemetry/api'
import { serve, ServiceError } from '../tracing.js'

bridgeConsole({ scope: 'mailer' })
const tracer = trace.getTracer('mailer')

/** Confirms an order by mail. Logs with the console. */
export function start() {
  return serve(tracer, '/mails', async ({ id, to }) => {
    if (to === undefined) {
      const error = new ServiceError('customer has no address', { status: 422 })
      console.error('mail for order %s cannot be sent', id, error)
      throw error
    }
    console.log('mail for order %s sent to %s', id, to)
    return { sent: true }
  })
}
