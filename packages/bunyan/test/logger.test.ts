import { type EventEmitter, once } from 'node:events'
import { memoryBackend } from '@logbridge/bridge/conformance'
import bunyan from 'bunyan'
import bunyan1 from 'bunyan1'
import { describe, expect, test } from 'vitest'
import { otelStream, type OtelStreamOptions } from '../src/index.ts'

describe.each([
  ['2', bunyan],
  ['1.8', bunyan1],
])('otelStream of bunyan %s', (_, library) => {
  async function setUp(logger: Partial<bunyan.LoggerOptions> = {}, options: OtelStreamOptions = {}) {
    const { loggerProvider, records } = await memoryBackend.start()
    const stream: bunyan.Stream = otelStream({ loggerProvider, ...options })
    return { stream, log: library.createLogger({ name: 'shop', streams: [stream], ...logger }), records }
  }
  const bodies = (records: readonly { body?: unknown }[]) => records.map(({ body }) => body)

  describe('keeps fields with a name of bunyan when the record is', () => {
    test.each<[object, object]>([
      [{ name: 'cart' }, { scope: 'cart', attributes: {} }],
      [{ name: 7 }, { scope: 'bunyan', attributes: { name: 7 } }],
      [{ pid: 'p', hostname: null }, { attributes: { pid: 'p', hostname: null } }],
      [{ time: 1_700_000_000_123 }, { timestamp: [1_700_000_000, 123_000_000], attributes: {} }],
      [{ time: { at: 'noon' } }, { attributes: { time: { at: 'noon' } } }],
      [{ level: 35 }, { severityNumber: 11, severityText: '35', attributes: {} }],
      [{ src: 'a.png' }, { attributes: { src: 'a.png' } }],
      // bunyan writes its own over these before any stream sees them.
      [
        { msg: 'mine', v: 7 },
        { body: 'text', attributes: {} },
      ],
    ])('%o', async (fields, expected) => {
      const { log, records } = await setUp()
      log.info(fields, 'text')
      expect(await records()).toMatchObject([expected])
      log.info({ nested: fields }, 'text')
      const [{ attributes } = { attributes: {} }] = await records()
      expect(attributes).toEqual({ nested: fields })
    })
  })

  describe('when child loggers log', () => {
    test('sends the fields of each by its level', async () => {
      const { log, records } = await setUp({ level: 'info', fields: { app: 'a' } } as object)
      const full = log.child({ widget: 'cart', level: 'debug' })
      const simple = full.child({ widget: 'shelf', step: 1 }, true)
      simple.debug('simple')
      full.debug({ widget: 'own' }, 'full')
      log.debug('no')
      full.level('error')
      full.info('no')
      log.levels('otel', 'trace')
      log.trace('parent')
      full.trace('no')
      expect((await records()).map(({ body, attributes }) => [body, attributes])).toEqual([
        ['simple', { fields: { app: 'a' }, widget: 'shelf', step: 1 }],
        ['full', { fields: { app: 'a' }, widget: 'own' }],
        ['parent', { fields: { app: 'a' } }],
      ])
    })

    test('sends a record once to each stream', async () => {
      const { log, records } = await setUp()
      const own = await memoryBackend.start()
      const child = log.child({ streams: [otelStream({ loggerProvider: own.loggerProvider })] })
      child.info('child')
      log.info('parent')
      expect(bodies(await records())).toEqual(['child', 'parent'])
      expect(bodies(await own.records())).toEqual(['child'])
    })
  })

  describe('sends serialized fields when serializers are', () => {
    const card = (text: string) => `**${text.slice(-2)}`

    test('those of the parent, of the child, and added later', async () => {
      const { log, records } = await setUp({ serializers: { card, user: () => 'parent' } })
      const child = log.child({ serializers: { user: () => 'child' } })
      child.info({ card: '4111', user: { password: 'p' } }, 'child')
      log.info({ card: '4222', user: { password: 'p' }, token: 't' }, 'parent')
      log.addSerializers({ token: () => '[token]' })
      log.child({ token: 'of the child' }).info({ card: '4333' }, 'later')
      expect((await records()).map(({ attributes }) => attributes)).toEqual([
        { card: '**11', user: 'child' },
        { card: '**22', user: 'parent', token: 't' },
        { card: '**33', token: '[token]' },
      ])
    })

    test("bunyan's own for requests, responses and errors", async () => {
      const { log, records } = await setUp({ serializers: library.stdSerializers })
      const connection = { remoteAddress: '::1', remotePort: 5 }
      const req = { method: 'GET', url: '/a', headers: { host: 'h' }, connection, secret: 1 }
      const res = { statusCode: 404, _header: 'HTTP/1.1 404', secret: 1 }
      const inner = new Error('inner')
      const err = Object.assign(new TypeError('boom'), { cause: () => inner, secret: 1 })
      log.warn({ req, res, err }, 'failed')
      const [record] = await records()
      expect(record!.attributes).toEqual({
        'exception.type': 'TypeError',
        'exception.message': 'boom',
        'exception.stacktrace': expect.stringMatching(/^TypeError: boom[^]+Caused by: Error: inner/),
        req: { method: 'GET', url: '/a', headers: { host: 'h' }, ...connection },
        res: { statusCode: 404, header: 'HTTP/1.1 404' },
      })
    })

    test('those of the application for errors', async () => {
      const { log, records } = await setUp({
        serializers: { err: ({ message }: Error) => ({ message, type: 'Custom', hint: 'h' }) },
      })
      log.error(Object.assign(new Error('boom'), { secret: 1 }))
      const [record] = await records()
      expect(record).toMatchObject({ body: 'boom' })
      expect(record!.attributes).toEqual({
        'exception.type': 'Custom',
        'exception.message': 'boom',
        err: { hint: 'h' },
      })
    })
  })

  describe('sends records', () => {
    test('by its level, else info, when the stream is added later', async () => {
      const { log, records } = await setUp({ level: 'fatal' })
      const added = await memoryBackend.start()
      const { loggerProvider } = added
      log.addStream(otelStream({ loggerProvider, scope: 'default' }))
      log.addStream(otelStream({ loggerProvider, scope: 'own', level: 'debug' }))
      log.debug('debug')
      log.info('info')
      expect((await added.records()).map(({ scope, body }) => [scope, body])).toEqual([
        ['own', 'debug'],
        ['default', 'info'],
        ['own', 'info'],
      ])
      expect(await records()).toEqual([])
    })

    test('and calls onError, when reemitErrorEvents is true and a record fails', async () => {
      const caught: unknown[] = []
      const emitted: unknown[] = []
      const stream = otelStream({
        loggerProvider: {
          getLogger() {
            throw new Error('no logger')
          },
        },
        onError: (error) => caught.push(error),
      })
      const log = library.createLogger({ name: 'shop', streams: [{ ...stream, reemitErrorEvents: true }] })
      ;(log as unknown as EventEmitter).on('error', (error) => emitted.push(error))
      log.info('x')
      expect(caught).toMatchObject([{ message: 'no logger' }])
      expect(emitted).toEqual([])
    })

    test('when the stream is not raw and gets lines', async () => {
      const { stream, records } = await setUp({}, { scope: 'lines' })
      const lines = stream.stream as NodeJS.WritableStream
      const log = library.createLogger({ name: 'shop', stream: lines, serializers: library.stdSerializers })
      log.warn({ order: { id: 7 }, time: new Date(1_700_000_000_123), err: new RangeError('boom') }, 'placed')
      lines.write('no JSON')
      expect(await records()).toMatchObject([
        {
          body: 'placed',
          severityNumber: 13,
          timestamp: [1_700_000_000, 123_000_000],
          attributes: { order: { id: 7 }, 'exception.type': 'RangeError' },
        },
        { body: 'no JSON', severityNumber: 9, attributes: {} },
      ])
    })
  })
})

test('the end of otelStream emits finish when the provider has flushed', async () => {
  const events: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const { stream } = otelStream({
    loggerProvider: { getLogger: () => ({ emit() {} }), forceFlush: () => promise } as never,
  })
  stream.on('finish', () => events.push('finish')).on('close', () => events.push('close'))
  stream.end(() => events.push('called back'))
  await new Promise(setImmediate)
  expect(events).toEqual([])
  resolve()
  await once(stream, 'close')
  expect(events).toEqual(['finish', 'called back', 'close'])
})

test('write of otelStream calls back and sends no record when the text is empty', async () => {
  const emitted: unknown[] = []
  const loggerProvider = { getLogger: () => ({ emit: (record: unknown) => emitted.push(record) }) }
  const { stream } = otelStream({ loggerProvider })
  await new Promise((done) => stream.write('', done))
  expect(emitted).toEqual([])
})
