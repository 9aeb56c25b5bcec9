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

  test('of the transport', async () => {
    const records = await arrived(all, {}, { level: 'info' })
    expect(records.map(({ body }) => body)).toEqual(['error', 'info'])
  })

  test('of the logger, where the transport has none', async () => {
    expect((await arrived(all, { level: 'error' })).map(({ body }) => body)).toEqual(['error'])
  })

  test('is known to isLevelEnabled()', () => {
    const transport = new OtelTransport({ level: 'error' })
    const logger = winston.createLogger({ transports: [transport] })
    expect(logger.isLevelEnabled('info')).toBe(false)
    transport.level = 'info'
    expect(logger.isLevelEnabled('info')).toBe(true)
  })

  test('that the logger does not know is refused when the two meet', () => {
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
  test('winston filters first: no format runs for a level that is not sent', async () => {
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
  ])('%s is refused when wrong', (name, value) => {
    expect(() => new OtelTransport({ [name]: value })).toThrowError(
      expect.objectContaining({ name: 'LogbridgeError', message: expect.stringContaining(name) }),
    )
  })

  test('wrong ones are compile errors', () => {
    // @ts-expect-error -- a level is a name
    expect(() => new OtelTransport({ level: 5 })).toThrow()
    // @ts-expect-error -- true or false
    expect(() => new OtelTransport({ trustInfo: 1 })).toThrow()
    // @ts-expect-error -- no such option
    expect(() => new OtelTransport({ colour: 'red' })).toThrow()
    // @ts-expect-error -- not a severity number
    expect(() => new OtelTransport({ severity: { info: 99 } })).toThrow()
  })
})

describe('format of the transport', () => {
  test('hides what it removes, in every place', async () => {
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

  test('that throws costs this transport the record, and no one else', async () => {
    const told: unknown[] = []
    const fail = format((info) => {
      if (info['bad']) throw new Error('format failed')
      return info
    })
    const run = (logger: winston.Logger) => {
      logger.info('one', { bad: true })
      logger.info('two')
    }
    const records = await arrived(run, {}, { format: fail(), onError: (error) => told.push(error) })
    expect(records.map(({ body }) => body)).toEqual(['two'])
    expect(told).toEqual([new Error('format failed')])
  })

  test('drops a record', async () => {
    const drop = format((info) => (info['private'] ? false : info))
    const run = (logger: winston.Logger) => {
      logger.info('one', { private: true })
      logger.info('two')
    }
    expect((await arrived(run, {}, { format: drop() })).map(({ body }) => body)).toEqual(['two'])
  })

  test('may colour and finalize', async () => {
    const cli = format.combine(format.cli(), format.json())
    const record = await arrivedOne((logger) => logger.info('hello', { a: { b: 1 } }), {}, { format: cli })
    expect(record).toMatchObject({ severityText: 'info', severityNumber: 9, attributes: { a: { b: 1 } } })
    expect(String(record.body).trim()).toBe('hello')
  })
})

describe('sending', () => {
  test('with two transports of ours: one record each', async () => {
    const session = await memoryBackend.start()
    const { loggerProvider } = session
    const transports = ['one', 'two'].map((scope) => new OtelTransport({ loggerProvider, scope }))
    winston.createLogger({ transports }).info('hello')
    expect((await session.records()).map(({ scope }) => scope)).toEqual(['one', 'two'])
  })

  test('a provider that logs through another one of them does not go round for ever', async () => {
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

  test("'logged' is emitted for those who listen", async () => {
    const transport = new OtelTransport({ loggerProvider: (await memoryBackend.start()).loggerProvider })
    const logged = new Promise<{ message: string }>((resolve) => transport.once('logged', resolve))
    winston.createLogger({ transports: [transport] }).info('hello')
    expect((await logged).message).toBe('hello')
  })
})

test('a transport that has ended takes no more, and says so as streams do', async () => {
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

test('the official SDK gets every value', async () => {
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
