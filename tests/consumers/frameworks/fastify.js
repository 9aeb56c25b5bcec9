// Fastify logs by pino: an own record of a handler, the start and end of each request, and an error of a handler.
import { startTelemetry } from '@logbridge/core'
import { fastify } from 'fastify'
import { createPinoStream } from './destinations.js'

const telemetry = startTelemetry()
const app = fastify({ logger: { stream: createPinoStream() } })
app.get('/orders/:id', async (request) => {
  request.log.warn({ order: request.params.id }, 'order is late')
  return {}
})
app.get('/broken', async () => {
  throw new RangeError('no stock')
})
await app.inject('/orders/7')
await app.inject('/broken')
await app.close()
await telemetry.shutdown()
