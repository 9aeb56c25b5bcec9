import { describe, expect, test, vi } from 'vitest'
import winston, { type Logform } from 'winston'
import { contribSyslogSeverity } from '../src/index.ts'
import { arrived, arrivedOne } from './arrived.ts'

const { format } = winston
const CALL = expect.objectContaining({ body: 'hello' })

/** Logs at each level of a set: the severity numbers that arrive, in the set's order. */
async function severitiesOf(
  levels: Record<string, number>,
  severity?: typeof contribSyslogSeverity,
): Promise<Record<string, number>> {
  const names = Object.keys(levels)
  const level = names.reduce((least, name) => (levels[name]! > levels[least]! ? name : least))
  const records = await arrived(
    (logger) => names.forEach((name) => logger.log(name, 'x')),
    { levels, level },
    { severity },
  )
  return Object.fromEntries(records.map((record) => [record.severityText, record.severityNumber]))
}

describe('severity', () => {
  const { npm, syslog, cli } = winston.config

  test.each([
    ['npm', npm.levels, { error: 17, warn: 13, info: 9, http: 7, verbose: 6, debug: 5, silly: 1 }],
    [
      'syslog',
      syslog.levels,
      { emerg: 21, alert: 19, crit: 18, error: 17, warning: 13, notice: 10, info: 9, debug: 5 },
    ],
    [
      'cli',
      cli.levels,
      {
        error: 17,
        warn: 13,
        help: 11,
        data: 10,
        info: 9,
        debug: 5,
        prompt: 4,
        verbose: 3,
        input: 2,
        silly: 1,
      },
    ],
    [
      'well-known names',
      { fatal: 0, error: 1, warn: 2, info: 3, debug: 4, trace: 5 },
      { fatal: 21, error: 17, warn: 13, info: 9, debug: 5, trace: 1 },
    ],
    ['one above error', { audit: 0, error: 1, info: 2 }, { audit: 21, error: 17, info: 9 }],
    [
      'between and after',
      { error: 0, odd: 1, info: 2, chatty: 3 },
      { error: 17, odd: 13, info: 9, chatty: 1 },
    ],
    ['unknown names', { high: 0, middle: 1, low: 2 }, { high: 17, middle: 9, low: 1 }],
    ['unknown before a lesser one', { top: 0, info: 1 }, { top: 17, info: 9 }],
    ['names against their order', { info: 0, error: 1, trace: 2 }, { info: 9, error: 17, trace: 1 }],
    ['gaps in priority', { low: 900, high: 10 }, { high: 17, low: 1 }],
    ['one level', { only: 0 }, { only: 17 }],
  ])('%s', async (_, levels: Record<string, number>, expected) => {
    expect(await severitiesOf(levels)).toEqual(expected)
  })

  test("the contrib transport's syslog numbers", async () => {
    const severities = await severitiesOf(syslog.levels, contribSyslogSeverity)
    expect(severities).toMatchObject({ emerg: 23, alert: 22, crit: 21, error: 17 })
  })

  test('severityText has no colours', async () => {
    const record = await arrivedOne((logger) => logger.warn('hello'), {
      format: format.colorize({ all: true }),
    })
    expect(record).toMatchObject({ severityText: 'warn', severityNumber: 13, body: 'hello' })
  })
})

describe('body', () => {
  test.each<[string, (logger: winston.Logger) => void, unknown]>([
    ['a text', (logger) => logger.info('hello'), 'hello'],
    ['nothing', (logger) => logger.info(''), ''],
    ['an object', (logger) => logger.info({ a: { b: 1 } }), { a: { b: 1 } }],
    ['an array', (logger) => logger.info(['a', 1]), ['a', 1]],
    ['a number', (logger) => logger.info(7), 7],
    ['a Map', (logger) => logger.info(new Map([['a', 1]])), { a: 1 }],
    ['a record', (logger) => logger.log({ level: 'info', message: 'hello' }), 'hello'],
  ])('%s', async (_, run, body) => {
    expect((await arrivedOne(run)).body).toEqual(body)
  })

  test('is what formats have made of it', async () => {
    const label = format.label({ label: 'db', message: true })
    const { body, scope } = await arrivedOne((logger) => logger.info('hello'), { format: label })
    expect({ body, scope }).toEqual({ body: '[db] hello', scope: 'winston' })
  })

  test('is the message that format.logstash() has moved into its text', async () => {
    const formats = format.combine(format.splat(), format.logstash())
    const run = (logger: winston.Logger) => void logger.info('%s\nthere', 'hello', { id: 7 })
    const { body, attributes } = await arrivedOne(run, { format: formats })
    expect({ body, attributes }).toEqual({ body: 'hello\nthere', attributes: { id: 7 } })
  })

  test('is not the line that a finalizing format has made', async () => {
    const formats = format.combine(
      format.timestamp(),
      format.json(),
      format.printf(({ level, message }) => `${level}: ${String(message)}`),
    )
    const { body, attributes } = await arrivedOne((logger) => logger.info('hello', { user: { id: 7 } }), {
      format: formats,
    })
    expect({ body, attributes }).toEqual({ body: 'hello', attributes: { user: { id: 7 } } })
  })
})

