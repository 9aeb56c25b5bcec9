import { otelStream } from '@logbridge/bunyan'
import { trace } from '@opentelemetry/api'
import bunyan from 'bunyan'
import { serve, ServiceError } from '../tracing.js'

const logger = bunyan.createLogger({ name: 'inventory', level: 'debug', streams: [otelStream()] })
const tracer = trace.getTracer('inventory')

/** Reserves what is in stock. Logs with bunyan. */
export function start() {
  const stock = new Map([
    ['teapot', { price: 30, left: 5 }],
    ['lamp', { price: 120, left: 3 }],
    ['sofa', { price: 900, left: 2 }],
  ])

  return serve(tracer, '/reservations', async ({ id, item, quantity }) => {
    const article = stock.get(item)
    if (article.left < quantity) {
      logger.warn({ order: { id }, item, left: article.left }, 'not enough of %s', item)
      throw new ServiceError(`only ${article.left} × ${item} left`, { status: 409 })
    }
    article.left -= quantity
    logger.debug({ order: { id }, left: article.left }, 'reserved %d × %s', quantity, item)
    return { price: article.price }
  })
}
