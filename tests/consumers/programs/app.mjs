// Logs by each library inside a span, without any code of logbridge.
import { trace } from '@opentelemetry/api'
import bunyan from 'bunyan'
import log4js from 'log4js'
import pino from 'pino'
import winston from 'winston'

const byBunyan = bunyan.createLogger({ name: 'bunyan' })
const byPino = pino({ name: 'pino' }, pino.destination(1))
const byWinston = winston.createLogger({ transports: [new winston.transports.Console()] })
log4js.configure({
  appenders: { out: { type: 'stdout' } },
  categories: { default: { appenders: ['out'], level: 'info' } },
})

trace.getTracer('shop').startActiveSpan('request', (span) => {
  byBunyan.info('by bunyan')
  log4js.getLogger('log4js').info('by log4js')
  byPino.info('by pino')
  byWinston.info('by winston')
  span.end()
})