describe('arguments', () => {
  const splat = { format: format.splat() }

  test('format.splat() formats them and merges what is left', async () => {
    const { body, attributes } = await arrivedOne(
      (logger) => logger.info('%s has %d', 'cart', 3, { user: 'ada' }, { order: 1 }),
      splat,
    )
    expect({ body, attributes }).toEqual({ body: 'cart has 3', attributes: { user: 'ada', order: 1 } })
  })

  test('without it, none is lost', async () => {
    const { body, attributes } = await arrivedOne((logger) => logger.info('%s has %d', 'cart', 3, { a: 1 }))
    expect({ body, attributes }).toEqual({ body: '%s has %d', attributes: { splat: ['cart', 3, { a: 1 }] } })
  })

  test('the tokens of a message are counted without a list of them', async () => {
    const match = vi.spyOn(String.prototype, 'match')
    const message = '%d '.repeat(1000)
    const { body } = await arrivedOne((logger) => logger.log('info', message, 1))
    const lists = match.mock.contexts.filter((text) => String(text) === message)
    match.mockRestore()
    expect(body).toBe(message)
    expect(lists).toEqual([])
  })

  test('without tokens, winston merges the first object only', async () => {
    const { attributes } = await arrivedOne((logger) => logger.info('hello', { a: 1 }, { b: 2 }, 'c'))
    expect(attributes).toEqual({ a: 1, splat: [{ b: 2 }, 'c'] })
  })

  test('without tokens, format.splat() merges all objects', async () => {
    const { attributes } = await arrivedOne((logger) => logger.info('hello', { a: 1 }, { b: 2 }), splat)
    expect(attributes).toEqual({ a: 1, b: 2 })
  })

  test('a text behind a message without tokens', async () => {
    const { body, attributes } = await arrivedOne((logger) => logger.info('hello', 'world'))
    expect({ body, attributes }).toEqual({ body: 'hello', attributes: { splat: ['world'] } })
  })

  test('undefined and functions say nothing', async () => {
    const { attributes } = await arrivedOne((logger) => logger.info('hello', undefined, () => {}))
    expect(attributes).toEqual({})
  })

  test("leave the user's own field splat alone", async () => {
    const { attributes } = await arrivedOne((logger) => logger.info('hello', { splat: 'mine' }, 'extra'))
    expect(attributes).toEqual({ splat: 'mine', 'splat#2': ['extra'] })
  })

  test('a field that the format has removed does not come back through them', async () => {
    const scrub = format((info) => {
      delete info['password']
      return info
    })
    const { attributes } = await arrivedOne(
      (logger) => logger.info('hello', { user: 'ada', password: 'p' }),
      {
        format: scrub(),
      },
    )
    expect(attributes).toEqual({ user: 'ada' })
  })

  test('captureTemplate takes the message as it was before formatting', async () => {
    const { body, attributes } = await arrivedOne(
      (logger) => logger.info('%s at 100%% of %j', 'cart', { max: 3 }, { user: 'ada' }),
      splat,
      { captureTemplate: true },
    )
    expect(body).toBe('cart at 100% of {"max":3}')
    expect(attributes).toEqual({
      user: 'ada',
      'log.body.template': '%s at 100%% of %j',
      'log.body.parameters': ['cart', { max: 3 }],
    })
  })

  test('captureTemplate does not bring back what a format has taken out of the message', async () => {
    const mask = format((info) => ({ ...info, message: String(info.message).replaceAll(/\d/g, '*') }))
    const { body, attributes } = await arrivedOne(
      (logger) => logger.info('card %s', '4242'),
      { format: format.combine(format.splat(), mask()) },
      { captureTemplate: true },
    )
    expect({ body, attributes }).toEqual({ body: 'card ****', attributes: {} })
  })
})

describe('fields', () => {
  test('defaultMeta and child metadata', async () => {
    const { attributes } = await arrivedOne(
      (logger) => logger.child({ request: { id: 'r' } }).info('hello'),
      {
        defaultMeta: { service: 'shop' },
      },
    )
    expect(attributes).toEqual({ service: 'shop', request: { id: 'r' } })
  })

  test('the duration of profile() and of a timer', async () => {
    const records = await arrived((logger) => {
      logger.profile('work')
      logger.profile('work')
      logger.startTimer().done({ message: 'timed' })
    })
    expect(records.map(({ body }) => body)).toEqual(['work', 'timed'])
    for (const { attributes } of records) expect(attributes).toEqual({ durationMs: expect.any(Number) })
  })

  test('level and message of a record that is logged twice do not add up', async () => {
    const info = { message: 'hello', a: 1 }
    const records = await arrived((logger) => {
      logger.info(info)
      logger.warn(info)
    })
    expect(records).toEqual([CALL, CALL])
    expect(records.map(({ attributes }) => attributes)).toEqual([{ a: 1 }, { a: 1 }])
  })
})

