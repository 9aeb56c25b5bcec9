import { bridgeConsole } from '@logbridge/console'
import { OtelTransport } from '@logbridge/winston'
import winston from 'winston'

test('logs', () => {
  winston.createLogger({ transports: [new OtelTransport()] }).info('hello')
  const restore = bridgeConsole()
  console.info('hello')
  restore()
})
