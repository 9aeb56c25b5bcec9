// Logs with the adapters that find the call in a bundle of one file, and prints body and place of each record.
import { otelStream as bunyanStream } from '@logbridge/bunyan'
import { bridgeConsole } from '@logbridge/console'
import { otelStream as pinoStream } from '@logbridge/pino'
import { OtelTransport } from '@logbridge/winston'
import bunyan from 'bunyan'
import { pino } from 'pino'
import winston from 'winston'

const places = []
const loggerProvider = {
  getLogger: () => ({
    emit({ body, attributes }) {
      places.push([body, attributes['code.line.number'], attributes['code.column.number']])
    },
  }),
}
const options = { loggerProvider, captureCode: true }

const bunyanLogger = bunyan.createLogger({ name: 'bunyan', streams: [bunyanStream(options)] })
const pinoLogger = pino({ name: 'pino' }, pinoStream(options))
const winstonLogger = winston.createLogger({ transports: [new OtelTransport(options)] })
bunyanLogger.info('placed bunyan info')
bunyanLogger.child({ item: 7 }).warn('placed bunyan child')
pinoLogger.info('placed pino info')
pinoLogger.child({ item: 7 }).warn('placed pino child')
winstonLogger.info('placed winston info')
winstonLogger.child({ item: 7 }).warn('placed winston child')
winstonLogger.log('info', 'placed winston log')
const restore = bridgeConsole(options)
console.info('placed console info')
restore()
process.stdout.write(`\n${JSON.stringify(places)}\n`)