describe('scope', () => {
  test('is the label of a format', async () => {
    const record = await arrivedOne((logger) => logger.info('hello'), {
      format: format.label({ label: 'db' }),
    })
    expect(record).toMatchObject({ scope: 'db', attributes: {} })
  })

  test("is a child logger's label", async () => {
    const record = await arrivedOne((logger) => logger.child({ label: 'db' }).info('hello', { a: 1 }))
    expect(record).toMatchObject({ scope: 'db' })
    expect(record.attributes).toEqual({ a: 1 })
  })

  test('is the label of defaultMeta', async () => {
    const record = await arrivedOne((logger) => logger.info('hello', { a: 1 }), {
      defaultMeta: { label: 'db' },
    })
    expect(record).toMatchObject({ scope: 'db', attributes: { a: 1 } })
  })

  test('is not a field of the log call that happens to be named so', async () => {
    const record = await arrivedOne((logger) => logger.info('hello', { label: 'Send' }))
    expect(record).toMatchObject({ scope: 'winston', attributes: { label: 'Send' } })
  })

  test('is that of the format where it wins over a field of the log call', async () => {
    const run = (logger: winston.Logger) => void logger.info('hello', { label: 'Send' })
    const record = await arrivedOne(run, { format: format.label({ label: 'db' }) })
    expect(record).toMatchObject({ scope: 'db', attributes: {} })
  })

  test('leaves the label where it is when the option names another', async () => {
    const run = (logger: winston.Logger) => void logger.info('hello')
    const record = await arrivedOne(run, { format: format.label({ label: 'db' }) }, { scope: 'mine' })
    expect(record).toMatchObject({ scope: 'mine', attributes: { label: 'db' } })
  })
})

describe('timestamp', () => {
  const stamped = (timestamp: () => unknown) =>
    arrivedOne((logger) => logger.info('hello'), {
      format: format.timestamp({ format: timestamp as () => string }),
    })

  test.each<[string, unknown, [number, number]]>([
    ['ISO', '2024-01-02T03:04:05.678Z', [1704164645, 678e6]],
    ['ISO with nanoseconds', '2024-01-02T03:04:05.678901234Z', [1704164645, 678901234]],
    ['with an offset', '2024-01-02 04:04:05+01:00', [1704164645, 0]],
    ['milliseconds', 1704164645678, [1704164645, 678e6]],
    ['seconds as text', '1704164645', [1704164645, 0]],
    ['a Date', new Date('2024-01-02T03:04:05.678Z'), [1704164645, 678e6]],
    ['toString()', 'Tue Jan 02 2024 03:04:05 GMT+0000 (Coordinated Universal Time)', [1704164645, 0]],
  ])('%s', async (_, timestamp, expected) => {
    const record = await stamped(() => timestamp)
    expect(record.timestamp).toEqual(expected)
    expect(record.attributes).toEqual({})
  })

  test.each([
    ['time of day', '03:04:05'],
    ['two ways to read it', '01/02/2024 03:04:05'],
    ['no time zone, and not the time of the call', '2024-01-02 03:04:05'],
    ['no time at all', 'a while ago'],
    ['an object', { hour: 3 }],
  ])('%s: the time of the call, and the text is kept', async (_, timestamp) => {
    const before = Math.floor(Date.now() / 1000)
    const record = await stamped(() => timestamp)
    expect(record.timestamp[0]).toBeGreaterThanOrEqual(before)
    expect(record.attributes).toEqual({ timestamp })
  })

  test.each<[string, (logger: winston.Logger, timestamp: string) => unknown, Logform.Format?]>([
    ['', (logger, timestamp) => logger.info('hello', { timestamp })],
    ['behind a token', (logger, timestamp) => logger.info('%s', 'hello', { timestamp }), format.splat()],
    [
      'with format.timestamp()',
      (logger, timestamp) => logger.info('hello', { timestamp }),
      format.timestamp(),
    ],
  ])('of the log call is a field %s', async (_, log, logFormat) => {
    const before = Math.floor(Date.now() / 1000)
    const timestamp = '2020-01-02T03:04:05Z'
    const run = (logger: winston.Logger): void => void log(logger, timestamp)
    const record = await arrivedOne(run, logFormat && { format: logFormat })
    expect(record.timestamp[0]).toBeGreaterThanOrEqual(before)
    expect(record.attributes).toEqual({ timestamp })
  })

  test('of a record that was made by the caller', async () => {
    const made = { level: 'info', message: 'hello', timestamp: '2024-01-02T03:04:05Z' }
    const record = await arrivedOne((logger) => logger.log(made))
    expect(record).toMatchObject({ timestamp: [1704164645, 0], attributes: {} })
  })

  test('local time without a zone', async () => {
    const before = Math.floor(Date.now() / 1000)
    const { timestamp, attributes } = await arrivedOne((logger) => logger.info('hello'), {
      format: format.timestamp({ format: 'YYYY-MM-DD HH:mm:ss.SSS' }),
    })
    expect(timestamp[0] - before).toBeGreaterThanOrEqual(0)
    expect(attributes).toEqual({})
  })
})
