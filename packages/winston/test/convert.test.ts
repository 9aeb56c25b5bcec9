import { describe, expect, test, vi } from 'vitest'
import winston, { type Logform } from 'winston'
import { contribSyslogSeverity } from '../src/index.ts'
import { arrived, arrivedOne } from './arrived.ts'

const { format } = winston
const CALL = expect.objectContaining({ body: 'hello' })

/** Logs at each level of a set. @returns the severity numbers that arrive: `error 17, info 9` */
async function severitiesOf(
  levels: Record<string, number>,
  severity?: typeof contribSyslogSeverity,
): Promise<string> {
  const names = Object.keys(levels)
  const level = names.reduce((least, name) => (levels[name]! > levels[least]! ? name : least))
  const records = await arrived(
    (logger) => names.forEach((name) => logger.log(name, 'x')),
    { levels, level },
    { severity },
  )
  return records.map(({ severityText, severityNumber }) => `${severityText} ${severityNumber}`).join(', ')
}

describe('severity', () => {
  const { npm, syslog, cli } = winston.config

  test.each<[string, Record<string, number>, string]>([
    ['npm', npm.levels, 'error 17, warn 13, info 9, http 7, verbose 6, debug 5, silly 1'],
    [
      'syslog',
      syslog.levels,
      'emerg 21, alert 19, crit 18, error 17, warning 13, notice 10, info 9, debug 5',
    ],
    [
      'cli',
      cli.levels,
      'error 17, warn 13, help 11, data 10, info 9, debug 5, prompt 4, verbose 3, input 2, silly 1',
    ],
    [
      'well-known names',
      { fatal: 0, error: 1, warn: 2, info: 3, debug: 4, trace: 5 },
      'fatal 21, error 17, warn 13, info 9, debug 5, trace 1',
    ],
    ['with one above error', { audit: 0, error: 1, info: 2 }, 'audit 21, error 17, info 9'],
    [
      'with unknown names between and after',
      { error: 0, odd: 1, info: 2, chatty: 3 },
      'error 17, odd 13, info 9, chatty 1',
    ],
    ['unknown names', { high: 0, middle: 1, low: 2 }, 'high 17, middle 9, low 1'],
    ['with an unknown name before a lesser level', { top: 0, info: 1 }, 'top 17, info 9'],
    ['in another order than their names say', { info: 0, error: 1, trace: 2 }, 'info 21, error 17, trace 1'],
    [
      'in another order than two names say',
      { emerg: 0, alert: 1, critical: 2, error: 3, warning: 4, info: 5 },
      'emerg 21, alert 19, critical 18, error 17, warning 13, info 9',
    ],
    ['in upper case', { ERROR: 0, WARN: 1, INFO: 2, DEBUG: 3 }, 'ERROR 17, WARN 13, INFO 9, DEBUG 5'],
    [
      'aliases',
      { Panic: 0, Critical: 1, err: 2, Warning: 3, notice: 4, information: 5, Verbose: 6, trace: 7 },
      'Panic 21, Critical 21, err 17, Warning 13, notice 10, information 9, Verbose 6, trace 1',
    ],
    ['with gaps in priority', { low: 900, high: 10 }, 'low 1, high 17'],
    ['one level', { only: 0 }, 'only 17'],
  ])('is mapped by level when the levels are %s', async (_, levels, expected) => {
    expect(await severitiesOf(levels)).toBe(expected)
  })

  test('is that of the contrib transport when the option is contribSyslogSeverity', async () => {
    const severities = await severitiesOf(syslog.levels, contribSyslogSeverity)
    expect(severities).toMatch(/^emerg 23, alert 22, crit 21, error 17,/)
  })

  test('has a text without colors when a format colors the level', async () => {
    const record = await arrivedOne((logger) => logger.warn('hello'), {
      format: format.colorize({ all: true }),
    })
    expect(record).toMatchObject({ severityText: 'warn', severityNumber: 13, body: 'hello' })
  })
})

