import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { trace } from '@opentelemetry/api'
import { call, inSpan } from './tracing.js'

/** Logging library of each service. The name of a service is its `service.name`, and the scope of its records. */
export const LIBRARIES = {
  storefront: 'pino',
  orders: 'winston',
  inventory: 'bunyan',
  payments: 'log4js',
  mailer: 'console',
}

const SERVICE = fileURLToPath(new URL('service.js', import.meta.url))

/**
 * Starts five HTTP servers, each in its own process: storefront -> orders -> inventory, payments, mailer.
 *
 * @param {NodeJS.ProcessEnv} env variables for their telemetry
 */
export async function openShop(env) {
  const services = []
  async function start(name, urls = {}) {
    const child = fork(SERVICE, [name, JSON.stringify(urls)], { env: { ...process.env, ...env } })
    services.push(child)
    const [{ url }] = await once(child, 'message')
    return { url }
  }

  const [inventory, payments, mailer] = await Promise.all(
    ['inventory', 'payments', 'mailer'].map((name) => start(name)),
  )
  const orders = await start('orders', { inventory, payments, mailer })
  const storefront = await start('storefront', { orders })
  /** Ends the services. Returns the counts of each. */
  async function close() {
    const ended = services.map(async (child) => {
      child.send('end')
      const [counts] = await once(child, 'message')
      return counts
    })
    return Promise.all(ended)
  }
  return { storefront, close }
}

const VISITS = [
  { customer: { name: 'Ada', card: '4000-0001', email: 'ada@example.com' }, item: 'teapot', quantity: 2 },
  { customer: { name: 'Grace', card: '4000-0001' }, item: 'lamp', quantity: 1 },
  { customer: { name: 'Linus', card: '4000-0001', email: 'linus@example.com' }, item: 'sofa', quantity: 4 },
  {
    customer: { name: 'Mallory', card: '4000-0002', email: 'mallory@example.com' },
    item: 'sofa',
    quantity: 1,
  },
]

/** Sends four orders, one after the other: a complete order, one without an address, one out of stock, and one with a bad card. */
export async function visit(storefront, print) {
  const tracer = trace.getTracer('customers')
  for (const { customer, item, quantity } of VISITS) {
    const wish = `${customer.name} buys ${quantity} × ${item}`
    await inSpan(tracer, wish, {}, () => call(tracer, storefront.url, { customer, item, quantity })).then(
      ({ id, amount }) => print(`${wish}: order ${id}, ${amount} EUR`),
      (error) => print(`${wish}: ${error.message}`),
    )
  }
}
