import { pathToFileURL } from 'node:url'
import type { ApiLogRecord, LoggerProvider } from '@logbridge/bridge'
import log4js from 'log4js'
import { afterEach, describe, expect, test } from 'vitest'
import * as otel from '../src/index.ts'

type Emitted = ApiLogRecord & { scope: string }

function memory() {
  const emitted: Emitted[] = []
  const loggerProvider: LoggerProvider = {
    getLogger: (scope) => ({ emit: (record) => emitted.push({ ...record, scope }) }),
  }
  return { loggerProvider, emitted }
}

function setUp(
  options: otel.OtelAppenderOptions = {},
  rest: { layout?: log4js.Layout; enableCallStack?: boolean } = {},
  more: Record<string, log4js.Appender> = {},
) {
  const { loggerProvider, emitted } = memory()
  const { layout, enableCallStack = false } = rest
  const type = otel.otelAppender({ loggerProvider, ...options })
  log4js.configure({
    appenders: { otel: { type, ...(layout && { layout }) }, ...more },
    categories: { default: { appenders: [Object.keys(more)[0] ?? 'otel'], level: 'ALL', enableCallStack } },
  })
  return { logger: log4js.getLogger('shop'), emitted }
}

afterEach(() => new Promise<void>((resolve) => log4js.shutdown(() => resolve())))

describe('the message', () => {
  test('text, its parameters, other arguments, and fields', () => {
    const { logger, emitted } = setUp()
    logger.info('%s has %d items', 'cart', 3, true, [1], { id: 7, user: { name: 'ada' } })
    expect(emitted).toMatchObject([
      { scope: 'shop', severityNumber: 9, severityText: 'INFO', body: 'cart has 3 items true [ 1 ]' },
    ])
    expect(emitted[0]!.attributes).toEqual({ id: 7, user: { name: 'ada' } })
  })

  test('a sole argument that is no text stays structured', () => {
    const { logger, emitted } = setUp()
    logger.info({ id: 7, list: [1, 2] })
    expect(emitted[0]!.body).toEqual({ id: 7, list: [1, 2] })
    expect(emitted[0]!.attributes).toEqual({})
  })

  test('an Error with the text, and alone', () => {
    const { logger, emitted } = setUp()
    const error = Object.assign(new RangeError('boom', { cause: new Error('inner') }), { code: 'E_BOOM' })
    logger.error('failed for', 7, error)
    logger.error(error)
    expect(emitted.map(({ body }) => body)).toEqual(['failed for 7', 'boom'])
    for (const { attributes } of emitted) {
      expect(attributes).toMatchObject({
        'exception.type': 'RangeError',
        'exception.message': 'boom',
        error: { code: 'E_BOOM', cause: { message: 'inner' } },
      })
    }
  })
})

test('an Error under a known key', () => {
  const { logger, emitted } = setUp()
  logger.error('failed', { err: new Error('boom'), id: 7 })
  expect(emitted[0]!.attributes).toMatchObject({ 'exception.message': 'boom', id: 7 })
})

describe('the context of a logger', () => {
  test("becomes attributes; the record's own fields win", () => {
    const { logger, emitted } = setUp()
    logger.addContext('user', 'ada')
    logger.addContext('tenant', { id: 1 })
    logger.info('x', { user: 'eve' })
    expect(emitted[0]!.attributes).toEqual({ user: 'eve', tenant: { id: 1 } })
  })

  test('a function gives its value', () => {
    const { logger, emitted } = setUp()
    logger.addContext('category', (event: log4js.LoggingEvent) => event.categoryName)
    logger.addContext('bad', () => {
      throw new Error('no')
    })
    logger.info('x')
    expect(emitted[0]!.attributes).toEqual({ category: 'shop', bad: '[Throws: no]' })
  })
})

describe('levels', () => {
  test('the least level that is sent; MARK counts as INFO', () => {
    const { logger, emitted } = setUp({ level: 'warn' })
    logger.info('no')
    logger.mark('no')
    logger.warn('yes')
    logger.fatal('yes')
    expect(emitted.map(({ severityText }) => severityText)).toEqual(['WARN', 'FATAL'])
  })

  test('OFF sends nothing', () => {
    const { logger, emitted } = setUp({ level: 'off', severity: { fatal: 24 } })
    logger.fatal('no')
    expect(emitted).toEqual([])
  })

  test('severity numbers by name in any case', () => {
    const { logger, emitted } = setUp({ severity: { warn: 14, MARK: 10 } })
    logger.warn('x')
    logger.mark('x')
    expect(emitted.map(({ severityNumber }) => severityNumber)).toEqual([14, 10])
  })
})

