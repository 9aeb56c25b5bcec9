// Logs by each library, without any code of logbridge.
import bunyan from 'bunyan'
import log4js from 'log4js'
import { pino } from 'pino'
import winston from 'winston'

const byBunyan = bunyan.createLogger({ name: 'bunyan' })
const byPino = pino({ name: 'pino' })
const byWinston = winston.createLogger({ transports: [new winston.transports.Console()] })
log4js.configure({
  appenders: { out: { type: 'stdout' } },
  categories: { default: { appenders: ['out'], level: 'info' } },
})

export const dynamic = 'force-dynamic'

export function GET(): Response {
  byBunyan.info('by bunyan')
  log4js.getLogger('log4js').info('by log4js')
  byPino.info('by pino')
  byWinston.info('by winston')
  return Response.json({ ok: true })
}
