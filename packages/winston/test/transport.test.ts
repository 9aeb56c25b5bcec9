import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import winston from 'winston'
import { memoryBackend } from '@logbridge/bridge/conformance'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { OtelTransport } from '../src/index.ts'
import { arrived, arrivedOne } from './arrived.ts'

const { format } = winston

describe('level', () => {
  const all = (logger: winston.Logger) =>
    ['error', 'info', 'debug'].forEach((level) => logger.log(level, level))

  test('filters records when the transport has a level', async () => {
    const records = await arrived(all, {}, { level: 'info' })
    expect(records.map(({ body }) => body)).toEqual(['error', 'info'])
  })

  test('is that of the logger when the transport has none', async () => {
    expect((await arrived(all, { level: 'error' })).map(({ body }) => body)).toEqual(['error'])
  })

  test('is used by isLevelEnabled() when the level of the transport changes', () => {
    const transport = new OtelTransport({ level: 'error' })
    const logger = winston.createLogger({ transports: [transport] })
    expect(logger.isLevelEnabled('info')).toBe(false)
    transport.level = 'info'
    expect(logger.isLevelEnabled('info')).toBe(true)
  })

  test('is refused when the transport is added to a logger without this level', () => {
    const transport = new OtelTransport({ level: 'notice' })
    expect(() => winston.createLogger({ transports: [transport] })).toThrowError(
      expect.objectContaining({
        name: 'LogbridgeError',
        message: expect.stringMatching(/level is "notice".+error, warn/),
      }),
    )
    const syslog = new OtelTransport({ level: 'notice' })
    winston.createLogger({ levels: winston.config.syslog.levels, transports: [syslog] })
  })
})

describe('options', () => {
  test('format is not called when the level is not sent', async () => {
    let formatted = 0
    const count = format((info) => {
      formatted += 1
      return info
    })
    await arrived((logger) => logger.debug('hello'), {}, { level: 'info', format: count() })
    expect(formatted).toBe(0)
  })

  test.each<[string, unknown]>([
    ['format', 'json'],
    ['level', 5],
    ['silent', 'yes'],
    ['trustInfo', 'yes'],
    ['handleExceptions', 1],
    ['log', () => undefined],
  ])('%s is refused when its value is wrong', (name, value) => {
    expect(() => new OtelTransport({ [name]: value })).toThrowError(
      expect.objectContaining({ name: 'LogbridgeError', message: expect.stringContaining(name) }),
    )
  })

  test('are compile errors when they are wrong', () => {
    // @ts-expect-error -- a level is a name
    expect(() => new OtelTransport({ level: 5 })).toThrow()
    // @ts-expect-error -- true or false
    expect(() => new OtelTransport({ trustInfo: 1 })).toThrow()
    // @ts-expect-error -- no such option
    expect(() => new OtelTransport({ color: 'red' })).toThrow()
    // @ts-expect-error -- not a severity number
    expect(() => new OtelTransport({ severity: { info: 99 } })).toThrow()
  })
})