describe('the call stack', () => {
  test('becomes code attributes', () => {
    const { logger, emitted } = setUp({}, { enableCallStack: true })
    class Shop {
      open(): void {
        logger.info('x')
      }
    }
    new Shop().open()
    expect(emitted[0]!.attributes).toEqual({
      'code.file.path': import.meta.filename,
      'code.line.number': expect.any(Number),
      'code.column.number': expect.any(Number),
      'code.function.name': 'Shop.open',
      'code.stacktrace': expect.stringMatching(/^\s+at Shop\.open/),
    })
  })

  test('of an ES module is a path, too', () => {
    const { logger, emitted } = setUp({}, { enableCallStack: true })
    logger.setParseCallStackFunction(() => ({
      fileName: pathToFileURL('/app/a b.mjs').href,
      lineNumber: 1,
      columnNumber: 2,
      functionName: '',
      callStack: '',
    }))
    logger.info('x')
    expect(emitted[0]!.attributes).toEqual({
      'code.file.path': '/app/a b.mjs',
      'code.line.number': 1,
      'code.column.number': 2,
    })
  })

  test.for([['file://elsewhere/a.mjs'], [7]])('of a foreign client may be anything: %s', ([fileName]) => {
    const { logger, emitted } = setUp({}, { enableCallStack: true })
    const position = { lineNumber: 1, columnNumber: 2, functionName: '', callStack: '' }
    logger.setParseCallStackFunction(() => ({ ...position, fileName: fileName as string }))
    logger.info('x')
    expect(emitted.map(({ body }) => body)).toEqual(['x'])
  })
})

