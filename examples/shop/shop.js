import { trace } from '@opentelemetry/api'
import { startInventory } from './services/inventory.js'
import { startMailer } from './services/mailer.js'
import { startOrders } from './services/orders.js'
import { startPayments } from './services/payments.js'
import { startStorefront } from './services/storefront.js'
import { call, inSpan } from './tracing.js'

/** Logging library of each service. The name of a service is the instrumentation scope of its records. */
export const LIBRARIES = {
  storefront: 'pino',
  orders: 'winston',
  inventory: 'bunyan',
  payments: 'log4js',
  mailer: 'console',
}

/** Starts five HTTP servers: storefront -> orders -> inventory, payments, mailer. */
export async function openShop() {
  const inventory = await startInventory()
  const payments = await startPayments()
  const mailer = await startMailer()
  const orders = await startOrders({ inventory, payments, mailer })
  const storefront = await startStorefront({ orders })
  const services = [storefront, orders, inventory, payments, mailer]
  return { storefront, close: () => Promise.all(services.map((service) => service.close())) }
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
