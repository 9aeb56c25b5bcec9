import { once } from 'node:events'
import { ROOT_CONTEXT, TraceFlags, context, trace } from '@opentelemetry/api'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { memoryBackend } from '@logbridge/bridge/conformance'
import pino from 'pino'
import pino8 from 'pino8'
import pino9 from 'pino9'
import { describe, expect, test } from 'vitest'
import { otelStream, type OtelStreamOptions } from '../src/index.ts'

const SPAN = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: TraceFlags.SAMPLED }

describe.each([
  ['pino 10', pino],
  ['pino 9', pino9 as unknown as typeof pino],
  ['pino 8', pino8 as unknown as typeof pino],
])('otelStream of %s', (_, pino) => {
  /** A logger with these options, and what has arrived from it. */
  async function open(loggerOptions: pino.LoggerOptions<string> = {}, streamOptions: OtelStreamOptions = {}) {
    const { loggerProvider, records } = await memoryBackend.start()
    const stream = otelStream({ loggerProvider, ...streamOptions })
    const logger = pino<string>({ level: 'trace', ...loggerOptions }, stream)
    const only = async () => {
      const arrived = await records()
      expect(arrived).toHaveLength(1)
      return arrived[0]!
    }
    return { logger, stream, records, only }
  }

  test('sends the logged fields alone when a record is logged', async () => {
    const { logger, only } = await open()
    logger.info({ a: 1 }, 'hello')
    const { body, attributes, scope } = await only()
    expect({ body, attributes, scope }).toEqual({ body: 'hello', attributes: { a: 1 }, scope: 'pino' })
  })

  test.for<[string, (stream: object) => object]>([
    ['a spread', (stream) => ({ ...stream })],
    ['Object.assign', (stream) => Object.assign({}, stream)],
    ['Object.create', (stream) => Object.create(stream) as object],
    [
      'an own prototype',
      (stream) => Object.assign(Object.create(Object.getPrototypeOf(stream) as object), stream),
    ],
  ])('sends message, exception, and scope when the stream is a copy by %s', async ([, copy]) => {
    const { stream, records } = await open()
    const logger = pino(
      { name: 'shop', errorKey: 'problem', messageKey: 'text' },
      copy(stream) as typeof stream,
    )
    logger.error(new RangeError('boom'), 'failed')
    stream.write('{"level":30,"msg":"of other code"}\n')
    expect(await records()).toMatchObject([
      { scope: 'shop', body: 'failed', attributes: { 'exception.type': 'RangeError' } },
      { scope: 'pino', body: 'of other code' },
    ])
  })

  test('sends the severity number of the option when severity names a level by its number', async () => {
    const { logger, records } = await open({ customLevels: { notice: 35 } }, { severity: { 35: 10, 45: 14 } })
    logger['notice' as 'info']('hello')
    expect((await records()).map(({ severityNumber }) => severityNumber)).toEqual([10])
  })

  test('sends the severity number of a name when another writer has written the level', async () => {
    const { stream, records } = await open()
    for (const level of ['WARNING', 'Critical', 'notice', 'odd'])
      stream.write(`{"level":"${level}","msg":"x"}\n`)
    expect((await records()).map(({ severityNumber }) => severityNumber)).toEqual([13, 21, 10, 0])
  })

  test('sends the scope that the function chooses when the option scope is a function', async () => {
    const scope = ({ context }: { context?: string }) => {
      if (context === 'bad') throw new Error('no')
      return context
    }
    const { logger, records } = await open({ name: 'shop' }, { scope, onError: () => {} })
    for (const context of ['cart', undefined, 7, 'bad']) logger.info({ context }, 'hello')
    expect((await records()).map((record) => record.scope)).toEqual(['cart', 'shop', 'shop', 'shop'])
  })

  test('sends the time of the call when the text of the time has no zone', async () => {
    const { TZ } = process.env
    try {
      process.env['TZ'] = 'America/New_York'
      const utc = new Date().toISOString().slice(0, 19).replace('T', ' ')
      const { logger, only } = await open({ timestamp: () => `,"time":"${utc}"` })
      const before = Date.now()
      logger.info('hello')
      const { timestamp, attributes } = await only()
      expect(timestamp[0]).toBeGreaterThanOrEqual(Math.floor(before / 1000))
      expect(timestamp[0] - before / 1000).toBeLessThan(60)
      expect(attributes).toEqual({ time: utc })
    } finally {
      if (TZ === undefined) delete process.env['TZ']
      else process.env['TZ'] = TZ
    }
  })

  test('sends no body when there is no message', async () => {
    const { logger, only } = await open()
    logger.info({ a: 1 })
    const { body, attributes } = await only()
    expect({ body, attributes }).toEqual({ body: undefined, attributes: { a: 1 } })
  })

  test('sends a structured body when the message is no string', async () => {
    const { logger, only } = await open()
    logger.info(42)
    expect((await only()).body).toBe(42)
  })

  describe("keeps fields with a name of pino's", () => {
    test('when they are time, level, pid, hostname, or v', async () => {
      const { logger, only } = await open()
      const fields = { time: 1_234_567_890, level: 'gold', pid: 1, hostname: 'db', v: 2 }
      const before = Date.now()
      logger.warn(fields, 'hello')
      const { attributes, timestamp, severityNumber } = await only()
      expect(attributes).toEqual(fields)
      expect(severityNumber).toBe(13)
      expect(timestamp[0]).toBeGreaterThanOrEqual(Math.floor(before / 1000))
    })

    test('when the field is time, and pino writes none', async () => {
      const { logger, only } = await open({ timestamp: false, base: null })
      const before = Date.now()
      logger.info({ time: 1_234_567_890 }, 'hello')
      const { attributes, timestamp } = await only()
      expect(attributes).toEqual({ time: 1_234_567_890 })
      expect(timestamp[0]).toBeGreaterThanOrEqual(Math.floor(before / 1000))
    })

    test('when the field is name, and the logger has none', async () => {
      const { logger, only } = await open()
      logger.info({ name: 'Ada' }, 'hello')
      const { scope, attributes } = await only()
      expect({ scope, attributes }).toEqual({ scope: 'pino', attributes: { name: 'Ada' } })
    })

    test('when the field is name, and the logger has another', async () => {
      const { logger, only } = await open({ name: 'shop' })
      logger.info({ name: 'Ada' }, 'hello')
      const { scope, attributes } = await only()
      expect({ scope, attributes }).toEqual({ scope: 'shop', attributes: { name: 'Ada' } })
    })
  })

  test('keeps pid and hostname when they are those of another process', async () => {
    const { logger, only } = await open({ base: { pid: 1, hostname: 'elsewhere' } })
    logger.info('hello')
    expect((await only()).attributes).toEqual({ pid: 1, hostname: 'elsewhere' })
  })

  test('sends the name as scope when the logger, or its child, has a name', async () => {
    const { logger, only } = await open({ name: 'shop' })
    const child = logger.child({ name: 'cart', request: 7 })
    logger.info('hello')
    expect(await only()).toMatchObject({ scope: 'shop', attributes: {} })
    child.info('hello')
    const { scope, attributes } = await only()
    expect({ scope, attributes }).toEqual({ scope: 'cart', attributes: { request: 7 } })
    child.setBindings({ name: 'till' })
    child.info('hello')
    expect((await only()).scope).toBe('till')
  })

  test('sends the name as an attribute when the option scope is set', async () => {
    const { logger, only } = await open({ name: 'shop' }, { scope: 'mine' })
    logger.info('hello')
    const { scope, attributes } = await only()
    expect({ scope, attributes }).toEqual({ scope: 'mine', attributes: { name: 'shop' } })
  })

  describe('sends the level', () => {
    test('when a child has custom levels', async () => {
      const { logger, only } = await open()
      const child = logger.child({}, { customLevels: { notice: 35 } })
      child['notice']!('hello')
      expect(await only()).toMatchObject({ severityText: 'notice', severityNumber: 11 })
    })

    test.each([
      ['another key and a number', (_: string, number: number) => ({ lvl: number }), { lvl: 40 }],
      ['an object', (label: string) => ({ log: { level: label } }), { log: { level: 'warn' } }],
    ])('when formatters.level writes %s', async (_, level, attributes) => {
      const { logger, only } = await open({ formatters: { level }, base: null })
      logger.warn({ a: 1 }, 'hello')
      const record = await only()
      expect(record).toMatchObject({ severityText: 'warn', severityNumber: 13, body: 'hello' })
      expect(record.attributes).toEqual({ ...attributes, a: 1 })
      expect(record.timestamp[0]).toBeGreaterThan(1_700_000_000)
    })

    test('when it is at least the option level, a name in severity or a number', async () => {
      for (const options of [{ level: 'notice', severity: { notice: 11 } }, { level: 35 }] as const) {
        const { logger, records } = await open({ customLevels: { notice: 35 } }, options)
        logger.info('hello')
        ;(logger as unknown as Record<string, (message: string) => void>)['notice']!('hello')
        logger.warn('hello')
        expect((await records()).map(({ severityText }) => severityText)).toEqual(['notice', 'warn'])
      }
    })

    test('otelStream throws when an option is unknown or invalid', () => {
      // @ts-expect-error a wrong option does not compile either
      expect(() => otelStream({ color: 'red' })).toThrow('there is no option color')
      expect(() => otelStream({ level: 'notice' })).toThrow(
        /option level is "notice"; it accepts one of trace, debug/,
      )
    })
  })

  describe('sends an Error', () => {
    test('with its own fields alone under its key when it is logged', async () => {
      const { logger, only } = await open()
      logger.error(new TypeError('boom'), 'failed')
      const { body, attributes } = await only()
      expect(body).toBe('failed')
      expect(Object.keys(attributes)).toEqual(['exception.type', 'exception.message', 'exception.stacktrace'])
    })

    test('with causes nested when the serializer is the default', async () => {
      const { logger, only } = await open()
      logger.error(new Error('outer', { cause: Object.assign(new TypeError('inner'), { code: 'E1' }) }))
      const { body, attributes } = await only()
      expect(body).toBe('outer')
      expect(attributes['exception.message']).toBe('outer')
      expect(attributes['exception.stacktrace']).toMatch(/^Error: outer\n[^]+\nCaused by: TypeError: inner\n/)
      expect(attributes['err']).toMatchObject({ cause: { type: 'TypeError', message: 'inner', code: 'E1' } })
    })

    test('with causes in its stack when the line is read', async () => {
      const { logger, only } = await open({}, { source: 'line' })
      logger.error(new Error('outer', { cause: new TypeError('inner') }))
      const { body, attributes } = await only()
      expect(body).toBe('outer')
      expect(attributes['exception.message']).toBe('outer: inner')
      expect(attributes['exception.stacktrace']).toMatch(/^Error: outer\n[^]+\ncaused by: TypeError: inner\n/)
    })

    test('with causes when errWithCause writes them as objects', async () => {
      const { logger, only } = await open({ serializers: { err: pino.stdSerializers.errWithCause } })
      logger.error(new Error('outer', { cause: new TypeError('inner') }))
      const { attributes } = await only()
      expect(attributes['exception.message']).toBe('outer')
      expect(attributes['exception.stacktrace']).toMatch(/^Error: outer\n[^]+\nCaused by: TypeError: inner\n/)
      expect(attributes['err']).toMatchObject({ cause: { type: 'TypeError', message: 'inner' } })
    })

    test('with the type in its stack when its class is anonymous', async () => {
      const { logger, only } = await open()
      logger.error(new (class extends TypeError {})('boom'))
      expect((await only()).attributes).toMatchObject({ 'exception.type': 'TypeError' })
    })

    test('with its message under its key when the message is no text', async () => {
      const { logger, only } = await open()
      logger.error({ err: Object.assign(new Error(), { message: { id: 7 } }) }, 'failed')
      expect((await only()).attributes).toEqual({ err: { message: { id: 7 } } })
    })

    test('without a stack when the Error has none, and the line is read', async () => {
      const error = Object.defineProperty(new TypeError('bare'), 'stack', { value: undefined })
      const { logger, only } = await open({}, { source: 'line' })
      logger.error(error)
      const { attributes } = await only()
      expect(attributes).toEqual({ 'exception.type': 'TypeError', 'exception.message': 'bare' })
    })

    test('with its name as type when the name is its own', async () => {
      const { logger, only } = await open()
      logger.error(Object.assign(new Error('too late'), { name: 'TimeoutError', code: 'E1' }))
      const { attributes } = await only()
      expect(attributes['exception.type']).toBe('TimeoutError')
      expect(attributes['err']).toEqual({ code: 'E1' })
    })

    test('with the parts alone that its serializer leaves when it has a serializer', async () => {
      const { logger, only } = await open({ serializers: { err: ({ message }: Error) => ({ message }) } })
      logger.error(Object.assign(new Error('boom'), { secret: 's' }))
      expect((await only()).attributes).toEqual({ 'exception.message': 'boom' })
    })

    test('when it stands under error, which has a serializer', async () => {
      const { logger, only } = await open({ serializers: { error: pino.stdSerializers.err } })
      logger.error({ error: new TypeError('boom') }, 'failed')
      expect((await only()).attributes).toMatchObject({ 'exception.type': 'TypeError' })
    })

    test.each([
      ['a text', 'boom'],
      ['an object with a message', { message: 'boom', code: 'E1', name: 'Boom' }],
      ['null', null],
    ])('never when the field is %s', async (_, err) => {
      const { logger, only } = await open()
      logger.info({ err, error: { name: 'Boom', code: 1 } }, 'hello')
      const { attributes } = await only()
      expect(Object.keys(attributes)).toEqual(['err', 'error'])
    })
  })

  test('sends no value when pino hides it', async () => {
    const { logger, records } = await open(
      {
        redact: { paths: ['password', 'user.token', 'err.config'], remove: true },
        serializers: { card: () => 'card' },
        formatters: { log: (fields: object) => ({ ...fields, internal: undefined }) },
      },
      { captureTemplate: true },
    )
    const child = logger.child({ password: 'secret' })
    child.info({ user: { token: 'secret', id: 1 }, card: 'secret', internal: 'secret' }, 'hello')
    child.error(Object.assign(new Error('boom'), { config: 'secret' }))
    const arrived = await records()
    expect(arrived).toHaveLength(2)
    expect(JSON.stringify(arrived)).not.toContain('secret')
  })

  test('sends values as logged when they change after the call', async () => {
    const { logger, only } = await open()
    const cart = { items: ['apple'] }
    const when = new Date(0)
    logger.info({ cart, when }, 'hello')
    cart.items.push('pear')
    when.setTime(1)
    expect((await only()).attributes).toEqual({
      cart: { items: ['apple'] },
      when: '1970-01-01T00:00:00.000Z',
    })
  })

  test('sends exact digits when integers are beyond the safe ones', async () => {
    const { logger, only } = await open({}, { redact: () => {} })
    logger.info({ id: 2n ** 62n + 1n, list: [-(2n ** 60n + 1n)], huge: 2n ** 70n, double: 1e20, small: 1.5 })
    expect((await only()).attributes).toEqual({
      id: '4611686018427387905',
      list: ['-1152921504606846977'],
      huge: '1180591620717411303424',
      double: 1e20,
      small: 1.5,
    })
  })

  describe('sends records', () => {
    test('when it is the destination of a logger without options', async () => {
      const { loggerProvider, records } = await memoryBackend.start()
      pino(otelStream({ loggerProvider })).info('hello')
      expect(await records()).toHaveLength(1)
    })

    test('when logger.flush has nothing to wait for', async () => {
      const { logger, only } = await open()
      logger.info('hello')
      await new Promise<void>((resolve, reject) => {
        logger.flush((error) => (error ? reject(error) : resolve()))
      })
      expect((await only()).body).toBe('hello')
    })

    test('by its level, and to the end, when it is in a multistream', async () => {
      const { loggerProvider, records } = await memoryBackend.start()
      const written: string[] = []
      const streams = pino.multistream([
        {
          level: 'trace',
          stream: { write: (line: string) => void written.push(line), end() {} } as pino.DestinationStream,
        },
        { level: 'warn', stream: otelStream({ loggerProvider }) },
      ])
      const logger = pino({ level: 'trace', name: 'shop', messageKey: 'message' }, streams)
      logger.info('hello')
      logger.child({ a: 1 }).error('failed')
      streams.flushSync()
      streams.end()
      expect(written).toHaveLength(2)
      const [record, ...others] = await records()
      expect(others).toEqual([])
      expect(record).toMatchObject({
        scope: 'shop',
        body: 'failed',
        severityText: 'error',
        attributes: { a: 1 },
      })
    })

    test('by its level when it is in a multistream without duplicates', async () => {
      const { loggerProvider, records } = await memoryBackend.start()
      const written: string[] = []
      const streams = pino.multistream(
        [
          { level: 'info', stream: { write: (line: string) => void written.push(line) } },
          { level: 'error', stream: otelStream({ loggerProvider }) },
        ],
        { dedupe: true },
      )
      const logger = pino({}, streams)
      logger.info('hello')
      logger.error('failed')
      expect(written).toHaveLength(1)
      expect(await records()).toMatchObject([{ body: 'failed' }])
    })
  })

  test.each([
    ['text', 'not JSON\n', 'not JSON', 0],
    ['broken JSON', '{"level":30,"msg":"x"\n', '{"level":30,"msg":"x"', 9],
    ['an array', '[1,2]\n', '[1,2]', 0],
    ['null', 'null', 'null', 0],
  ])('sends a text when the line is %s', async (_, line, body, severityNumber) => {
    const { stream, logger, only, records } = await open({ name: 'shop' })
    logger.error('before')
    await records()
    stream.write(line)
    const record = await only()
    expect(record).toMatchObject({ body, severityNumber, attributes: {} })
  })

  test("sends the line as text when a child's key has a quote, which pino 9 does not escape", async () => {
    const { logger, only } = await open()
    logger.child({ 'a"b': 1, name: 'shop' }).info('hello')
    expect((await only()).body).toContain('hello')
  })

  test('calls back and sends no record when a line is empty', async () => {
    const { stream, logger, only } = await open()
    logger.info('hello')
    await new Promise((done) => stream.write('', done))
    expect(await only()).toMatchObject({ body: 'hello' })
  })

  test('reads a record when another writer has made the line', async () => {
    const { stream, only } = await open()
    stream.write('{"msg":"hello","a":{"b":1},"level":40,"time":1700000000123}\n')
    const { body, attributes, severityNumber, severityText, timestamp } = await only()
    expect({ body, attributes, severityNumber, severityText, timestamp }).toEqual({
      body: 'hello',
      attributes: { a: { b: 1 } },
      severityNumber: 13,
      severityText: 'warn',
      timestamp: [1700000000, 123000000],
    })
  })

  test('sends a field when its key is __proto__', async () => {
    const { stream, only } = await open()
    stream.write('{"level":30,"time":1700000000123,"__proto__":{"polluted":1},"a":1,"msg":"hello"}\n')
    const { attributes } = await only()
    expect(attributes['a']).toBe(1)
    expect(attributes['polluted']).toBeUndefined()
    expect(Object.hasOwn(attributes, '__proto__')).toBe(true)
  })

  test('sends each field when the provider is that of the official SDK', async () => {
    const exporter = new InMemoryLogRecordExporter()
    const loggerProvider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] })
    const logger = pino({ name: 'shop' }, otelStream({ loggerProvider }))
    context.with(trace.setSpanContext(ROOT_CONTEXT, SPAN), () => {
      logger.warn({ nested: { at: new Date(0), list: [1, null] } }, 'hello %s', 'world')
    })
    await loggerProvider.forceFlush()
    const [record] = exporter.getFinishedLogRecords()
    expect(record).toMatchObject({
      body: 'hello world',
      severityNumber: 13,
      severityText: 'warn',
      attributes: { nested: { at: '1970-01-01T00:00:00.000Z', list: [1, null] } },
      instrumentationScope: { name: 'shop' },
    })
    await loggerProvider.shutdown()
  })
})

