import { expect, test } from 'vitest'
import { essence, useViewer } from './programs.ts'

const run = useViewer()

const LOAD = {
  esm: `import bunyan, { createLogger } from 'bunyan'`,
  cjs: `const bunyan = require('bunyan'); const { createLogger } = bunyan`,
}

test.each(['esm', 'cjs'] as const)(
  'attachBunyan sends each record of each kind of logger once when bunyan is loaded as %s',
  async (module) => {
    const result = await run(
      `${LOAD[module]}
      const logger = createLogger({ name: 'shop', level: 'debug' })
      logger.debug({ orderId: 7 }, 'of createLogger')
      logger.child({ tenant: 'a' }).info('of a child')
      logger.child({ tenant: 'b' }, true).info('of a simple child')
      logger.trace('below the level')
      new bunyan({ name: 'other', streams: [{ path: '/dev/null' }] }).warn('of a constructor')
      logger.level('trace')
      logger.trace('of a changed level')
      console.log(logger.streams.length)`,
      { module },
    )
    expect(essence(result)).toEqual([
      ['shop', 'debug', 'of createLogger'],
      ['shop', 'info', 'of a child'],
      ['shop', 'info', 'of a simple child'],
      ['other', 'warn', 'of a constructor'],
      ['shop', 'trace', 'of a changed level'],
    ])
    expect(result.records[0]!.attributes).toEqual({ orderId: 7 })
    expect(result.records[1]!.attributes).toEqual({ tenant: 'a' })
    expect(result.stdout.match(/^\{.*\}$/gm)).toHaveLength(4)
    expect(result.stdout).toMatch(/^1$/m)
    expect(result.stderr).toBe('')
  },
)

test.each([
  ['before the first record', `createLogger({ name: 'shop', streams: [otelStream()] }).info('hello')`],
  [
    'after the first record',
    `const logger = createLogger({ name: 'shop' }); logger.info('first'); logger.addStream(otelStream()); logger.info('hello')`,
  ],
])('attachBunyan sends nothing when the application has attached the adapter %s', async (_, code) => {
  const result = await run(`
    import { createLogger } from 'bunyan'
    import { otelStream } from '@logbridge/bunyan'
    ${code}`)
  expect(essence(result).filter((record) => String(record).includes('hello'))).toHaveLength(1)
  expect(result.stderr).toMatch(/^logbridge: @logbridge\/auto leaves bunyan loggers alone .*\n$/)
})

test('attachBunyan sends nothing when the official instrumentation sends the records', async () => {
  const result = await run(
    `const { BunyanInstrumentation } = require('@opentelemetry/instrumentation-bunyan')
    new BunyanInstrumentation()
    require('bunyan1').createLogger({ name: 'shop' }).info('hello')`,
    { module: 'cjs' },
  )
  expect(result.records.map(({ scope, body }) => [scope.name, body])).toEqual([
    ['@opentelemetry/instrumentation-bunyan', 'hello'],
  ])
  expect(result.stderr).toMatch(/leaves bunyan loggers alone/)
})
