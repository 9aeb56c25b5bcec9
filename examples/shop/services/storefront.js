import { otelStream } from '@logbridge/pino'
import { trace } from '@opentelemetry/api'
import { pino } from 'pino'
import { call, serve } from '../tracing.js'

// With another stream: pino(options, pino.multistream([{ stream: process.stdout }, { stream: otelStream() }]))
const logger = pino({ name: 'storefront' }, otelStream())
const tracer = trace.getTracer('storefront')

/** Takes a customer's order. Logs with pino. */
export function start({ orders }) {
  return serve(tracer, '/checkout', async ({ customer, item, quantity }) => {
    const log = logger.child({ customer: { name: customer.name } })
    log.info({ cart: [{ item, quantity }] }, 'checkout')
    try {
      const order = await call(tracer, orders.url, { customer, item, quantity })
      log.info({ order }, 'thank you')
      return order
    } catch (err) {
      log.warn({ err }, 'checkout failed')
      throw err
    }
  })
}
