import { expect, test } from 'vitest'
import { essence, useViewer } from './programs.ts'

const run = useViewer()

const LOAD = {
  esm: `import winston, { createLogger, transports, Container } from 'winston'`,
  cjs: `const winston = require('winston'); const { createLogger, transports, Container } = winston`,
}

test.each(['esm', 'cjs'] as const)(
  'attachWinston sends each record of each kind of logger once when winston is loaded as %s',
  async (module) => {
    const result = await run(
      `${LOAD[module]}
      const console = new transports.Console()
      const logger = createLogger({ level: 'debug', transports: [console] })
      logger.debug('of createLogger', { orderId: 7 })
      logger.child({ tenant: 'a' }).info('of a child')
      logger.silly('below the level')
      new Container({ transports: [console] }).get('shop').info('of a container')
      createLogger().add(console).info('of a logger without options')
      winston.add(console)
      winston.info('of the default logger')
      winston.configure({ transports: [console] })
      winston.info('of a configured logger')
      winston.clear()
      winston.add(console)
      winston.info('of a cleared logger')`,
      { module },
    )
    const bodies = ['of createLogger', 'of a child', 'of a container', 'of a logger without options']
    const ofDefault = ['of the default logger', 'of a configured logger', 'of a cleared logger']
    expect(result.records.map(({ body }) => body)).toEqual([...bodies, ...ofDefault])
    expect(result.records[0]).toMatchObject({ severityText: 'debug', attributes: { orderId: 7 } })
    expect(result.records[1]!.attributes).toEqual({ tenant: 'a' })
    expect(result.stdout.match(/^\{.*\}$/gm)).toHaveLength(7)
    expect(result.stderr).toBe('')
  },
)

test('attachWinston leaves the transports of the application first when it adds its own', async () => {
  const { stdout } = await run(`
    import winston from 'winston'
    const logger = winston.createLogger().add(new winston.transports.Console({ silent: true }))
    logger.info('hello')
    console.log(logger.transports.map(({ name, constructor }) => name ?? constructor.name).join())`)
  expect(stdout).toBe('console,OtelTransport\n')
})

test.each([
  ['before the first record', `createLogger({ transports: [new OtelTransport()] }).info('hello')`],
  [
    'after the first record',
    `const logger = createLogger(); logger.info('first'); logger.add(new OtelTransport()); logger.info('hello')`,
  ],
])('attachWinston adds no transport when the application has one %s', async (_, code) => {
  const result = await run(`
    import { createLogger } from 'winston'
    import { OtelTransport } from '@logbridge/winston'
    ${code}`)
  expect(essence(result).filter((record) => String(record).includes('hello'))).toHaveLength(1)
  expect(result.stderr).toMatch(/^logbridge: @logbridge\/auto leaves winston loggers alone .*\n$/)
})

test('attachWinston adds no transport when the official instrumentation has added one', async () => {
  const result = await run(
    `const { WinstonInstrumentation } = require('@opentelemetry/instrumentation-winston')
    new WinstonInstrumentation()
    const { createLogger } = require('winston')
    createLogger().info('hello')`,
    { module: 'cjs' },
  )
  expect(essence(result)).toEqual([['@opentelemetry/winston-transport', 'info', 'hello']])
  expect(result.stderr).toMatch(/leaves winston loggers alone/)
})
