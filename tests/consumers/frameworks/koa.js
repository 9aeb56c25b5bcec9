// Koa prints the error of a handler by console.error; the application logs by pino.
import { once } from 'node:events'
import { startTelemetry } from '@logbridge/core'
import Koa from 'koa'
import { pino } from 'pino'
import { createPinoStream } from './destinations.js'

const telemetry = startTelemetry()
const log = pino({}, createPinoStream())
const app = new Koa()
app.on('error', (err, { method, path }) => log.error({ err, method, path }, 'request failed'))
app.use(async ({ method, path }, next) => {
  log.info({ method, path }, 'request received')
  await next()
})
app.use((context) => {
  if (context.path === '/broken') throw new RangeError('no stock')
  context.body = {}
})
const server = app.listen(0, '127.0.0.1')
await once(server, 'listening')
for (const path of ['/orders', '/broken']) {
  const response = await fetch(`http://127.0.0.1:${server.address().port}${path}`)
  await response.arrayBuffer()
}
server.closeAllConnections()
server.close()
await telemetry.shutdown()
