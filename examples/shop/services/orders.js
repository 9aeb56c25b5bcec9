import { OtelTransport } from '@logbridge/winston'
import { metrics, trace } from '@opentelemetry/api'
import winston from 'winston'
import { call, inSpan, serve } from '../tracing.js'

const logger = winston.createLogger({
  level: 'debug',
  defaultMeta: { label: 'orders' },
  format: winston.format.splat(),
  transports: [new OtelTransport()],
})
const tracer = trace.getTracer('orders')

/** Reserves, charges, and confirms an order. Logs with winston and counts orders. */
export function start({ inventory, payments, mailer }) {
  const meter = metrics.getMeter('orders')
  const orders = meter.createCounter('shop.orders', { unit: '{order}' })
  const values = meter.createHistogram('shop.order.value', { unit: 'EUR' })
  let lastId = 100

  async function place(id, { customer, item, quantity }) {
    const { price } = await call(tracer, inventory.url, { id, item, quantity })
    const amount = price * quantity
    await call(tracer, payments.url, { id, card: customer.card, amount })
    orders.add(1, { outcome: 'placed' })
    values.record(amount)
    logger.info('order %s placed', id, { amount, currency: 'EUR' })
    return { id, amount }
  }

  return serve(tracer, '/orders', async (request) => {
    const id = `A-${(lastId += 1)}`
    logger.debug('order %s received', id, { item: request.item, quantity: request.quantity })
    try {
      const order = await inSpan(tracer, 'place order', { attributes: { 'order.id': id } }, () =>
        place(id, request),
      )
      await call(tracer, mailer.url, { id, to: request.customer.email }).catch((error) =>
        logger.warn('order %s stays unconfirmed', id, { error }),
      )
      return order
    } catch (error) {
      orders.add(1, { outcome: 'failed' })
      logger.error('order %s failed', id, { error })
      throw error
    }
  })
}
