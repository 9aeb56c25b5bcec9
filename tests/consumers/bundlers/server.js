// Serves one request, which it logs, without any code of logbridge.
import { createServer, get } from 'node:http'
import pino from 'pino'

const logger = pino({ name: 'server' }, pino.destination(1))
const server = createServer((request, response) => {
  logger.info('by pino')
  response.end()
})
server.listen(0, '127.0.0.1', () => {
  get({ port: server.address().port, path: '/order' }, (response) => response.resume()).on('close', () =>
    server.close(),
  )
})
