// Logs one record with each adapter, with a field and an error.
import { otelStream as bunyanStream } from '@logbridge/bunyan'
import { bridgeConsole } from '@logbridge/console'
import * as log4jsAppender from '@logbridge/log4js'
import { otelStream as pinoStream } from '@logbridge/pino'
import { OtelTransport } from '@logbridge/winston'
import bunyan from 'bunyan'
import log4js from 'log4js'
import { pino } from 'pino'
import winston from 'winston'

export function logByEach() {
  const err = new TypeError('no stock')
  bunyan
    .createLogger({ name: 'bunyan', streams: [bunyanStream()] })
    .error({ item: 7, err }, 'bunyan sold out')

  log4js.configure({
    appenders: { otel: { type: log4jsAppender } },
    categories: { default: { appenders: ['otel'], level: 'info' } },
  })
  log4js.getLogger('log4js').error('log4js sold out', { item: 7, err })

  pino({ name: 'pino' }, pinoStream()).error({ item: 7, err }, 'pino sold out')

  winston.createLogger({ transports: [new OtelTransport()] }).error('winston sold out', { item: 7, err })

  const restore = bridgeConsole()
  console.error('console sold out', { item: 7, err })
  restore()
}
