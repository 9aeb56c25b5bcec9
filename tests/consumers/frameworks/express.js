// express-winston logs each request of Express, and the error of a handler under `meta.error`.
import { once } from 'node:events'
import { startTelemetry } from '@logbridge/core'
import express from 'express'
import expressWinston from 'express-winston'
import winston from 'winston'
import { createTransports } from './destinations.js'

const telemetry = startTelemetry()
const winstonInstance = winston.createLogger({
  format: winston.format.json(),
  transports: createTransports(),
})
const app = express()
app.use(expressWinston.logger({ winstonInstance }))
app.get('/orders', (_request, response) => response.json({}))
app.get('/broken', () => {
  throw new RangeError('no stock')
})
app.use(expressWinston.errorLogger({ winstonInstance }))
// Express recognizes a handler of errors by its four parameters.
app.use((_error, _request, response, _next) => response.status(500).json({}))
const server = app.listen(0, '127.0.0.1')
await once(server, 'listening')
for (const path of ['/orders', '/broken']) {
  const response = await fetch(`http://127.0.0.1:${server.address().port}${path}`)
  await response.arrayBuffer()
}
server.closeAllConnections()
server.close()
await telemetry.shutdown()
