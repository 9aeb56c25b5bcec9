import { readFile } from 'node:fs/promises'
import { inspect, stripVTControlCharacters } from 'node:util'
import { Writable } from 'node:stream'
import { runInThisContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import winston, { type Logform, type Logger } from 'winston'
import { type ConformanceRecord, memoryBackend } from '@logbridge/bridge/conformance'
import { OtelTransport, type OtelTransportOptions } from '../../src/index.ts'
import { arrivedOne } from '../arrived.ts'
import { versions } from '../versions.ts'

const { format } = winston
const MESSAGE: unique symbol = Symbol.for('message') as never
const document = await readFile(new URL('../../../../docs/mapping.md', import.meta.url), 'utf8')

interface Row {
  call: string
  on: string
  code: string
  text: string
  body: unknown
  attributes: unknown
}

/** Returns the tables of formats in a section, each with the log call in front of the table. */
const rows = document
  .split(/^## /m)
  .find((section) => section.startsWith('What a winston format hides'))!
  .split(/^`(?=logger\.)/m)
  .slice(1)
  .flatMap((part): Row[] => {
    const call = part.slice(0, part.indexOf('`'))
    return [...part.matchAll(/^\| (logger|transport) \|(.+)\|$/gm)].map(([, on, cells]) => {
      const [code, text, body, attributes] = cells!
        .split(' | ')
        .map((cell) => cell.trim().replaceAll(/^`|`$/g, ''))
      return {
        call,
        on: on!,
        code: code!,
        text: text!,
        body: body === 'none' ? undefined : JSON.parse(body!),
        attributes: JSON.parse(attributes!),
      }
    })
  })

/** Returns the records that a logger sends, and the texts that a winston transport with the same format prints. */
async function sentAndPrinted({ call, on, code }: Row): Promise<{ record: ConformanceRecord; text: string }> {
  const run = runInThisContext(`(logger) => ${call}`) as (logger: Logger) => void
  const make = runInThisContext(`(format) => ${code}`) as (formats: typeof format) => Logform.Format
  const printed: string[] = []
  const stream = new Writable({
    write(line: Buffer, _, next) {
      printed.push(line.toString())
      next()
    },
  })
  const own = on === 'transport' ? { format: make(format) } : {}
  const session = await memoryBackend.start()
  const logger = winston.createLogger({
    ...(on === 'logger' && { format: make(format) }),
    transports: [
      new winston.transports.Stream({ stream, eol: '', ...own }),
      new OtelTransport({ loggerProvider: session.loggerProvider, ...own }),
    ],
  })
  run(logger)
  const records = await session.records()
  expect(records).toHaveLength(1)
  return { record: records[0]!, text: stripVTControlCharacters(printed.join('')) }
}

/** Shortens stacks as the document does, in a text and in JSON. */
function shorten(text: string): string {
  return text.replaceAll(/(\\n|\n) {4}at .*?(?=["}]|$)/gs, '$1    at …')
}

describe('docs/mapping.md', () => {
  test('has a table of formats for fields and one for Errors', () => {
    expect(new Set(rows.map(({ call }) => call.slice(0, 12)))).toEqual(
      new Set(['logger.info(', 'logger.error']),
    )
    expect(rows.length).toBeGreaterThan(20)
  })

  test.each(rows)('describes the record when the format of the $on is $code', async (row) => {
    const { record, text } = await sentAndPrinted(row)
    expect(shorten(text).replaceAll('\n', String.raw`\n`)).toBe(row.text)
    const sent = JSON.parse(
      JSON.stringify(record, (_, value: unknown) => (typeof value === 'string' ? shorten(value) : value)),
    )
    expect({ body: sent.body, attributes: sent.attributes }).toEqual({
      body: row.body,
      attributes: row.attributes,
    })
  })
})

type Log = (logger: Logger) => unknown

/** Returns body and attributes of one record of a logger with a format. */
async function sent(log: Log, loggerFormat: Logform.Format, options: OtelTransportOptions = {}) {
  const record = await arrivedOne((logger) => void log(logger), { format: loggerFormat }, options)
  return { body: record.body, attributes: record.attributes, scope: record.scope }
}

const mask = (key: string, value: unknown): unknown => (/card|token/.test(key) ? '***' : value)
const remove = (key: string, value: unknown): unknown => (/card|token/.test(key) ? undefined : value)
const removing = (): Logform.Format => format.json({ replacer: remove })

describe('a replacer of format.json()', () => {
  test('hides nested fields when they are in objects and arrays', async () => {
    const fields = {
      user: { name: 'ada', token: 't-1' },
      cards: 1,
      items: [{ id: 1, token: 't-2' }, { id: 2 }],
    }
    const removed = await sent((logger) => logger.info('paid', fields), removing())
    expect(removed.attributes).toEqual({ user: { name: 'ada' }, items: [{ id: 1 }, { id: 2 }] })
    const masked = await sent((logger) => logger.info('paid', fields), format.json({ replacer: mask }))
    expect(masked.attributes).toMatchObject({
      user: { name: 'ada', token: '***' },
      items: [{ token: '***' }, {}],
    })
  })

  test('hides fields when the text has many lines, padded levels and colors', async () => {
    const formats = [
      format.json({ replacer: remove, space: 2 }),
      format.combine(removing(), format.padLevels({ levels: winston.config.npm.levels })),
      format.combine(removing(), format.colorize({ all: true })),
      format.combine(format.colorize({ all: true }), removing(), format.uncolorize()),
    ]
    for (const each of formats) {
      const { body, attributes } = await sent((logger) => logger.info('x', { order: 7, card: 1 }), each)
      expect({ body: String(body).trim(), attributes }).toEqual({ body: 'x', attributes: { order: 7 } })
    }
  })

  test('hides a value in message, stack and fields when it masks the value', async () => {
    const replacer = (_: string, value: unknown) =>
      typeof value === 'string' ? value.replaceAll('4111', '#') : value
    const error = Object.assign(new RangeError('no 4111'), { url: '/4111' })
    const record = await sent((logger) => logger.error('card 4111', error), format.json({ replacer }))
    expect(record.body).toBe('card # no #')
    expect(record.attributes).toMatchObject({ url: '/#', 'exception.type': 'RangeError' })
    expect(record.attributes['exception.stacktrace']).toMatch(/^RangeError: no #\n\s+at /)
    expect(JSON.stringify(record)).not.toContain('4111')
  })

  test('leaves values unchanged when JSON prints them in another form', async () => {
    const fields = {
      bytes: Buffer.from('ab'),
      at: new Date(0),
      big: 2n ** 60n,
      map: new Map([['a', 1]]),
      none: null,
      ratio: Number.NaN,
      url: new URL('https://example.com/a'),
      list: [undefined, 1],
    }
    const plain = await sent((logger) => logger.info('x', fields), format.json())
    const replacer = (key: string, value: unknown) =>
      key === 'card' ? undefined : typeof value === 'bigint' ? String(value) : value
    const chosen = await sent((logger) => logger.info('x', { ...fields, card: 1 }), format.json({ replacer }))
    expect(chosen).toEqual(plain)
  })

  test('hides the entries of a Map when it rewrites the Map', async () => {
    const replacer = (_: string, value: unknown) =>
      value instanceof Map ? Object.fromEntries([...value.keys()].map((key) => [key, '***'])) : value
    const { attributes } = await sent(
      (logger) => logger.info('x', { map: new Map([['token', 't-1']]) }),
      format.json({ replacer }),
    )
    expect(attributes).toEqual({ map: { token: '***' } })
  })

  test.each<[string, (error: Error) => unknown, object]>([
    ['its message', (error) => error.message, { 'exception.message': 'no' }],
    [
      'both',
      ({ message, stack }) => ({ message, stack }),
      { 'exception.stacktrace': expect.stringContaining('\n') },
    ],
    [
      'lines of its stack',
      ({ stack }) => stack!.split('\n'),
      { 'exception.stacktrace': expect.stringContaining('\n') },
    ],
    ['another message', () => ({ message: '***' }), { 'exception.message': '***' }],
  ])('shows the result when it rewrites an Error to %s', async (_, rewrite, expected) => {
    const replacer = (_key: string, value: unknown) => (value instanceof Error ? rewrite(value) : value)
    const err = Object.assign(new RangeError('no', { cause: new Error('secret') }), { code: 'E_CODE' })
    const { attributes } = await sent((logger) => logger.error('x', { err }), format.json({ replacer }))
    expect(attributes).toMatchObject({ 'exception.type': 'RangeError', ...expected })
    expect(JSON.stringify(attributes)).not.toMatch(/secret|E_CODE/)
    if (!('exception.stacktrace' in expected))
      expect(attributes['exception.stacktrace']).not.toContain('    at ')
    if (expected && '***' === (expected as Record<string, unknown>)['exception.message'])
      expect(JSON.stringify(attributes)).not.toContain('"no"')
  })

  test('hides a field when a later format removes the field that its text shows', async () => {
    const later = format(({ card: _, ...info }) => info)
    const formats = format.combine(format.json({ replacer: (_, value: unknown) => value }), later())
    const { attributes } = await sent((logger) => logger.info('x', { order: 7, card: '4111' }), formats)
    expect(attributes).toEqual({ order: 7 })
  })

  test('hides a field when the text shows its key in another field alone', async () => {
    const replacer = function (this: unknown, key: string, value: unknown): unknown {
      return key === 'card' && 'level' in (this as object) ? undefined : value
    }
    const fields = { card: '4111', user: { card: 'visa' } }
    const { attributes } = await sent((logger) => logger.info('x', fields), format.json({ replacer }))
    expect(attributes).toEqual({ user: { card: 'visa' } })
  })

  test('keeps the key __proto__ when it hides another key', async () => {
    const user = JSON.parse('{"__proto__":{"a":1},"token":"t-1"}') as object
    const { attributes } = await sent((logger) => logger.info('x', { user }), removing())
    expect(Object.entries(attributes['user'] as object)).toEqual([['__proto__', { a: 1 }]])
  })

  test('hides an Error when it removes the Error', async () => {
    const replacer = (key: string, value: unknown) => (key === 'err' ? undefined : value)
    const { attributes } = await sent(
      (logger) => logger.error('x', { err: new Error('no') }),
      format.json({ replacer }),
    )
    expect(attributes).toEqual({})
  })

  test('hides arguments when winston does not print them', async () => {
    const { attributes } = await sent((logger) => logger.info('x', { a: 1 }, { card: 1 }), removing())
    expect(attributes).toEqual({ a: 1 })
  })

  test('hides the Error when the masked message contains the Error', async () => {
    const formats = format.combine(
      format.splat(),
      format.json({ replacer: (key, value) => (key === 'message' ? '***' : value) }),
    )
    const record = await sent((logger) => logger.error('saving: %s', new Error('no')), formats)
    expect(record).toMatchObject({ body: '***', attributes: {} })
  })

  test('hides the scope when it removes the label', async () => {
    const formats = format.combine(
      format.label({ label: 'db' }),
      format.json({ replacer: (key, value: unknown) => (key === 'label' ? undefined : value) }),
    )
    expect(await sent((logger) => logger.info('x'), formats)).toMatchObject({
      scope: 'winston',
      attributes: {},
    })
  })

  test('hides fields when they come from a child logger or defaultMeta', async () => {
    const record = await arrivedOne((logger) => void logger.child({ token: 1, b: 2 }).info('x'), {
      format: removing(),
      defaultMeta: { card: 1, c: 3 },
    })
    expect(record.attributes).toEqual({ b: 2, c: 3 })
  })

  test('hides the template when it masks the message', async () => {
    const formats = format.combine(
      format.splat(),
      format.json({ replacer: (key, value) => (key === 'message' ? '***' : value) }),
    )
    const record = await sent((logger) => logger.info('card %s', '4111'), formats, { captureTemplate: true })
    expect(JSON.stringify(record)).not.toContain('4111')
  })

  test.each(['maximumDepth', 'maximumBreadth'] as const)(
    'hides the rest when %s truncates a value',
    async (name) => {
      const { attributes } = await sent(
        (logger) => logger.info('x', { a: { b: { c: 1, d: 2, e: 3, f: 4, g: 5 } } }),
        format.json({ [name]: 2 }),
      )
      expect(JSON.stringify(attributes)).not.toContain('5')
    },
  )

  test('hides fields when the record waits behind a slow transport', async () => {
    const session = await memoryBackend.start()
    const resume: (() => void)[] = []
    const slow = new winston.transports.Stream({
      stream: new Writable({ highWaterMark: 1, write: (_, __, next) => void resume.push(next) }),
    })
    slow.log = (_info: object, next: () => void) => void resume.push(next)
    const transports = [slow, new OtelTransport({ loggerProvider: session.loggerProvider })]
    const logger = winston.createLogger({ format: removing(), transports })
    for (let order = 0; order < 40; order += 1) logger.info('x', { order, card: 1 })
    while (resume.length > 0) {
      resume.shift()!()
      await new Promise((resolve) => setImmediate(resolve))
    }
    const records = await session.records()
    expect(records.map(({ attributes }) => attributes)).toEqual(records.map((_, order) => ({ order })))
    expect(records).toHaveLength(40)
  })
})

/** Error with a secret in its cause, in its own fields and in those of an inner error. */
function nestedFailure(): AggregateError {
  const inner = Object.assign(new Error('inner'), { card: '4111', code: 'E_INNER' })
  return Object.assign(new AggregateError([inner], 'outer', { cause: inner }), { card: '4111' })
}

describe('a replacer of format.json() hides values that JSON.stringify does not print', () => {
  test.each<[string, object, unknown]>([
    [
      'a Map',
      {
        map: new Map([
          ['card', '4111'],
          ['a', '1'],
        ]),
      },
      { map: { a: '1' } },
    ],
    ['a Set', { set: new Set([{ card: '4111', a: 1 }]) }, { set: [{ a: 1 }] }],
    ['an object in a list', { list: [new Map([['card', '4111']])] }, { list: [{}] }],
    [
      'the cause and the errors of an Error',
      { reason: nestedFailure() },
      { reason: { cause: { message: 'inner', code: 'E_INNER' }, errors: [{ code: 'E_INNER' }] } },
    ],
  ])('when they are in %s', async (_, fields, expected) => {
    const { attributes } = await sent((logger) => logger.info('x', fields), removing())
    expect(attributes).toMatchObject(expected as object)
    expect(JSON.stringify(attributes)).not.toContain('4111')
  })

  test('when they are in the errors of an Error among the arguments', async () => {
    const { attributes } = await sent((logger) => logger.error('x', nestedFailure()), removing())
    expect(attributes).toMatchObject({ 'exception.type': 'AggregateError' })
    expect(JSON.stringify(attributes)).not.toContain('4111')
  })

  test('when they are in message, stack and cause of an Error', async () => {
    const replacer = (_: string, value: unknown) =>
      typeof value === 'string' ? value.replaceAll('4111', '****') : value
    const err = new Error('card 4111', { cause: new Error('no 4111') })
    const log: Log = (logger) => logger.error('failed', { err, n: 1 })
    const { attributes } = await sent(log, format.json({ replacer }))
    expect(attributes).toMatchObject({
      'exception.message': 'card ****',
      'exception.stacktrace': expect.stringMatching(/^Error: card \*{4}\n[^]*Caused by: Error: no \*{4}\n/),
      n: 1,
    })
    expect(JSON.stringify(attributes)).not.toContain('4111')
  })

  test('when the replacer is a list of keys', async () => {
    const fields = {
      map: new Map([
        ['a', 1],
        ['card', 4111],
      ]),
      reason: nestedFailure(),
    }
    const replacer = ['map', 'reason', 'a'] as never
    const { attributes } = await sent((logger) => logger.info('x', fields), format.json({ replacer }))
    expect(attributes).toMatchObject({ map: { a: 1 }, reason: { cause: { message: 'inner' } } })
    expect(JSON.stringify(attributes)).not.toMatch(/4111|E_INNER/)
  })
})

test('transport sends renamed fields when a replacer of format.json() renames them', async () => {
  const replacer = (_: string, value: any): unknown =>
    value?.card
      ? { n: value.n, pan: '****' }
      : value?.level
        ? { msg: value.message, pay: value.pay, id: 1 }
        : value
  const log: Log = (logger) => logger.info('paid', { pay: { card: '4111', n: 1 }, order: 7 })
  expect(await sent(log, format.json({ replacer }))).toMatchObject({
    body: 'paid',
    attributes: { pay: { n: 1, pan: '****' }, id: 1 },
  })
})

test('transport sends the result of toJSON when a record has a toJSON', async () => {
  const log: Log = (logger) =>
    logger.log({
      level: 'info',
      message: 'paid',
      card: '4111',
      toJSON: () => ({ level: 'info', message: 'paid', last4: '11' }),
    } as never)
  expect(await sent(log, format.json())).toMatchObject({ body: 'paid', attributes: { last4: '11' } })
  expect(JSON.stringify(await sent(log, format.json()))).not.toContain('4111')
})

describe('a text with all fields', () => {
  test.each(versions)(
    'is recognized when format.json() of %s makes the text and a later format adds fields',
    async (_, library) => {
      const session = await memoryBackend.start()
      const add = library.format((info) => ({ ...info, b: 1 }))
      library
        .createLogger({
          format: library.format.combine(library.format.json(), add()),
          transports: [new OtelTransport({ loggerProvider: session.loggerProvider })],
        })
        .info('x', { a: 1 })
      expect((await session.records())[0]!.attributes).toEqual({ a: 1, b: 1 })
    },
  )

  test('is not recognized when a format removes a field from a copy', async () => {
    const textOf = ({ card: _, ...copy }: Logform.TransformableInfo): unknown => {
      format.json().transform(copy, {})
      return copy[MESSAGE]
    }
    const copying = format((info) => ({ ...info, [MESSAGE]: textOf(info) }))
    const assigning = format((info) => Object.assign(info, { [MESSAGE]: textOf(info) }))
    for (const made of [copying(), assigning()]) {
      expect((await sent((logger) => logger.info('x', { a: 1, card: 1 }), made)).attributes).toEqual({ a: 1 })
    }
  })

  test('is not recognized when another logger or transport prints an equal text', async () => {
    const session = await memoryBackend.start()
    const drop = format(({ card: _, ...info }) => info)
    const other = new winston.transports.Stream({
      stream: new Writable({ write: (_, __, next) => next() }),
      format: format.combine(drop(), format.json()),
    })
    const transports = [other, new OtelTransport({ loggerProvider: session.loggerProvider })]
    const logger = winston.createLogger({ format: removing(), transports })
    const plain = winston.createLogger({ transports: [other] })
    plain.info('x', { a: 1 })
    logger.info('x', { a: 1, card: 1 })
    expect((await session.records()).map(({ attributes }) => attributes)).toEqual([{ a: 1 }])
  })

  test('is not recognized when the text is an earlier text of the same object', async () => {
    const session = await memoryBackend.start()
    const transports = [new OtelTransport({ loggerProvider: session.loggerProvider })]
    const info: Record<string, unknown> = { message: 'x', a: 1 }
    winston.createLogger({ transports }).info(info)
    info['card'] = 1
    winston.createLogger({ transports, format: removing() }).info(info)
    expect((await session.records()).map(({ attributes }) => attributes)).toEqual([{ a: 1 }, { a: 1 }])
  })
})

describe('a format of the transport', () => {
  const fields = { order: 7, card: '4111' }
  const both = (loggerFormat: Logform.Format, own: Logform.Format) =>
    sent((logger) => logger.info('x', fields), loggerFormat, { format: own })

  test('sends all fields when its text has them, although the text of the logger hides them', async () => {
    expect((await both(removing(), format.json())).attributes).toEqual(fields)
  })

  test.each<[string, Logform.Format, object]>([
    ['moves fields', format.metadata(), { metadata: { order: 7 } }],
    ['adds a field', format((info) => ({ ...info, b: 1 }))(), { order: 7, b: 1 }],
    [
      'makes a new record',
      format(({ level, message, ...rest }) => ({ level, message, rest }))(),
      { rest: { order: 7 } },
    ],
  ])('hides what the text of the logger hides when it %s and makes no text', async (_, own, expected) => {
    expect((await both(removing(), own)).attributes).toEqual(expected)
  })

  test('hides a field when it masks the field that the text of the logger shows', async () => {
    const own = format((info) => Object.assign(info, { card: '***' }))
    expect((await both(format.json(), own())).attributes).toEqual({ order: 7, card: '***' })
  })

  test('hides nothing when it belongs to another transport', async () => {
    const session = await memoryBackend.start()
    const stream = new Writable({ write: (_, __, next) => next() })
    const transports = [
      new winston.transports.Stream({ stream, format: removing() }),
      new OtelTransport({ loggerProvider: session.loggerProvider }),
    ]
    winston.createLogger({ transports }).info('x', fields)
    expect((await session.records())[0]!.attributes).toEqual(fields)
  })
})

describe('an Error that is the record', () => {
  const error = (): Error => Object.assign(new TypeError('card 4111'), { code: 'E_CARD' })

  test.each<[string, Logform.Format, unknown, object]>([
    ['JSON', format.printf(() => '{"message":"masked"}'), 'masked', {}],
    ['JSON under another key', format.printf(() => '{"text":"masked"}'), '{"text":"masked"}', {}],
    [
      'JSON with a field',
      format.printf(({ code }) => JSON.stringify({ msg: 'masked', code })),
      'masked',
      { code: 'E_CARD' },
    ],
    [
      'JSON with a stack',
      format.printf(() => '{"message":"masked","stack":"TypeError: masked"}'),
      'masked',
      { 'exception.stacktrace': 'TypeError: masked' },
    ],
    [
      'JSON behind a text',
      format.printf(({ code }) => `masked ${JSON.stringify({ code })}`),
      'masked {"code":"E_CARD"}',
      { code: 'E_CARD' },
    ],
    ['a text', format.printf(() => 'masked'), 'masked', {}],
    [
      'JSON of a replacer',
      format.json({ replacer: (key, value: unknown) => (key === '' ? { message: 'masked' } : value) }),
      'masked',
      {},
    ],
  ])('hides message and stack when a mask is printed as %s', async (_, formats, body, attributes) => {
    for (const options of [{}, { format: formats }]) {
      const record = await sent(
        (logger) => logger.error(error()),
        options.format ? format.json() : formats,
        options,
      )
      expect(record.body).toBe(body)
      expect(record.attributes).toEqual({ 'exception.type': 'TypeError', ...attributes })
    }
  })

  test.each<[string, Logform.Format]>([
    ['its message', format.printf(({ message, level }) => JSON.stringify({ level, message }))],
    ['its fields alone', format.printf((info) => JSON.stringify(info))],
    ['its message under another key', format.printf(({ message }) => JSON.stringify({ text: message }))],
    ['its message in a text', format.printf(({ message }) => `error: ${String(message)}`)],
  ])('sends message and stack when the text shows %s', async (_, formats) => {
    const { body, attributes } = await sent((logger) => logger.error(error()), formats)
    expect(body).toBe('card 4111')
    expect(attributes).toMatchObject({
      'exception.type': 'TypeError',
      'exception.message': 'card 4111',
      'exception.stacktrace': expect.stringMatching(/^TypeError: card 4111\n {4}at /),
    })
  })

  test('hides what a replacer of format.json() masks when JSON.stringify prints no message', async () => {
    const masking = format.json({
      replacer: (_, value: unknown) => (typeof value === 'string' ? value.replaceAll('4111', '****') : value),
    })
    const record = await sent((logger) => logger.error(error()), masking)
    expect(record.body).toBe('card ****')
    expect(record.attributes).toMatchObject({ 'exception.type': 'TypeError', code: 'E_CARD' })
    expect(JSON.stringify(record)).not.toContain('4111')
  })

  test('hides its cause when its message is masked', async () => {
    const masking = format.printf((info) => JSON.stringify(info).replaceAll('4111', '****'))
    const record = await sent(
      (logger) => logger.error('saving', Object.assign(error(), { cause: new RangeError('pan 4111') })),
      format.combine(format.errors({ stack: true, cause: true }), masking),
    )
    expect(record.body).toBe('saving card ****')
    expect(JSON.stringify(record)).not.toContain('4111')
  })

  test('hides the message when the getter of its class returns it', async () => {
    const record = await sent(
      (logger) => logger.error(new DOMException('card 4111', 'AbortError') as never),
      format.printf(() => '{"message":"masked"}'),
    )
    expect(record).toMatchObject({ body: 'masked', attributes: { 'exception.type': 'AbortError' } })
    expect(JSON.stringify(record)).not.toContain('4111')
  })
})

describe('a text that is no JSON', () => {
  const masking = (): Logform.Format => format.printf(({ message }) => String(message).replaceAll(/\d/g, '*'))

  test('sends the fields, and the text as body, when trustInfo is true', async () => {
    const log: Log = (logger) => logger.info('card 4111', { order: 7 })
    expect(await sent(log, masking())).toMatchObject({ body: 'card ****', attributes: {} })
    const trusted = await sent(log, masking(), { trustInfo: true })
    expect(trusted).toMatchObject({ body: 'card ****', attributes: { order: 7 } })
  })

  test('hides the fields that JSON leaves out when trustInfo is true', async () => {
    const { attributes } = await sent((logger) => logger.info('x', { a: 1, card: 1 }), removing(), {
      trustInfo: true,
    })
    expect(attributes).toEqual({ a: 1 })
  })

  test.each<[string, Log]>([
    ['a message that is JSON', (logger) => logger.info('{"a":1}', { order: 7 })],
    ['a message of braces', (logger) => logger.info('{a}', { order: 7 })],
    ['an object as message', (logger) => logger.log({ level: 'info', message: { a: 1 } as never, order: 7 })],
    ['no message', (logger) => logger.log({ level: 'info', message: undefined as never, order: 7 })],
    ['a message of many lines', (logger) => logger.info('a\n'.repeat(100_000), { order: 7 })],
    ['a message in color', (logger) => logger.info('\u001b[31mred\u001b[39m', { order: 7 })],
  ])('keeps the fields when the record has %s', async (_, log) => {
    const formats = format.printf(({ level, message }) => `[${level}] ${String(message)}`)
    expect((await sent(log, formats)).attributes).toMatchObject({ order: 7 })
    expect(
      (
        await sent(
          log,
          format.printf(({ message }) => message as string),
        )
      ).attributes,
    ).toMatchObject({ order: 7 })
  })

  test.each<[string, Logform.Format]>([
    [
      'a mask for a part',
      format.printf(({ message, card }) => `${String(message)} <41${'*'.repeat(String(card).length)}>`),
    ],
    ['a mask in words', format.printf(({ message }) => `${String(message)} (hidden)`)],
    ['another key', format.printf(({ message }) => `${String(message)} CC: xxxxxxxx`)],
    ['the key in another case', format.printf(({ message }) => `${String(message)} CARD=****`)],
    [
      'a JSON array',
      format.printf(({ message, order }) =>
        JSON.stringify([
          ['message', message],
          ['order', order],
        ]),
      ),
    ],
    [
      'some fields as objects',
      format.printf(({ message, order }) => `${String(message)} ${inspect({ order })}`),
    ],
    [
      'a mask, and the value elsewhere',
      format.printf(({ message }) => `4111-11-29 ${String(message)} card=***`),
    ],
    [
      'a mask, and a message that is in the key',
      format.printf(({ message }) => `${String(message)} card: ***`),
    ],
  ])('hides a field when it shows %s', async (_, formats) => {
    const { body, attributes } = await sent((logger) => logger.info('r', { order: 7, card: '4111' }), formats)
    expect(body).toBe('r')
    expect(attributes).not.toHaveProperty('card')
    const trusted = await sent((logger) => logger.info('r', { card: '4111' }), formats, { trustInfo: true })
    expect(trusted.attributes).toEqual({ card: '4111' })
  })

  test.each<[string, unknown, (value: any) => string]>([
    ['as JSON', 'say "hi"\\', (value) => `value=${JSON.stringify(value)}`],
    ['by util.inspect', 'it\'s "so" `here`\\', (value) => `{ value: ${inspect(value)} }`],
    ['by String()', new URL('https://example.com/a?b=1'), (value) => `value=${String(value)}`],
    ['as [object Object]', { id: 7 }, (value) => `value=${String(value)}`],
  ])('sends a value when it prints the value %s', async (_, value, print) => {
    const formats = format.printf((info) => `${String(info.message)} ${print(info['value'])}`)
    const { attributes } = await sent((logger) => logger.info('x', { value, card: '4111' }), formats)
    const plain = await sent((logger) => logger.info('x', { value }), format.json())
    expect(attributes['value']).toEqual(plain.attributes['value'])
  })

  test.each<[string, Logform.Format, object]>([
    [
      'a part of an object',
      format.printf(({ message, user }) => `${String(message)} user=${(user as { name: string }).name}`),
      { user: { name: 'ada' }, card: '4111' },
    ],
    [
      'a mask behind a spaced sign',
      format.printf(({ message }) => `${String(message)} card = ***`),
      { user: { name: 'ada', token: 't-1' } },
    ],
    [
      'a mask, behind format.json()',
      format.combine(
        format.json(),
        format.printf(({ message }) => `${String(message)} card=***`),
      ),
      { user: { name: 'ada', token: 't-1' } },
    ],
  ])('hides a part when it shows %s', async (_, formats, expected) => {
    const fields = { user: { name: 'ada', token: 't-1' }, card: '4111' }
    expect((await sent((logger) => logger.info('x', fields), formats)).attributes).toEqual(expected)
  })

  test('hides arguments that are no fields when it shows a mask', async () => {
    const formats = format.printf(({ message }) => `msg="${String(message)}" pan=***`)
    const { attributes } = await sent(
      (logger) => logger.error('saving', 'pan 4111', { pan: '4111' }, new Error('4111')),
      formats,
    )
    expect(attributes).toEqual({})
  })

  test('hides the parameters of a template when it shows neither', async () => {
    const formats = format.printf(({ message }) => JSON.stringify({ m: message }))
    const options = { captureTemplate: true }
    const { body, attributes } = await sent((logger) => logger.error('saving %s', '4111'), formats, options)
    expect(body).toBe('saving %s')
    expect(attributes).toEqual({})
  })

  test('sends an Error when its message stands beside a JSON object', async () => {
    const formats = format.printf(
      ({ message, err, order }) =>
        `${String(message)} ${(err as Error).message} ${JSON.stringify({ order })}`,
    )
    const { attributes } = await sent(
      (logger) => logger.error('x', { err: Object.assign(new RangeError('no'), { card: '4111' }), order: 7 }),
      formats,
    )
    expect(attributes).toMatchObject({ order: 7, 'exception.type': 'RangeError', 'exception.message': 'no' })
    expect(JSON.stringify(attributes)).not.toContain('4111')
  })

  test('sends the fields that it shows when there is no message', async () => {
    const formats = format.printf(({ order }) => `order ${String(order)}`)
    const { attributes } = await sent((logger) => logger.info('', { order: 7, card: '4111' }), formats)
    expect(attributes).toEqual({ order: 7 })
  })

  test('sends numbers and booleans when it shows them beside a JSON object', async () => {
    const formats = format.printf(({ message, pid, ok, cvv: _cvv, pin: _pin, year: _year, order, ...rest }) =>
      [`[${String(pid)}]`, ok, '2026-11-29', message, `order=${String(order)}`, JSON.stringify(rest)].join(
        ' ',
      ),
    )
    const fields = { pid: 4242, ok: true, cvv: 29, pin: 11, year: 2026, order: 7, region: 'eu' }
    const { attributes } = await sent((logger) => logger.info('paid', fields), formats)
    expect(attributes).toEqual({ pid: 4242, ok: true, order: 7, region: 'eu' })
  })

  test('sends the fields of many objects when format.prettyPrint() prints equal keys', async () => {
    const fields = Object.fromEntries(
      Array.from({ length: 1000 }, (_, index) => [`user${index}`, { id: 7000 + index, name: `n${index}` }]),
    )
    const { attributes } = await sent((logger) => logger.info('x', fields), format.prettyPrint())
    expect(attributes).toEqual(fields)
  })

  test('sends lists and texts when format.prettyPrint() truncates them', async () => {
    const fields = {
      list: Array.from({ length: 150 }, (_, index) => index),
      text: 'long '.repeat(5000),
      lines: 'line\n'.repeat(500),
    }
    const { attributes } = await sent((logger) => logger.info('x', fields), format.prettyPrint())
    expect(attributes).toEqual(fields)
  })

  test('sends messages and fields when format.prettyPrint() prints quotes and line breaks', async () => {
    const fields = {
      text: 'it\'s "so"\nand so',
      list: ['a', 'b'],
      at: new Date(0),
      size: 5n,
      map: new Map([['a', 1]]),
    }
    for (const colorize of [false, true]) {
      const plain = await sent((logger) => logger.info("it's\nthere", fields), format.json())
      expect(
        await sent((logger) => logger.info("it's\nthere", fields), format.prettyPrint({ colorize })),
      ).toEqual(plain)
    }
  })

  test('sends ten thousand fields when format.prettyPrint() prints them', async () => {
    const fields = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, index) => [`field ${index}`, `v${index}`]),
    )
    expect((await sent((logger) => logger.info('x', fields), format.prettyPrint())).attributes).toEqual(
      fields,
    )
  })

  test('hides a value when a search for it exceeds the bound', async () => {
    const formats = format.printf(({ message }) => `${String(message)} ids: b${'-'.repeat(100_000)}a`)
    const ids = Array.from({ length: 10_000 }, (_, index) => (index % 2 === 0 ? 'a' : 'b'))
    const { attributes } = await sent((logger) => logger.info('x', { ids, order: 7 }), formats)
    expect(attributes).toEqual({ order: 7 })
  })

  test('hides a value when format.prettyPrint() prints another form of its class', async () => {
    class Secret {
      readonly value: string = 'hunter2';
      [inspect.custom](): string {
        return '[secret]'
      }
    }
    const log: Log = (logger) => logger.info('x', { user: 'ada', token: new Secret() })
    expect((await sent(log, format.prettyPrint())).attributes).toEqual({ user: 'ada' })
  })

  test('keeps an attribute when its key is the name of the level', async () => {
    const formats = format.printf(({ level, message }) => `${level}: ${String(message)}`)
    const { attributes } = await sent(
      (logger) => logger.error('x', { error: new RangeError('no'), a: 1 }),
      formats,
    )
    expect(attributes).toMatchObject({ a: 1, 'exception.type': 'RangeError' })
  })

  test('keeps an Error when it prints the Error as an object without fields', async () => {
    const formats = format.printf(({ message }) => `${String(message)} - { err: {}, a: 1 }`)
    const { attributes } = await sent(
      (logger) => logger.info('x', { err: new RangeError('no'), a: 1 }),
      formats,
    )
    expect(attributes).toMatchObject({ a: 1, 'exception.message': 'no' })
  })

  test('hides a nested field when it masks the field by its key', async () => {
    const formats = format.printf(({ message }) => `${String(message)} user.token="***" id: 7`)
    const { attributes } = await sent(
      (logger) => logger.info('x', { user: { id: 7, token: 't-1' } }),
      formats,
    )
    expect(attributes).toEqual({ user: { id: 7 } })
  })

  test('hides fields when the last JSON object in it leaves them out', async () => {
    const formats = format.printf(
      ({ message, order }) => `{"v":1} ${String(message)} ${JSON.stringify({ order })}`,
    )
    const { attributes } = await sent((logger) => logger.info('x', { order: 7, card: '4111' }), formats)
    expect(attributes).toEqual({ order: 7 })
  })

  test('hides fields when the JSON in it leaves them out, and keeps texts beside the JSON', async () => {
    const formats = format.printf(
      ({ message, request, card: _, level, ...rest }) =>
        `[${String(request)}] ${level} ${String(message)} ${JSON.stringify(rest)}`,
    )
    const { attributes } = await sent(
      (logger) => logger.info('x', { request: 'r-1', card: '4111', a: 1 }),
      formats,
    )
    expect(attributes).toEqual({ request: 'r-1', a: 1 })
  })

  test('is the body and the stack of the exception when it shows a stack in place of the message', async () => {
    const formats = format.printf(({ level, message, stack }) => `${level}: ${String(stack ?? message)}`)
    const { body, attributes } = await sent((logger) => logger.error('saving', new RangeError('no')), formats)
    expect(body).toMatch(/^error: RangeError: no\n/)
    expect(attributes).toMatchObject({
      'exception.message': 'no',
      'exception.stacktrace': expect.stringMatching(/^RangeError: no\n/),
    })
  })
})
