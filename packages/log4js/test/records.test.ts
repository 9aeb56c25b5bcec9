import { pathToFileURL } from 'node:url'
import log4js from 'log4js'
import { describe, expect, test } from 'vitest'
import * as otel from '../src/index.ts'
import { memory, setUp } from './setUp.ts'

describe('appender sends a body', () => {
  test('when the arguments are a text, parameters, other values, and fields', () => {
    const { logger, emitted } = setUp()
    logger.info('%s has %d items', 'cart', 3, true, [1], { id: 7, user: { name: 'ada' } })
    expect(emitted).toMatchObject([
      { scope: 'shop', severityNumber: 9, severityText: 'INFO', body: 'cart has 3 items true [ 1 ]' },
    ])
    expect(emitted[0]!.attributes).toEqual({ id: 7, user: { name: 'ada' } })
  })

  test('that is structured when the sole argument is no text', () => {
    const { logger, emitted } = setUp()
    logger.info({ id: 7, list: [1, 2] })
    expect(emitted[0]!.body).toEqual({ id: 7, list: [1, 2] })
    expect(emitted[0]!.attributes).toEqual({})
  })

  test('when the argument is an Error, alone or behind a text', () => {
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

test('appender sends exception.* when an Error is under a known key', () => {
  const { logger, emitted } = setUp()
  logger.error('failed', { err: new Error('boom'), id: 7 })
  expect(emitted[0]!.attributes).toMatchObject({ 'exception.message': 'boom', id: 7 })
})

describe('the context of a logger', () => {
  test('becomes attributes, and fields of the record win, when keys are equal', () => {
    const { logger, emitted } = setUp()
    logger.addContext('user', 'ada')
    logger.addContext('tenant', { id: 1 })
    logger.info('x', { user: 'eve' })
    expect(emitted[0]!.attributes).toEqual({ user: 'eve', tenant: { id: 1 } })
  })

  test('is that of the log call when the context changes later', () => {
    const { logger, emitted } = setUp()
    logger.addContext('user', 'ada')
    logger.addContext('tenant', 1)
    logger.info('both')
    logger.removeContext('user')
    logger.info('one')
    logger.clearContext()
    logger.info('none')
    log4js.getLogger('shop').info('of another logger')
    expect(emitted.map(({ attributes }) => attributes)).toEqual([
      { user: 'ada', tenant: 1 },
      { tenant: 1 },
      {},
      {},
    ])
  })

  test('has the result of a function when a value is a function', () => {
    const { logger, emitted } = setUp()
    logger.addContext('category', (event: log4js.LoggingEvent) => event.categoryName)
    logger.addContext('bad', () => {
      throw new Error('no')
    })
    logger.info('x')
    expect(emitted[0]!.attributes).toEqual({ category: 'shop', bad: '[Throws: no]' })
  })
})

describe('appender', () => {
  test('filters records when level is set, and sends MARK as INFO', () => {
    const { logger, emitted } = setUp({ level: 'warn' })
    logger.info('no')
    logger.mark('no')
    logger.warn('yes')
    logger.fatal('yes')
    expect(emitted.map(({ severityText }) => severityText)).toEqual(['WARN', 'FATAL'])
  })

  test('sends nothing when level is OFF', () => {
    const { logger, emitted } = setUp({ level: 'off', severity: { fatal: 24 } })
    logger.fatal('no')
    expect(emitted).toEqual([])
  })

  test('sends the severity number of the number when the application has changed a level', () => {
    const { logger, emitted } = setUp()
    const { levels } = log4js
    try {
      levels.addLevels({ INFO: { value: 35_000, colour: 'red' }, CRITICAL: { value: 25_000, colour: 'red' } })
      for (const level of ['INFO', 'CRITICAL', 'WARN']) logger.log(level, 'x')
      expect(emitted.map(({ severityNumber }) => severityNumber)).toEqual([15, 11, 13])
    } finally {
      levels.addLevels({ INFO: { value: 20_000, colour: 'green' } })
    }
  })

  test('sends the severity number when the name in severity has any case', () => {
    const { logger, emitted } = setUp({ severity: { warn: 14, MARK: 10 } })
    logger.warn('x')
    logger.mark('x')
    expect(emitted.map(({ severityNumber }) => severityNumber)).toEqual([14, 10])
  })
})

describe('the call stack', () => {
  test('becomes code attributes when enableCallStack is true', () => {
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

  test('has a path when the file is an ES module', () => {
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

  test.for([['file://elsewhere/a.mjs'], [7]])('costs no record when the file name is %s', ([fileName]) => {
    const { logger, emitted } = setUp({}, { enableCallStack: true })
    const position = { lineNumber: 1, columnNumber: 2, functionName: '', callStack: '' }
    logger.setParseCallStackFunction(() => ({ ...position, fileName: fileName as string }))
    logger.info('x')
    expect(emitted.map(({ body }) => body)).toEqual(['x'])
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

  test('have the attributes of their origin when they come from another process', () => {
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
    'have the attributes of their origin when they have the same pid: %o',
    (origin) => {
      const [record] = deliver({ categoryName: 'remote', data: ['x'], pid: process.pid, ...origin })
      expect(record!.attributes).toEqual(origin)
    },
  )

  test('are sent when parts are missing', () => {
    expect(deliver({ categoryName: 'remote', data: { x: 1 } })).toMatchObject([
      { scope: 'remote', severityNumber: 0, body: { x: 1 }, attributes: {} },
    ])
  })
})
