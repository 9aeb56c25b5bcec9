import { expect, test } from 'vitest'
import { useViewer } from './programs.ts'

const run = useViewer()

/** Prints the record `hello` twice by each library: in a span, and outside. */
const PROGRAM = `
  import { startTelemetry } from '@logbridge/core'
  import { trace } from '@opentelemetry/api'
  import bunyan from 'bunyan'
  import log4js from 'log4js'
  import pino from 'pino'
  import winston from 'winston'

  startTelemetry()
  log4js.configure({
    appenders: { out: { type: 'stdout', layout: { type: 'pattern', pattern: 'log4js %X{trace_id} %m' } } },
    categories: { default: { appenders: ['out'], level: 'info' } },
  })
  const loggers = [
    bunyan.createLogger({ name: 'bunyan' }),
    log4js.getLogger(),
    pino({ name: 'pino', mixin: () => ({ own: 1 }) }, pino.destination({ sync: true })).child({ tenant: 'a' }),
    winston.createLogger({ transports: [new winston.transports.Console()] }),
    console,
  ]
  trace.getTracer('test').startActiveSpan('span', (span) => {
    for (const logger of loggers) logger.info('hello')
    span.end()
  })
  for (const logger of loggers) logger.info('outside')`
const ENV = { LOGBRIDGE_CONSOLE: '1', LOGBRIDGE_TELEMETRY: 'off' }
/** Part of the line of each library. */
const LIBRARIES = ['"name":"bunyan"', 'log4js ', '"name":"pino"', '"level":"info"', 'trace_id=']

test('injectSpan lets each library print the active span when LOGBRIDGE_INJECT is set', async () => {
  const { stdout, stderr, records } = await run(PROGRAM, { env: { ...ENV, LOGBRIDGE_INJECT: '1' } })
  const { traceId } = records.find((record) => record.traceId !== '')!
  const lines = stdout.trim().split('\n')
  for (const part of LIBRARIES) {
    expect(lines).toContainEqual(expect.stringMatching(`(?=.*${part}).*${traceId}.*`))
  }
  expect(lines.filter((line) => line.includes('outside')).join('\n')).not.toContain(traceId)
  expect(lines.find((line) => line.includes('"pino"'))).toMatch(/"own":1/)
  expect(records.filter(({ body }) => body === 'hello')).not.toHaveLength(0)
  for (const { attributes } of records) expect(attributes).not.toHaveProperty('trace_id')
  expect(stderr).toBe('')
})

test('injectSpan changes no line when LOGBRIDGE_INJECT is not set', async () => {
  const { stdout, records } = await run(PROGRAM, { env: ENV })
  const { traceId } = records.find((record) => record.traceId !== '')!
  expect(stdout).not.toContain(traceId)
  expect(stdout).not.toContain('trace_id')
})
