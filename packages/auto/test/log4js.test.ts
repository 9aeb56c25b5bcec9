import { expect, test } from 'vitest'
import { essence, useViewer } from './programs.ts'

const run = useViewer()

const LOAD = {
  esm: `import log4js from 'log4js'`,
  cjs: `const log4js = require('log4js')`,
}

test.each(['esm', 'cjs'] as const)(
  'attachLog4js sends each record of each category once when log4js is loaded as %s',
  async (module) => {
    const result = await run(
      `${LOAD[module]}
      const { configure, getLogger } = log4js
      const early = getLogger('early')
      early.level = 'debug'
      early.debug('of the default configuration')
      const configuration = {
        appenders: { out: { type: 'stdout' }, file: { type: 'file', filename: '/dev/null' } },
        categories: {
          default: { appenders: ['out'], level: 'info' },
          shop: { appenders: ['out'], level: 'debug' },
          'shop.cart': { appenders: ['file'], level: 'debug' },
        },
      }
      configure(configuration)
      getLogger('shop').debug('of a category', { orderId: 7 })
      getLogger('shop.cart').debug('of a category that inherits')
      getLogger('shop.stock').debug('of a category without configuration')
      getLogger().debug('below the level')
      log4js.configure(configuration)
      getLogger().info('of a second configuration')
      console.log(Object.keys(configuration.appenders).join())`,
      { module },
    )
    expect(essence(result)).toEqual([
      ['early', 'DEBUG', 'of the default configuration'],
      ['shop', 'DEBUG', 'of a category'],
      ['shop.cart', 'DEBUG', 'of a category that inherits'],
      ['shop.stock', 'DEBUG', 'of a category without configuration'],
      ['default', 'INFO', 'of a second configuration'],
    ])
    expect(result.records[1]!.attributes).toEqual({ orderId: 7 })
    expect(result.stdout.match(/^.*\] (early|shop|default).* - .*$/gm)).toHaveLength(5)
    expect(result.stdout).toMatch(/^out,file$/m)
    expect(result.stderr).toBe('')
  },
)

test('attachLog4js leaves the message of an error as it was when a configuration is wrong', async () => {
  const code = `
    import log4js from 'log4js'
    try {
      log4js.configure({ appenders: { out: { type: 'stdout' } }, categories: { default: { appenders: [], level: 'info' } } })
    } catch (error) {
      console.log(error.message)
    }`
  const { stdout } = await run(code)
  expect(stdout).toContain('appenders must contain at least one appender name')
  expect(stdout).toBe((await run(code, { args: [] })).stdout)
})

test.each([
  ['by its name', `'@logbridge/log4js'`],
  ['as object', `otelAppender()`],
])('attachLog4js adds no appender when the application has attached the adapter %s', async (_, type) => {
  const result = await run(`
    import log4js from 'log4js'
    import { otelAppender } from '@logbridge/log4js'
    log4js.configure({ appenders: { otel: { type: ${type} } }, categories: { default: { appenders: ['otel'], level: 'info' } } })
    log4js.getLogger('shop').info('hello')`)
  expect(essence(result)).toEqual([['shop', 'INFO', 'hello']])
  expect(result.stderr).toMatch(/^logbridge: @logbridge\/auto leaves log4js loggers alone .*\n$/)
})

test('attachLog4js delays the callback of shutdown until the records are delivered', async () => {
  const result = await run(
    `import log4js from 'log4js'
    log4js.configure({ appenders: { out: { type: 'stdout' } }, categories: { default: { appenders: ['out'], level: 'info' } } })
    log4js.getLogger('shop').info('hello')
    log4js.shutdown(() => process.reallyExit(0))`,
  )
  expect(essence(result)).toEqual([['shop', 'INFO', 'hello']])
})