describe('format of the transport', () => {
  test('hides a field in every place when it removes the field', async () => {
    const scrub = format((info) => {
      delete info['password']
      info['card'] = '***'
      info.message = String(info.message).replace(/\d+/, '#')
      return info
    })
    const fields = { user: 'ada', password: 'p-1', card: '4111' }
    const record = await arrivedOne((logger) => logger.info('card 4111', fields), {}, { format: scrub() })
    expect(record).toMatchObject({ body: 'card #', attributes: { user: 'ada', card: '***' } })
    expect(JSON.stringify(record)).not.toMatch(/p-1|4111/)
    expect(fields.password).toBe('p-1')
  })

  test('drops the record of this transport alone when it throws', async () => {
    const errors: unknown[] = []
    const fail = format((info) => {
      if (info['bad']) throw new Error('format failed')
      return info
    })
    const run = (logger: winston.Logger) => {
      logger.info('one', { bad: true })
      logger.info('two')
    }
    const records = await arrived(run, {}, { format: fail(), onError: (error) => errors.push(error) })
    expect(records.map(({ body }) => body)).toEqual(['two'])
    expect(errors).toEqual([new Error('format failed')])
  })

  test('drops a record when it returns false', async () => {
    const drop = format((info) => (info['private'] ? false : info))
    const run = (logger: winston.Logger) => {
      logger.info('one', { private: true })
      logger.info('two')
    }
    expect((await arrived(run, {}, { format: drop() })).map(({ body }) => body)).toEqual(['two'])
  })

  test('leaves severity and message unchanged when it colors and makes a text', async () => {
    const cli = format.combine(format.cli(), format.json())
    const record = await arrivedOne((logger) => logger.info('hello', { a: { b: 1 } }), {}, { format: cli })
    expect(record).toMatchObject({ severityText: 'info', severityNumber: 9, attributes: { a: { b: 1 } } })
    expect(String(record.body).trim()).toBe('hello')
  })
})

describe('sending', () => {
  test('sends one record each when a logger has two OtelTransports', async () => {
    const session = await memoryBackend.start()
    const { loggerProvider } = session
    const transports = ['one', 'two'].map((scope) => new OtelTransport({ loggerProvider, scope }))
    winston.createLogger({ transports }).info('hello')
    expect((await session.records()).map(({ scope }) => scope)).toEqual(['one', 'two'])
  })

  test('drops the record when the provider logs through another logger', async () => {
    const session = await memoryBackend.start()
    const bodies: unknown[] = []
    const transports: OtelTransport[] = []
    const other = () => {
      bodies.push('nested')
      second.info('nested')
      second.info('nested twice')
    }
    const loggerProvider = {
      getLogger: () => ({ emit: (record: { body?: unknown }) => (bodies.push(record.body), other()) }),
    }
    transports.push(new OtelTransport({ loggerProvider }))
    const first = winston.createLogger({ transports })
    const second = winston.createLogger({ transports })
    first.info('hello')
    first.info('again')
    expect(bodies).toEqual(['hello', 'nested', 'again', 'nested'])
    await session.stop()
  })

  test("emits 'logged' when the event has a listener", async () => {
    const transport = new OtelTransport({ loggerProvider: (await memoryBackend.start()).loggerProvider })
    const logged = new Promise<{ message: string }>((resolve) => transport.once('logged', resolve))
    winston.createLogger({ transports: [transport] }).info('hello')
    expect((await logged).message).toBe('hello')
  })
})

test('transport emits the error of streams when it is written to after its end', async () => {
  const session = await memoryBackend.start()
  const transport = new OtelTransport({ loggerProvider: session.loggerProvider })
  const errors: Error[] = []
  transport.on('error', (error) => errors.push(error))
  const finished = once(transport, 'finish')
  const written = { [Symbol.for('level')]: 'info', level: 'info', message: 'hello' }
  transport.write(written)
  transport.end()
  await finished
  transport.write(written)
  await setImmediate()
  expect(await session.records()).toHaveLength(1)
  expect(errors).toEqual([expect.objectContaining({ message: 'write after end' })])
})

test('transport sends every value when the provider is that of the official SDK', async () => {
  const exporter = new InMemoryLogRecordExporter()
  const loggerProvider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] })
  const logger = winston.createLogger({ transports: [new OtelTransport({ loggerProvider })] })
  logger.error('saving', { err: new TypeError('boom'), user: { tags: new Set(['a']) }, size: 5n })
  await loggerProvider.forceFlush()
  const [record] = exporter.getFinishedLogRecords()
  expect(record).toMatchObject({
    body: 'saving',
    severityText: 'error',
    severityNumber: 17,
    instrumentationScope: { name: 'winston' },
    attributes: {
      user: { tags: ['a'] },
      size: 5,
      'exception.type': 'TypeError',
      'exception.message': 'boom',
    },
  })
  await loggerProvider.shutdown()
})
