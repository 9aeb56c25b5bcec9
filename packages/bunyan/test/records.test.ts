import { hostname } from 'node:os'
import { Writable } from 'node:stream'
import type { LoggerProvider } from '@logbridge/bridge'
import type { ApiLogRecord } from '@logbridge/bridge/internal'
import bunyan from 'bunyan'
import bunyan1 from 'bunyan1'
import { describe, expect, test } from 'vitest'
import { otelStream, type OtelStreamOptions } from '../src/index.ts'

type Emitted = ApiLogRecord & { scope: string }

function memory(): { loggerProvider: LoggerProvider; emitted: Emitted[] } {
  const emitted: Emitted[] = []
  const loggerProvider: LoggerProvider = {
    getLogger: (scope) => ({ emit: (record) => emitted.push({ ...record, scope }) }),
  }
  return { loggerProvider, emitted }
}

describe.each([
  ['2', bunyan],
  ['1.8', bunyan1],
])('otelStream of bunyan %s', (_, library) => {
  function setUp(options: OtelStreamOptions = {}, logger: Partial<bunyan.LoggerOptions> = {}) {
    const { loggerProvider, emitted } = memory()
    const stream: bunyan.Stream = otelStream({ loggerProvider, ...options })
    return { log: library.createLogger({ name: 'shop', streams: [stream], ...logger }), emitted }
  }

  test('sends scope, body, severity and attributes when a record is logged', () => {
    const { log, emitted } = setUp()
    log.info({ order: { id: 7 }, none: undefined }, 'placed by %s', 'ada')
    expect(emitted).toMatchObject([
      { scope: 'shop', body: 'placed by ada', severityNumber: 9, severityText: 'info' },
    ])
    expect(emitted[0]!.attributes).toEqual({ order: { id: 7 } })
  })

  test('sends the result of toJSON when a record has a toJSON', () => {
    const { log, emitted } = setUp()
    const toJSON = () => ({ msg: 'paid', order: 7 })
    log.info({ card: '4111', toJSON }, 'paid with 4111')
    expect(emitted).toMatchObject([{ body: 'paid', severityText: 'info' }])
    expect(emitted[0]!.attributes).toEqual({ order: 7 })
  })

  test('sends hostname and pid when they are those of another process', () => {
    const { log, emitted } = setUp({}, { hostname: 'elsewhere' })
    log.info({ pid: 1 }, 'forwarded')
    log.info({ pid: process.pid, hostname: hostname() }, 'own')
    expect(emitted.map(({ attributes }) => attributes)).toEqual([{ hostname: 'elsewhere', pid: 1 }, {}])
  })

  test('sends a severity in proportion when the level has no name', () => {
    const { log, emitted } = setUp({ severity: { 45: 14, warn: 16 } })
    for (const level of [35, 40, 45, 65]) log.error({ level }, 'x')
    expect(emitted.map(({ severityNumber, severityText }) => [severityNumber, severityText])).toEqual([
      [11, '35'],
      [16, 'warn'],
      [14, '45'],
      [23, '65'],
    ])
  })

  test('sends the time when the record has one in any form of bunyan', () => {
    const { log, emitted } = setUp()
    log.info({ time: new Date(1_700_000_000_123) }, 'Date')
    log.info({ time: '2023-11-14T22:13:20.123456Z' }, 'text')
    log.info({ time: 'yesterday' }, 'no time')
    expect(emitted[0]!.timestamp).toEqual([1_700_000_000, 123_000_000])
    expect(emitted[1]!.timestamp).toEqual([1_700_000_000, 123_456_000])
    expect(emitted[2]!.timestamp).toEqual(emitted[2]!.observedTimestamp)
    expect(emitted[2]!.attributes).toEqual({ time: 'yesterday' })
  })

  test('sends the time of the call when the text of the time has no zone', () => {
    const { TZ } = process.env
    try {
      process.env['TZ'] = 'Asia/Kolkata'
      const { log, emitted } = setUp()
      const time = new Date().toISOString().slice(0, 19)
      log.info({ time }, 'hello')
      expect(emitted[0]!.attributes).toEqual({ time })
      expect(emitted[0]!.timestamp).toEqual(emitted[0]!.observedTimestamp)
    } finally {
      if (TZ === undefined) delete process.env['TZ']
      else process.env['TZ'] = TZ
    }
  })

  test('sends the severity number of a name when another writer has written the level', () => {
    const { loggerProvider, emitted } = memory()
    const { stream } = otelStream({ loggerProvider })
    for (const level of ['WARNING', 'err', 'odd', null]) stream.write(JSON.stringify({ level, msg: 'x' }))
    expect(emitted.map(({ severityNumber }) => severityNumber)).toEqual([13, 17, 0, 0])
  })

  test('sends the type of the stack when a serializer leaves the name out, as that of Ghost does', () => {
    const serializers = {
      err: ({ message, stack, code }: Error & { code: string }) => ({ message, stack, code }),
    }
    const { log, emitted } = setUp({}, { serializers })
    log.error({ err: Object.assign(new RangeError('full'), { code: 'E_FULL' }) }, 'saving failed')
    expect(emitted[0]!.attributes).toEqual({
      'exception.type': 'RangeError',
      'exception.message': 'full',
      'exception.stacktrace': expect.stringMatching(/^RangeError: full\n/),
      err: { code: 'E_FULL' },
    })
  })

  test('sends the call site when bunyan has made src, and keeps any other src', () => {
    const { log, emitted } = setUp({}, { src: true })
    const named = { here: () => log.info('with src') }
    named.here()
    log.info({ src: 'a.png' }, 'of the user')
    log.info({ src: { file: 'file:///shop/a%20b.mjs', line: 7 } }, 'in an ES module')
    log.info({ src: { file: 'file://elsewhere/a.mjs', line: 7 } }, 'of no file')
    const [made, own, ...modules] = emitted.map(({ attributes }) => attributes)
    expect(made).toEqual({
      'code.file.path': expect.stringContaining('records.test.ts'),
      'code.line.number': expect.any(Number),
      'code.function.name': expect.stringContaining('here'),
    })
    expect(own).toEqual({ src: 'a.png' })
    expect(modules.map((attributes) => attributes!['code.file.path'])).toEqual([
      '/shop/a b.mjs',
      'file://elsewhere/a.mjs',
    ])
  })

  test('sends serialized fields when a child logger has serializers', () => {
    const serializers = { card: () => '****', err: library.stdSerializers.err }
    const { log, emitted } = setUp({}, { serializers })
    log.child({ widget: 'cart', card: '4111' }).info({ card: '4222' }, 'paid')
    log.child({ card: '4111' }, false).info('paid')
    expect(emitted.map(({ attributes }) => attributes)).toEqual([
      { widget: 'cart', card: '****' },
      { card: '****' },
    ])
  })

  describe('sends an Error', () => {
    const cause = new TypeError('inner')
    const error = Object.assign(new RangeError('boom', { cause }), { code: 'E_BOOM', attempts: [1] })

    test('when the Error is the first argument, which bunyan serializes', () => {
      const { log, emitted } = setUp()
      log.error(error)
      expect(emitted[0]!.body).toBe('boom')
      expect(emitted[0]!.attributes).toEqual({
        'exception.type': 'RangeError',
        'exception.message': 'boom',
        'exception.stacktrace': error.stack,
        err: { code: 'E_BOOM' },
      })
      log.error(new Error('no code'), 'failed %d times', 2)
      expect(emitted[1]!.body).toBe('failed 2 times')
      expect(Object.keys(emitted[1]!.attributes)).not.toContain('err')
    })

    test('with all fields when the Error is under err without a serializer', () => {
      const { log, emitted } = setUp()
      log.error({ err: error }, 'failed')
      expect(emitted[0]!.attributes).toMatchObject({
        'exception.type': 'RangeError',
        'exception.stacktrace': expect.stringContaining('Caused by: TypeError: inner'),
        err: { code: 'E_BOOM', attempts: [1], cause: { type: 'TypeError' } },
      })
    })

    test('when the Error is under err with the standard serializer', () => {
      const { log, emitted } = setUp({}, { serializers: library.stdSerializers })
      log.error({ err: error }, 'failed')
      expect(emitted[0]!.attributes).toMatchObject({
        'exception.type': 'RangeError',
        err: { code: 'E_BOOM' },
      })
    })

    test('when the Error is under error', () => {
      const { log, emitted } = setUp()
      log.error({ error }, 'failed')
      expect(emitted[0]!.attributes).toMatchObject({ 'exception.message': 'boom', error: { code: 'E_BOOM' } })
    })

    test('never when the value is none', () => {
      const { log, emitted } = setUp()
      for (const err of ['text', 7, { name: 'Error', code: 'E' }, { message: 'only' }, null]) {
        log.error({ err }, 'failed')
        expect(emitted.pop()!.attributes).toEqual({ err })
      }
    })
  })

  describe('filters records by a level', () => {
    test('which changes when levels() is called', () => {
      const { log, emitted } = setUp({ level: 'warn' }, { level: 'trace' })
      log.info('no')
      log.warn('yes')
      log.levels('otel', 'debug')
      log.debug('now')
      log.level(25)
      log.debug('no more')
      expect(emitted.map(({ body }) => body)).toEqual(['yes', 'now'])
    })

    test('of the logger when the option is absent', () => {
      const { log, emitted } = setUp({}, { level: 'debug' })
      log.trace('no')
      log.debug('yes')
      expect(emitted).toHaveLength(1)
    })
  })

  test('leaves a record unchanged when there are other streams', () => {
    const { loggerProvider, emitted } = memory()
    const ring = new library.RingBuffer({ limit: 1 })
    let json = ''
    const log = library.createLogger({
      name: 'shop',
      streams: [
        otelStream({ loggerProvider }),
        { type: 'raw', stream: ring },
        { stream: new Writable({ write: (chunk, _, done) => done(void (json += chunk)) }) },
      ],
    })
    log.error({ 'otel.event.name': 'paid', err: new Error('boom'), nested: { id: 7 } }, 'failed')
    expect(emitted).toHaveLength(1)
    const [record] = ring.records
    expect(Object.keys(record)).toEqual([
      'name',
      'hostname',
      'pid',
      'level',
      'otel.event.name',
      'err',
      'nested',
      'msg',
      'time',
      'v',
    ])
    expect(record.err).toBeInstanceOf(Error)
    expect(JSON.parse(json)).toMatchObject({ 'otel.event.name': 'paid', nested: { id: 7 }, msg: 'failed' })
  })
})

describe('otelStream', () => {
  test.each([
    [{ level: 'loud' }, /option level has the level "loud"/],
    [{ level: -1 }, /option level/],
    [{ level: 1.5 }, /option level/],
    [{ severity: { loud: 9 } }, /option severity has the level "loud"/],
    [{ levels: 'info' }, /there is no option levels/],
  ])('throws when the options are %o', (options, message) => {
    expect(() => otelStream(options as never)).toThrow(message)
    expect(() => otelStream(options as never)).toThrow(
      expect.objectContaining({ name: 'LogbridgeError', code: 'INVALID_OPTION' }),
    )
  })

  test('accepts each form of bunyan when level is set', () => {
    expect(otelStream({ level: 'WARN' as 'warn' }).level).toBe(40)
    expect(otelStream({ level: 35 }).level).toBe(35)
    expect('level' in otelStream()).toBe(false)
  })

  test('does not compile when an option is wrong', () => {
    // @ts-expect-error no such level
    expect(() => otelStream({ level: 'loud' })).toThrow(/loud/)
    // @ts-expect-error no such option
    expect(() => otelStream({ color: 'red' })).toThrow(/color/)
  })
})
