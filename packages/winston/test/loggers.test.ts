import { EventEmitter, once } from 'node:events'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import winston from 'winston'
import { type BackendSession, memoryBackend } from '@logbridge/bridge/conformance'
import { OtelTransport, type OtelTransportOptions } from '../src/index.ts'
import { versions } from './versions.ts'

// Transport and records while loggers are created, changed and removed.

let session: BackendSession
beforeEach(async () => {
  session = await memoryBackend.start()
})
afterEach(() => session.stop())

const create = (options: OtelTransportOptions = {}) =>
  new OtelTransport({ loggerProvider: session.loggerProvider, ...options })
const bodies = async () => (await session.records()).map(({ body }) => body)
const severities = async () =>
  (await session.records()).map(({ severityText, severityNumber }) => [severityText, severityNumber])

describe.each(versions)('OtelTransport of %s', (_, winston) => {
  const { npm, syslog } = winston.config
  const { format } = winston

  describe('of loggers that share an array of transports', () => {
    test('sends one record each when three loggers log', async () => {
      const transports = [create()]
      const loggers = [1, 2, 3].map(() => winston.createLogger({ transports }))
      loggers.forEach((logger, index) => logger.info(`of ${index}`))
      expect(await bodies()).toEqual(['of 0', 'of 1', 'of 2'])
    })

    test('uses the levels of each logger when the levels differ', async () => {
      const transports = [create()]
      const ranked = { error: 0, notable: 1, info: 2 }
      const longer = { error: 0, odd: 1, notable: 2, info: 3, trace: 4 }
      const first = winston.createLogger({ transports, levels: ranked, level: 'info' })
      const second = winston.createLogger({ transports, levels: syslog.levels, level: 'notice' })
      const third = winston.createLogger({ transports, levels: longer, level: 'notable' })
      for (const logger of [first, third, first]) logger.log('notable', 'x')
      for (const level of ['crit', 'notice', 'info']) second.log(level, 'x')
      third.log('info', 'is less than its level')
      expect(await severities()).toEqual([
        ['notable', 13],
        ['notable', 11],
        ['notable', 13],
        ['crit', 18],
        ['notice', 10],
      ])
    })

    test('uses the level of each logger when one logger is closed', async () => {
      const transports = [create()]
      const quiet = winston.createLogger({ transports, level: 'error' })
      const loud = winston.createLogger({ transports, level: 'debug' })
      for (const logger of [quiet, loud]) logger.debug('both')
      loud.close()
      quiet.info('not this')
      quiet.error('this')
      expect(await bodies()).toEqual(['both', 'this'])
    })

    test('compares its level with the levels of each logger when the transport has a level', async () => {
      const transports = [create({ level: 'info' })]
      const first = winston.createLogger({ transports, levels: npm.levels })
      const second = winston.createLogger({ transports, levels: syslog.levels })
      first.debug('not this')
      first.info('one')
      second.log('debug', 'not this')
      second.log('notice', 'two')
      expect(await bodies()).toEqual(['one', 'two'])
    })

    test('causes no warning about listeners when many loggers share it', async () => {
      const warnings: Error[] = []
      const keep = (warning: Error) => void warnings.push(warning)
      process.on('warning', keep)
      onTestFinished(() => void process.off('warning', keep))
      const transports = [create()]
      for (let n = 0; n < 40; n += 1) winston.createLogger({ transports }).info('hello')
      await new Promise(setImmediate)
      expect(await bodies()).toHaveLength(40)
      expect(warnings).toEqual([])
    })
  })

  describe('after configure()', () => {
    test('sends records when configure() adds it', async () => {
      const logger = winston.createLogger({ transports: [new winston.transports.Console({ silent: true })] })
      logger.info('before')
      logger.configure({ transports: [create()], level: 'debug' })
      logger.debug('after')
      expect(await bodies()).toEqual(['after'])
    })

    test('sends no more records when configure() removes it', async () => {
      const logger = winston.createLogger({ transports: [create()] })
      logger.info('before')
      logger.configure({ transports: [new winston.transports.Console({ silent: true })] })
      logger.info('after')
      expect(await bodies()).toEqual(['before'])
    })

    test('follows level and format when configure() keeps it', async () => {
      const transports = [create()]
      const logger = winston.createLogger({ transports, level: 'debug' })
      logger.debug('before')
      logger.configure({ transports, level: 'warn', format: format.label({ label: 'later' }) })
      logger.info('not this')
      logger.warn('after')
      const records = await session.records()
      expect(records.map(({ body, scope }) => [body, scope])).toEqual([
        ['before', 'winston'],
        ['after', 'later'],
      ])
    })

    test('uses the new levels when configure() replaces the levels', async () => {
      const transports = [create()]
      const levels = { high: 0, info: 1 }
      const logger = winston.createLogger({ transports, levels })
      logger.log('high', 'x')
      logger.configure({ transports, levels: { error: 0, high: 1, info: 2 } })
      logger.log('high', 'x')
      expect(await severities()).toEqual([
        ['high', 17],
        ['high', 13],
      ])
    })

    test('uses the level of the second logger when it is moved', async () => {
      const transport = create()
      const first = winston.createLogger({ transports: [transport], level: 'debug' })
      first.clear()
      const second = winston.createLogger({ transports: [transport], level: 'warn' })
      second.info('not this')
      second.warn('of the second')
      expect(await bodies()).toEqual(['of the second'])
    })
  })

  test('sends one record each when it is added and removed repeatedly', async () => {
    const transport = create()
    const logger = winston.createLogger()
    for (let n = 0; n < 3; n += 1) {
      logger.add(transport)
      logger.info(`call ${n}`)
      logger.remove(transport)
    }
    logger.add(transport).add(transport)
    logger.info('added twice')
    expect(await bodies()).toEqual(['call 0', 'call 1', 'call 2', 'added twice'])
  })

  test('sends an earlier record by the level of the logger when it is added later', async () => {
    const logger = winston.createLogger({ level: 'info' })
    logger.debug('not this')
    logger.info('early')
    logger.add(create())
    await new Promise(setImmediate)
    expect(await bodies()).toEqual(['early'])
  })

  describe('silent', () => {
    test('of a logger drops its records alone when another logger shares the transport', async () => {
      const transports = [create()]
      const silent = winston.createLogger({ transports, silent: true })
      silent.info('not this')
      winston.createLogger({ transports }).info('this')
      silent.silent = false
      silent.info('and this')
      expect(await bodies()).toEqual(['this', 'and this'])
    })

    test('of a transport drops all records until it is false', async () => {
      const transport = create({ silent: true })
      const logger = winston.createLogger({ transports: [transport] })
      logger.info('not this')
      transport.silent = false
      logger.info('this')
      expect(await bodies()).toEqual(['this'])
    })
  })

  test('follows level and format when they change', async () => {
    const transport = create()
    const logger = winston.createLogger({ transports: [transport], level: 'error' })
    logger.info('not this')
    logger.level = 'debug'
    logger.debug('one')
    transport.level = 'warn'
    logger.info('nor this')
    transport.format = format((info) => ({ ...info, message: `formatted ${String(info.message)}` }))()
    logger.warn('two')
    expect(await bodies()).toEqual(['one', 'formatted two'])
  })

  test('sends the records of all loggers when a Container shares it', async () => {
    const container = new winston.Container({ transports: [create()] })
    container.add('db').info('one')
    container.get('db').info('two')
    container.get('web', { format: format.label({ label: 'web' }) }).info('three')
    container.close('db')
    container.get('web').info('four')
    const records = await session.records()
    expect(records.map(({ body, scope }) => `${scope}: ${String(body)}`)).toEqual([
      'winston: one',
      'winston: two',
      'web: three',
      'web: four',
    ])
    container.close()
  })

  test('sends the records of the default logger when winston.add() adds it', async () => {
    const transport = create({ level: 'debug' })
    onTestFinished(() => void winston.remove(transport))
    winston.add(transport)
    winston.info('one', { a: 1 })
    winston.log('warn', 'two')
    winston.profile('work')
    winston.profile('work')
    winston.startTimer().done({ message: 'timed' })
    expect(await bodies()).toEqual(['one', 'two', 'work', 'timed'])
  })

  test("emits 'finish' after all records when the logger ends", async () => {
    const transport = create()
    const logger = winston.createLogger({ transports: [transport] })
    const finished = once(transport, 'finish')
    for (let n = 0; n < 100; n += 1) logger.info(`call ${n}`)
    logger.end()
    await Promise.all([finished, once(logger, 'finish')])
    expect(await bodies()).toHaveLength(100)
  })
})

// winston 3.0.0 has no working query().
test('query() and stream() use the other transports when the logger has an OtelTransport', async () => {
  const found = [{ message: 'from a file' }]
  const tail = new EventEmitter()
  const other = Object.assign(new winston.transports.Console({ silent: true }), {
    query: (_options: object, done: (error: null, results: object[]) => void) => done(null, found),
    formatResults: (results: object[]) => results,
    stream: () => tail,
  })
  const logger = winston.createLogger({ transports: [create(), other] })
  const results = await new Promise((resolve, reject) => {
    logger.query({} as never, (error, answer) => (error ? reject(error) : resolve(answer)))
  })
  expect(results).toEqual({ console: found })
  const streamed = once(logger.stream(), 'log')
  tail.emit('log', { message: 'from its end' })
  expect(await streamed).toEqual([{ message: 'from its end', transport: ['console'] }])
})