describe('body', () => {
  test.each<[string, Logform.Format]>([
    ['format.cli()', format.cli()],
    ['format.padLevels()', format.padLevels()],
    ['format.align()', format.align()],
    [
      'format.colorize() after format.padLevels()',
      format.combine(format.padLevels(), format.colorize({ all: true })),
    ],
  ])('is the message as it was logged when %s pads', async (_, padding) => {
    for (const message of ['started', '  indented\ttext', '']) {
      const { body } = await arrivedOne((logger) => logger.info(message), { format: padding })
      expect(body).toBe(message)
    }
    const splat = format.combine(format.splat(), padding)
    const { body } = await arrivedOne((logger) => logger.info('%d started', 2), { format: splat })
    expect(body).toBe('2 started')
  })

  test.each<[string, (logger: winston.Logger) => void, unknown]>([
    ['a text', (logger) => logger.info('hello'), 'hello'],
    ['an empty text', (logger) => logger.info(''), ''],
    ['an object', (logger) => logger.info({ a: { b: 1 } }), { a: { b: 1 } }],
    ['an array', (logger) => logger.info(['a', 1]), ['a', 1]],
    ['a number', (logger) => logger.info(7), 7],
    ['a Map', (logger) => logger.info(new Map([['a', 1]])), { a: 1 }],
    ['a record', (logger) => logger.log({ level: 'info', message: 'hello' }), 'hello'],
  ])('keeps its type when the message is %s', async (_, run, body) => {
    expect((await arrivedOne(run)).body).toEqual(body)
  })

  test('is the formatted message when a format changes the message', async () => {
    const label = format.label({ label: 'db', message: true })
    const { body, scope } = await arrivedOne((logger) => logger.info('hello'), { format: label })
    expect({ body, scope }).toEqual({ body: '[db] hello', scope: 'winston' })
  })

  test('is the message when format.logstash() has moved the message into its text', async () => {
    const formats = format.combine(format.splat(), format.logstash())
    const run = (logger: winston.Logger) => void logger.info('%s\nthere', 'hello', { id: 7 })
    const { body, attributes } = await arrivedOne(run, { format: formats })
    expect({ body, attributes }).toEqual({ body: 'hello\nthere', attributes: { id: 7 } })
  })

  test('is the message when a format makes a line of text', async () => {
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

  test('are formatted and merged when format.splat() is used', async () => {
    const { body, attributes } = await arrivedOne(
      (logger) => logger.info('%s has %d', 'cart', 3, { user: 'ada' }, { order: 1 }),
      splat,
    )
    expect({ body, attributes }).toEqual({ body: 'cart has 3', attributes: { user: 'ada', order: 1 } })
  })

  test('become the attribute splat when format.splat() is not used', async () => {
    const { body, attributes } = await arrivedOne((logger) => logger.info('%s has %d', 'cart', 3, { a: 1 }))
    expect({ body, attributes }).toEqual({ body: '%s has %d', attributes: { splat: ['cart', 3, { a: 1 }] } })
  })

  test('are matched to tokens without a list of tokens when a message has many', async () => {
    const match = vi.spyOn(String.prototype, 'match')
    const message = '%d '.repeat(1000)
    const { body } = await arrivedOne((logger) => logger.log('info', message, 1))
    const lists = match.mock.contexts.filter((text) => String(text) === message)
    match.mockRestore()
    expect(body).toBe(message)
    expect(lists).toEqual([])
  })

  test('are merged from the first object alone when the message has no tokens', async () => {
    const { attributes } = await arrivedOne((logger) => logger.info('hello', { a: 1 }, { b: 2 }, 'c'))
    expect(attributes).toEqual({ a: 1, splat: [{ b: 2 }, 'c'] })
  })

  test('are merged from all objects when format.splat() gets no tokens', async () => {
    const { attributes } = await arrivedOne((logger) => logger.info('hello', { a: 1 }, { b: 2 }), splat)
    expect(attributes).toEqual({ a: 1, b: 2 })
  })

  test('become the attribute splat when a text follows a message without tokens', async () => {
    const { body, attributes } = await arrivedOne((logger) => logger.info('hello', 'world'))
    expect({ body, attributes }).toEqual({ body: 'hello', attributes: { splat: ['world'] } })
  })

  test('are left out when they are undefined or functions', async () => {
    const { attributes } = await arrivedOne((logger) => logger.info('hello', undefined, () => {}))
    expect(attributes).toEqual({})
  })

  test('get another key when the application has a field splat', async () => {
    const { attributes } = await arrivedOne((logger) => logger.info('hello', { splat: 'mine' }, 'extra'))
    expect(attributes).toEqual({ splat: 'mine', 'splat#2': ['extra'] })
  })

  test('do not bring back a field when a format has removed the field', async () => {
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

  test('and the template are sent when captureTemplate is true', async () => {
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

  test('and the template are not sent when a format has masked the message', async () => {
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
  test('become attributes when they come from defaultMeta and child metadata', async () => {
    const { attributes } = await arrivedOne(
      (logger) => logger.child({ request: { id: 'r' } }).info('hello'),
      {
        defaultMeta: { service: 'shop' },
      },
    )
    expect(attributes).toEqual({ service: 'shop', request: { id: 'r' } })
  })

  test('hold the duration when profile() or a timer logs', async () => {
    const records = await arrived((logger) => {
      logger.profile('work')
      logger.profile('work')
      logger.startTimer().done({ message: 'timed' })
    })
    expect(records.map(({ body }) => body)).toEqual(['work', 'timed'])
    for (const { attributes } of records) expect(attributes).toEqual({ durationMs: expect.any(Number) })
  })

  test('stay separate when a record is logged twice', async () => {
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
  test('is the label when a format sets the label', async () => {
    const record = await arrivedOne((logger) => logger.info('hello'), {
      format: format.label({ label: 'db' }),
    })
    expect(record).toMatchObject({ scope: 'db', attributes: {} })
  })

  test('is the label when a child logger has a label', async () => {
    const record = await arrivedOne((logger) => logger.child({ label: 'db' }).info('hello', { a: 1 }))
    expect(record).toMatchObject({ scope: 'db' })
    expect(record.attributes).toEqual({ a: 1 })
  })

  test('is the label when defaultMeta has a label', async () => {
    const record = await arrivedOne((logger) => logger.info('hello', { a: 1 }), {
      defaultMeta: { label: 'db' },
    })
    expect(record).toMatchObject({ scope: 'db', attributes: { a: 1 } })
  })

  test('is the default when the log call passes a field named label', async () => {
    const record = await arrivedOne((logger) => logger.info('hello', { label: 'Send' }))
    expect(record).toMatchObject({ scope: 'winston', attributes: { label: 'Send' } })
  })

  test('is the label of the format when the log call passes a field named label as well', async () => {
    const run = (logger: winston.Logger) => void logger.info('hello', { label: 'Send' })
    const record = await arrivedOne(run, { format: format.label({ label: 'db' }) })
    expect(record).toMatchObject({ scope: 'db', attributes: {} })
  })

  test('leaves the label an attribute when the option scope is set', async () => {
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
    ['a date with an offset', '2024-01-02 04:04:05+01:00', [1704164645, 0]],
    ['a number of milliseconds', 1704164645678, [1704164645, 678e6]],
    ['seconds as text', '1704164645', [1704164645, 0]],
    ['a Date', new Date('2024-01-02T03:04:05.678Z'), [1704164645, 678e6]],
    ['toString()', 'Tue Jan 02 2024 03:04:05 GMT+0000 (Coordinated Universal Time)', [1704164645, 0]],
  ])('is read when the text is %s', async (_, timestamp, expected) => {
    const record = await stamped(() => timestamp)
    expect(record.timestamp).toEqual(expected)
    expect(record.attributes).toEqual({})
  })

  test.each([
    ['a time of day', '03:04:05'],
    ['an ambiguous date', '01/02/2024 03:04:05'],
    ['a date without time zone, far from the time of the call', '2024-01-02 03:04:05'],
    ['no time at all', 'a while ago'],
    ['an object', { hour: 3 }],
  ])('is the time of the call, and the text is kept, when the text is %s', async (_, timestamp) => {
    const before = Math.floor(Date.now() / 1000)
    const record = await stamped(() => timestamp)
    expect(record.timestamp[0]).toBeGreaterThanOrEqual(before)
    expect(record.attributes).toEqual({ timestamp })
  })

  test.each<[string, (logger: winston.Logger, timestamp: string) => unknown, Logform.Format?]>([
    ['behind the message', (logger, timestamp) => logger.info('hello', { timestamp })],
    ['behind a token', (logger, timestamp) => logger.info('%s', 'hello', { timestamp }), format.splat()],
    [
      'with format.timestamp()',
      (logger, timestamp) => logger.info('hello', { timestamp }),
      format.timestamp(),
    ],
  ])('stays an attribute when the log call passes a field timestamp %s', async (_, log, logFormat) => {
    const before = Math.floor(Date.now() / 1000)
    const timestamp = '2020-01-02T03:04:05Z'
    const run = (logger: winston.Logger): void => void log(logger, timestamp)
    const record = await arrivedOne(run, logFormat && { format: logFormat })
    expect(record.timestamp[0]).toBeGreaterThanOrEqual(before)
    expect(record.attributes).toEqual({ timestamp })
  })

  test('is read when the caller has made the record', async () => {
    const made = { level: 'info', message: 'hello', timestamp: '2024-01-02T03:04:05Z' }
    const record = await arrivedOne((logger) => logger.log(made))
    expect(record).toMatchObject({ timestamp: [1704164645, 0], attributes: {} })
  })

  test('is read when a local time has no zone', async () => {
    const before = Math.floor(Date.now() / 1000)
    const { timestamp, attributes } = await arrivedOne((logger) => logger.info('hello'), {
      format: format.timestamp({ format: 'YYYY-MM-DD HH:mm:ss.SSS' }),
    })
    expect(timestamp[0] - before).toBeGreaterThanOrEqual(0)
    expect(attributes).toEqual({})
  })
})

describe('splat', () => {
  class Empty {
    toString(): string {
      return 'empty'
    }
  }

  test.each<[string, unknown, unknown]>([
    ['a Date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['a Set', new Set([1, 2]), [1, 2]],
    ['a Map', new Map([['a', 1]]), { a: 1 }],
    ['Headers', new Headers({ a: 'b' }), { a: 'b' }],
    ['a URL', new URL('http://h/'), 'http://h/'],
    ['a class instance without fields', new Empty(), 'empty'],
  ])('has the second argument when winston merges nothing of %s', async (_, argument, expected) => {
    for (const options of [{}, { format: format.splat() }]) {
      const { attributes } = await arrivedOne((logger) => logger.info('placed at', argument), options)
      expect(attributes).toEqual({ splat: [expected] })
    }
  })

  test('is absent when the second argument is an empty object', async () => {
    expect((await arrivedOne((logger) => logger.info('hello', {}))).attributes).toEqual({})
  })
})
