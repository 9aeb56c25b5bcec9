import type { LoggerProvider } from '@logbridge/bridge'
import { timers } from '@logbridge/bridge/internal'
import log4js from 'log4js'
import { describe, expect, test, vi } from 'vitest'
import { useFakeTimers } from '@logbridge/test-support/fakeTimers'
import * as otel from '../src/index.ts'
import { memory, setUp, shutdown } from './setUp.ts'

describe('categories', () => {
  function inherit(categories: Record<string, { appenders: string[]; level: string; inherit?: boolean }>) {
    const { loggerProvider, emitted } = memory()
    const type = otel.otelAppender({ loggerProvider })
    log4js.configure({
      appenders: { otel: { type }, second: { type: otel.otelAppender({ loggerProvider, scope: 'second' }) } },
      categories,
    })
    return emitted
  }

  test('inherit appenders, each one once, and levels when they have parents', () => {
    const emitted = inherit({
      default: { appenders: ['second'], level: 'off' },
      a: { appenders: ['otel'], level: 'warn' },
      'a.b': { appenders: ['otel'], level: 'info' },
      'a.b.own': { appenders: ['second'], level: 'debug', inherit: false },
    })
    const logger = log4js.getLogger('a.b.c')
    expect([logger.isLevelEnabled('info'), logger.isDebugEnabled()]).toEqual([true, false])
    for (const category of ['a', 'a.b', 'a.b.c', 'a.x', 'a.b.own', 'other']) {
      log4js.getLogger(category).debug(`${category} debug`)
      log4js.getLogger(category).info(`${category} info`)
      log4js.getLogger(category).warn(`${category} warn`)
    }
    expect(emitted.map(({ scope, body }) => `${scope}: ${body}`)).toEqual([
      'a: a warn',
      'a.b: a.b info',
      'a.b: a.b warn',
      'a.b.c: a.b.c info',
      'a.b.c: a.b.c warn',
      'a.x: a.x warn',
      'second: a.b.own debug',
      'second: a.b.own info',
      'second: a.b.own warn',
    ])
  })

  test('use another level when the level changes', () => {
    const { logger, emitted } = setUp()
    logger.level = 'error'
    logger.warn('no')
    logger.level = 'debug'
    logger.debug('yes')
    expect(emitted.map(({ body }) => body)).toEqual(['yes'])
  })

  test('use the last configuration when log4js is configured again', () => {
    const { logger, emitted } = setUp()
    logger.info('first')
    const second = setUp()
    logger.info('second')
    second.logger.info('third')
    expect(emitted.map(({ body }) => body)).toEqual(['first'])
    expect(second.emitted.map(({ body }) => body)).toEqual(['second', 'third'])
  })
})

describe('appender sends the records that a filter passes', () => {
  test.each([
    ['logLevelFilter', { level: 'warn', maxLevel: 'error' }, ['WARN']],
    ['noLogFilter', { exclude: 'secret' }, ['WARN', 'FATAL']],
    ['categoryFilter', { exclude: 'shop' }, []],
  ])('when the filter is %s', (type, filter, levels) => {
    const { logger, emitted } = setUp({}, {}, { filter: { type, appender: 'otel', ...filter } })
    logger.info('a secret')
    logger.warn('x')
    logger.fatal('x')
    expect(emitted.map(({ severityText }) => severityText)).toEqual(levels)
  })
})

describe('otelAppender', () => {
  function configure(appender: object): void {
    log4js.configure({
      appenders: { otel: appender as log4js.CustomAppender },
      categories: { default: { appenders: ['otel'], level: 'ALL' } },
    })
  }

  test('sends records when the module is the type of the appender', () => {
    const { loggerProvider, emitted } = memory()
    configure({ type: otel, loggerProvider, scope: 'own' })
    log4js.getLogger('shop').info('x')
    expect(emitted).toMatchObject([{ scope: 'own', body: 'x' }])
  })

  test('uses options beside it when both have an option', () => {
    const { loggerProvider, emitted } = memory()
    configure({ type: otel.otelAppender({ loggerProvider, scope: 'first' }), scope: 'second' })
    log4js.getLogger('shop').info('x')
    expect(emitted).toMatchObject([{ scope: 'second' }])
  })

  test.each([
    [{ type: otel, color: 'red' }, /there is no option color/],
    [{ type: otel.otelAppender(), color: 'red' }, /there is no option color/],
    [{ type: otel, level: 'loud' }, /option level is "loud"; it accepts one of .*TRACE, DEBUG/],
    [{ type: otel, severity: { loud: 9 } }, /"loud"/],
    [{ type: otel, layout: 'basic' }, /option layout is 'basic'/],
    [{ type: otel, layout: { type: 'none' } }, /option layout has the type 'none'/],
  ])('throws when the configuration is %o', (appender, message) => {
    expect(() => configure(appender)).toThrow(message)
    expect(() => configure(appender)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })

  test('names the way out when log4js has copied the LoggerProvider', () => {
    class Provider implements LoggerProvider {
      getLogger = undefined as never
    }
    expect(() => configure({ type: otel, loggerProvider: new Provider() })).toThrow(
      /otelAppender\(\{ loggerProvider \}\)/,
    )
  })

  test('does not compile when an option is wrong', () => {
    // @ts-expect-error no such option
    expect(() => otel.otelAppender({ color: 'red' })).toThrow(/color/)
    // @ts-expect-error not a level
    expect(() => otel.otelAppender({ level: {} })).toThrow(/level/)
    const config = { type: otel, level: 'info', layout: { type: 'basic' } } satisfies otel.OtelAppenderConfig
    expect(() => configure(config)).not.toThrow()
  })
})

describe('log4js.shutdown', () => {
  test('calls back when the provider has flushed', async () => {
    let flushed = false
    const loggerProvider = {
      ...memory().loggerProvider,
      async forceFlush() {
        await new Promise(setImmediate)
        flushed = true
      },
    }
    setUp({ loggerProvider })
    expect(await shutdown()).toBeFalsy()
    expect(flushed).toBe(true)
  })

  test('calls back with the error when the flush has failed', async () => {
    const loggerProvider = {
      ...memory().loggerProvider,
      forceFlush: () => Promise.reject(new Error('unreachable')),
    }
    setUp({ loggerProvider })
    expect(await shutdown()).toMatchObject({ message: 'unreachable' })
  })

  test('calls back after flushTimeoutMillis when the provider never answers', async () => {
    const loggerProvider = { ...memory().loggerProvider, forceFlush: () => new Promise(() => {}) }
    setUp({ loggerProvider, flushTimeoutMillis: 7000 })
    useFakeTimers(timers, { toFake: ['setTimeout', 'clearTimeout'] })
    let isOver = false
    const ended = shutdown().then(() => (isOver = true))
    await new Promise(setImmediate)
    await vi.advanceTimersByTimeAsync(6999)
    await new Promise(setImmediate)
    expect(isOver).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await ended
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  test('calls back when the provider has no forceFlush', async () => {
    setUp()
    expect(await shutdown()).toBeFalsy()
  })

  test('has ended when a later event comes', async () => {
    const { loggerProvider, emitted } = memory()
    const appender = otel.configure({ loggerProvider })
    await new Promise<void>((resolve) => appender.shutdown(() => resolve()))
    appender({ categoryName: 'late', data: ['x'], context: {}, startTime: new Date() } as never)
    expect(emitted).toHaveLength(1)
  })
})