describe('the end of otelStream', () => {
  const unreachable = new Error('unreachable')
  const provider = (forceFlush: () => Promise<void>) => ({
    getLogger: () => ({ emit() {} }),
    forceFlush,
  })

  test('emits finish when the provider has flushed', async () => {
    const events: string[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const stream = otelStream({ loggerProvider: provider(() => promise) })
    stream.on('finish', () => events.push('finish')).on('close', () => events.push('close'))
    pino({}, pino.multistream([{ stream }])).info('hello')
    stream.end(() => events.push('called back'))
    await new Promise(setImmediate)
    expect(events).toEqual([])
    resolve()
    await once(stream, 'close')
    expect(events).toEqual(['finish', 'called back', 'close'])
  })

  test('sends a last line when end() has the line', async () => {
    const { loggerProvider, records } = await memoryBackend.start()
    const stream = otelStream({ loggerProvider })
    stream.end('{"level":30,"msg":"last words"}')
    expect((await records()).map(({ body }) => body)).toEqual(['last words'])
  })

  test('calls back with the error when logger.flush fails', async () => {
    const logger = pino(otelStream({ loggerProvider: provider(() => Promise.reject(unreachable)) }))
    expect(await new Promise((resolve) => logger.flush(resolve))).toBe(unreachable)
  })

  test('throws when flushTimeoutMillis is wrong', () => {
    expect(() => otelStream({ flushTimeoutMillis: -1 })).toThrow(/flushTimeoutMillis is -1/)
  })
})
