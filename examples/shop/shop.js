import { trace } from '@opentelemetry/api'
import { startInventory } from './services/inventory.js'
import { startMailer } from './services/mailer.js'
import { startOrders } from './services/orders.js'
import { startPayments } from './services/payments.js'
import { startStorefront } from './services/storefront.js'
import { call, inSpan } from './tracing.js'

/** Which service logs with which library. A service's name is the instrumentation scope of its records. */
export const LIBRARIES = {
  storefront: 'pino',
  orders: 'winston',
  inventory: 'bunyan',
  payments: 'log4js',
  mailer: 'console',
}

/** storefront -> orders -> inventory, payments, mailer: five HTTP servers. */
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

/** Four customers, one after the other: a good order, one without a mail, one out of stock, one that cannot be paid. */
export async function visit(storefront, tell) {
  const tracer = trace.getTracer('customers')
  for (const { customer, item, quantity } of VISITS) {
    const wish = `${customer.name} buys ${quantity} × ${item}`
    await inSpan(tracer, wish, {}, () => call(tracer, storefront.url, { customer, item, quantity })).then(
      ({ id, amount }) => tell(`${wish}: order ${id}, ${amount} EUR`),
      (error) => tell(`${wish}: ${error.message}`),
    )
  }
}
