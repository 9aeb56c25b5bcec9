import * as otel from '@logbridge/log4js'
import { trace } from '@opentelemetry/api'
import log4js from 'log4js'
import { inSpan, serve, ServiceError } from '../tracing.js'

log4js.configure({
  appenders: { otel: { type: otel } },
  categories: { default: { appenders: ['otel'], level: 'info' } },
})
const logger = log4js.getLogger('payments')
const tracer = trace.getTracer('payments')

/** Charges a card. Logs with log4js. */
export function start() {
  return serve(tracer, '/charges', async ({ id, card, amount }) => {
    logger.info('charging %d EUR', amount, { order: { id }, card: { last4: card.slice(-4) } })
    try {
      await inSpan(tracer, 'ask the bank', {}, () => askBank(card))
    } catch (cause) {
      const declined = new ServiceError('payment declined', { status: 402, cause })
      logger.error('order %s cannot be charged', id, declined)
      throw declined
    }
    return { charged: amount }
  })
}

async function askBank(card) {
  if (card.endsWith('0002')) {
    throw Object.assign(new RangeError('insufficient funds'), { code: 'BANK_51' })
  }
}