describe('a layout', () => {
  test('makes the body; fields stay attributes', () => {
    const { logger, emitted } = setUp({}, { layout: { type: 'pattern', pattern: '%p %c: %m' } })
    logger.info('placed', { id: 7 })
    logger.info({ id: 8 })
    expect(emitted.map(({ body }) => body)).toEqual([
      expect.stringMatching(/^INFO shop: placed \{ id: /),
      expect.stringMatching(/^INFO shop: \{ id: /),
    ])
    expect(emitted.map(({ attributes }) => attributes)).toEqual([{ id: 7 }, { id: 8 }])
  })

  test("of the user's own", () => {
    log4js.addLayout(
      'own',
      ({ suffix }) =>
        ({ data }) =>
          data[0] + suffix,
    )
    const { logger, emitted } = setUp({}, { layout: { type: 'own', suffix: '!' } })
    logger.info('placed')
    expect(emitted[0]!.body).toBe('placed!')
  })
})

describe("behind log4js's filters", () => {
  test.each([
    ['logLevelFilter', { level: 'warn', maxLevel: 'error' }, ['WARN']],
    ['noLogFilter', { exclude: 'secret' }, ['WARN', 'FATAL']],
    ['categoryFilter', { exclude: 'shop' }, []],
  ])('%s', (type, filter, levels) => {
    const { logger, emitted } = setUp({}, {}, { filter: { type, appender: 'otel', ...filter } })
    logger.info('a secret')
    logger.warn('x')
    logger.fatal('x')
    expect(emitted.map(({ severityText }) => severityText)).toEqual(levels)
  })
})

describe('events of other processes', () => {
  function deliver(event: object) {
    const { loggerProvider, emitted } = memory()
    const { configure } = otel.otelAppender({ loggerProvider })
    const appender = configure({}, undefined, undefined, log4js.levels)
    appender(event as log4js.LoggingEvent)
    return emitted
  }

  test('say where they come from', () => {
    const [record] = deliver({
      categoryName: 'remote',
      startTime: new Date(0),
      level: { level: 20_000, levelStr: 'INFO' },
      data: ['x'],
      context: {},
      pid: 1,
      remoteAddress: '10.0.0.1',
      remotePort: 5000,
    })
    expect(record).toMatchObject({ severityNumber: 9, timestamp: [0, 0] })
    expect(record!.attributes).toEqual({ pid: 1, remoteAddress: '10.0.0.1', remotePort: 5000 })
  })

  test.each([{ remoteAddress: '10.0.0.1' }, { cluster: { workerId: 1, worker: 2 } }])(
    'may have the same pid: %o',
    (origin) => {
      const [record] = deliver({ categoryName: 'remote', data: ['x'], pid: process.pid, ...origin })
      expect(record!.attributes).toEqual(origin)
    },
  )

  test('may lack parts', () => {
    expect(deliver({ categoryName: 'remote', data: { x: 1 } })).toMatchObject([
      { scope: 'remote', severityNumber: 0, body: { x: 1 }, attributes: {} },
    ])
  })
})

describe('configuration', () => {
  function configure(appender: object): void {
    log4js.configure({
      appenders: { otel: appender as log4js.CustomAppender },
      categories: { default: { appenders: ['otel'], level: 'ALL' } },
    })
  }

  test('the module itself as type', () => {
    const { loggerProvider, emitted } = memory()
    configure({ type: otel, loggerProvider, scope: 'own' })
    log4js.getLogger('shop').info('x')
    expect(emitted).toMatchObject([{ scope: 'own', body: 'x' }])
  })

  test('options beside an otelAppender win', () => {
    const { loggerProvider, emitted } = memory()
    configure({ type: otel.otelAppender({ loggerProvider, scope: 'first' }), scope: 'second' })
    log4js.getLogger('shop').info('x')
    expect(emitted).toMatchObject([{ scope: 'second' }])
  })

  test.each([
    [{ type: otel, colour: 'red' }, /there is no option colour/],
    [{ type: otel.otelAppender(), colour: 'red' }, /there is no option colour/],
    [{ type: otel, level: 'loud' }, /option level is "loud"; it accepts one of .*TRACE, DEBUG/],
    [{ type: otel, severity: { loud: 9 } }, /"loud"/],
    [{ type: otel, layout: 'basic' }, /option layout is 'basic'/],
    [{ type: otel, layout: { type: 'none' } }, /option layout has the type 'none'/],
  ])('%o is refused', (appender, message) => {
    expect(() => configure(appender)).toThrow(message)
    expect(() => configure(appender)).toThrow(expect.objectContaining({ code: 'invalid-option' }))
  })

  test('a LoggerProvider that log4js has copied is refused with the way out', () => {
    class Provider implements LoggerProvider {
      getLogger = undefined as never
    }
    expect(() => configure({ type: otel, loggerProvider: new Provider() })).toThrow(
      /otelAppender\(\{ loggerProvider \}\)/,
    )
  })

  test('wrong options do not compile', () => {
    // @ts-expect-error no such option
    expect(() => otel.otelAppender({ colour: 'red' })).toThrow(/colour/)
    // @ts-expect-error not a level
    expect(() => otel.otelAppender({ level: {} })).toThrow(/level/)
    const config = { type: otel, level: 'info', layout: { type: 'basic' } } satisfies otel.OtelAppenderConfig
    expect(() => configure(config)).not.toThrow()
  })
})

describe('shutdown', () => {
  const shutdown = () =>
    new Promise<Error | null | undefined>((resolve) => log4js.shutdown((error) => resolve(error)))

  test('waits until the provider has flushed', async () => {
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

  test('tells of a flush that failed', async () => {
    const loggerProvider = {
      ...memory().loggerProvider,
      forceFlush: () => Promise.reject(new Error('unreachable')),
    }
    setUp({ loggerProvider })
    expect(await shutdown()).toMatchObject({ message: 'unreachable' })
  })

  test('needs no provider that can flush', async () => {
    setUp()
    expect(await shutdown()).toBeFalsy()
  })

  test('a later event does no harm', async () => {
    const { loggerProvider, emitted } = memory()
    const appender = otel.configure({ loggerProvider })
    await new Promise<void>((resolve) => appender.shutdown(() => resolve()))
    appender({ categoryName: 'late', data: ['x'], context: {}, startTime: new Date() } as never)
    expect(emitted).toHaveLength(1)
  })
})
