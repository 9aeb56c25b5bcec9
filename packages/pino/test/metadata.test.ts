import { memoryBackend } from '@logbridge/bridge/conformance'
import pino from 'pino'
import pino8 from 'pino8'
import pino9 from 'pino9'
import { describe, expect, test } from 'vitest'
import { type OtelStream, otelStream, type OtelStreamOptions } from '../src/index.ts'

/** A value that JSON cannot carry shows which source was read. */
const tags = new Set(['new'])
const FROM_METADATA = { tags: ['new'] }
const FROM_LINE = { tags: {} }

function mask(line: string): string {
  return line.replaceAll('secret', '***')
}

/** Creates a stream that passes another text on, with the metadata. */
function passOn(stream: OtelStream): pino.DestinationStream {
  return {
    [Symbol.for('pino.metadata')]: true,
    write(line) {
      const { lastLevel, lastMsg, lastObj, lastTime, lastLogger } = this as unknown as Record<string, unknown>
      stream.write.call(
        Object.assign(stream, { lastLevel, lastMsg, lastObj, lastTime, lastLogger }),
        mask(line),
      )
    },
  }
}

describe.each([
  ['pino 10', pino],
  ['pino 9', pino9 as unknown as typeof pino],
  ['pino 8', pino8 as unknown as typeof pino],
])('otelStream of %s', (version, library) => {
  async function open(options: pino.LoggerOptions<string> = {}, streamOptions: OtelStreamOptions = {}) {
    const { loggerProvider, records } = await memoryBackend.start()
    const stream = otelStream({ loggerProvider, ...streamOptions })
    const logger = library<string>(options, stream)
    const attributes = async () => {
      const [record, ...more] = await records()
      expect(more).toEqual([])
      return record!.attributes
    }
    return { logger, stream, attributes, records }
  }

  describe('sends values that JSON cannot carry', () => {
    test('when the logger is a child, with its fields as in JSON', async () => {
      const { logger, attributes } = await open()
      logger.child({ request: 7, tags }).info({ list: tags }, 'hello')
      expect(await attributes()).toEqual({ request: 7, ...FROM_LINE, list: ['new'] })
    })

    test('when another field has a serializer', async () => {
      const { logger, attributes } = await open({ serializers: { card: () => '***' } })
      logger.info({ tags, card: 'secret' }, 'hello')
      expect(await attributes()).toEqual({ ...FROM_METADATA, card: '***' })
    })

    test('when mixin and logMethod add fields', async () => {
      const { logger, attributes } = await open({
        mixin: () => ({ mixed: tags }),
        hooks: {
          logMethod([fields, text], method) {
            method.call(this, { ...(fields as object), hooked: tags }, text)
          },
        },
      })
      logger.info({ tags }, 'hello')
      expect(await attributes()).toEqual({ ...FROM_METADATA, mixed: ['new'], hooked: ['new'] })
    })

    test('when the message is structured', async () => {
      const { logger, records } = await open()
      logger.info({}, { tags } as unknown as string)
      expect((await records()).map(({ body }) => body)).toEqual([FROM_METADATA])
    })

    test('as toJSON returns them, also in a Map', async () => {
      const { logger, attributes } = await open()
      const card = { number: 'secret', toJSON: () => ({ last4: '4242' }) }
      logger.info({ card, cards: new Map([['a', card]]) }, 'hello')
      expect(await attributes()).toEqual({ card: { last4: '4242' }, cards: { a: { last4: '4242' } } })
    })

    test('with the causes of an Error when cause is a method', async () => {
      const { logger, attributes } = await open()
      logger.error(Object.assign(new Error('outer'), { cause: () => new TypeError('inner') }))
      const { 'exception.stacktrace': stack } = await attributes()
      expect(stack).toContain('\nCaused by: TypeError: inner\n')
    })
  })

  describe('reads the line', () => {
    test('when the option source is line', async () => {
      const { logger, attributes } = await open({}, { source: 'line' })
      logger.info({ tags }, 'hello')
      expect(await attributes()).toEqual(FROM_LINE)
    })

    test.each<[string, pino.LoggerOptions<string>, object?]>([
      ['redact', { redact: ['card'] }],
      ['redact without paths', { redact: [] }],
      ['formatters.log', { formatters: { log: (fields) => fields } }],
      ['formatters.level', { formatters: { level: (label) => ({ level: label }) } }],
      ['nestedKey', { nestedKey: 'payload' }, { payload: FROM_LINE }],
      ['a lower depthLimit', { depthLimit: 4 }],
      ['a higher edgeLimit', { edgeLimit: 101 }],
      ['a serializer under a symbol', { serializers: { [Symbol.for('pino.*')]: String } }],
      ['a serializer of the message', { serializers: { msg: String } }],
      ['a messageKey of another meaning', { messageKey: 'time' }],
      ['a hook that pino does not have yet', { hooks: { lineWrite: String } as never }],
      [
        'a time with further fields',
        { base: null, timestamp: () => ',"time":1700000000123,"zone":"CET"' },
        { zone: 'CET', ...FROM_LINE },
      ],
    ])('when the logger has %s', async (_, options, expected = FROM_LINE) => {
      const { logger, attributes } = await open(options)
      logger.info({ tags }, 'hello')
      expect(await attributes()).toEqual(expected)
    })

    test.each<[string, pino.ChildLoggerOptions]>([
      ['redact', { redact: ['card'] }],
      ['formatters.log', { formatters: { log: (fields) => fields } }],
    ])('when a child has %s, and its parent has not', async (_, options) => {
      const { logger, attributes } = await open()
      const child = logger.child({}, options)
      for (const each of [logger, child, logger, child.child({})]) {
        each.info({ tags }, 'hello')
        expect(await attributes()).toEqual(each === logger ? FROM_METADATA : FROM_LINE)
      }
    })

    test('when a serializer changes a field', async () => {
      const { logger, attributes } = await open({ serializers: { tags: (value: Set<string>) => value.size } })
      logger.info({ tags }, 'hello')
      expect(await attributes()).toEqual({ tags: 1 })
    })

    test('when the application adds a serializer or a hook after the first record', async () => {
      // Loggers without hooks share one object.
      const { logger, attributes } = await open({ hooks: {} })
      logger.info({ tags }, 'hello')
      expect(await attributes()).toEqual(FROM_METADATA)
      const { serializersSym, hooksSym } = library.symbols
      const settings = logger as unknown as Record<symbol, Record<string, unknown>>
      settings[serializersSym]!['card'] = () => '***'
      logger.info({ card: 'secret' }, 'hello')
      expect(await attributes()).toEqual({ card: '***' })
      settings[hooksSym]!['streamWrite'] = (line: string) => line
      logger.info({ tags }, 'hello')
      expect(await attributes()).toEqual(FROM_LINE)
    })

    test('when the application has replaced write, which may mask the text', async () => {
      const { logger, stream, records } = await open()
      const { write } = stream
      stream.write = function (line) {
        write.call(this, mask(line))
      }
      logger.info({ a: 'secret', tags }, 'a secret')
      expect(await records()).toMatchObject([{ body: 'a ***', attributes: { a: '***', ...FROM_LINE } }])
    })

    test.each<[string, (stream: OtelStream) => pino.DestinationStream]>([
      [
        'a Proxy',
        (stream) =>
          new Proxy(stream, {
            get: (target, key) =>
              key === 'write'
                ? (line: string) => target.write(mask(line))
                : (Reflect.get(target, key) as unknown),
          }),
      ],
      ['a stream that passes the metadata on', passOn],
      [
        'a multistream with another write',
        (stream) => {
          const multistream = library.multistream([{ stream }])
          const { write } = multistream
          return Object.assign(multistream, {
            write(this: unknown, line: string) {
              write.call(this as never, mask(line))
            },
          })
        },
      ],
    ])('when the text may have been changed by %s', async (_, wrap) => {
      const { stream, records } = await open()
      library({}, wrap(stream)).info({ a: 'secret', tags }, 'a secret')
      expect(await records()).toMatchObject([{ body: 'a ***', attributes: { a: '***', ...FROM_LINE } }])
    })

    test('when another stream has passed on another text of the same record', async () => {
      const { stream, records } = await open()
      // A multistream writes to its last stream first.
      const both = library.multistream([{ stream: passOn({ ...stream }) }, { stream }])
      library({}, both).info({ a: 'secret', tags }, 'a secret')
      expect(await records()).toMatchObject([
        { body: 'a secret', attributes: FROM_METADATA },
        { body: 'a ***', attributes: FROM_LINE },
      ])
    })

    test('when the application has replaced asJson of the logger', async () => {
      const { logger, attributes } = await open()
      const { asJsonSym } = library.symbols
      const replaced = new Proxy(logger, {
        get: (target, key) =>
          key === asJsonSym ? () => '{"level":30,"msg":"masked"}\n' : (Reflect.get(target, key) as unknown),
      })
      replaced.info({ tags }, 'hello')
      expect(await attributes()).toEqual({})
    })

    test('when the name has a serializer', async () => {
      const { logger, attributes } = await open({ serializers: { name: () => 'serialized' } })
      logger.info({ name: 'Ada', tags }, 'hello')
      expect(await attributes()).toEqual({ name: 'serialized', ...FROM_LINE })
    })

    test('when pino has a formatter that is unknown', async () => {
      const { logger, attributes } = await open()
      const { formattersSym } = library.symbols
      const settings = logger as unknown as Record<symbol, Record<string, unknown>>
      settings[formattersSym]!['value'] = String
      logger.info({ tags }, 'hello')
      expect(await attributes()).toEqual(FROM_LINE)
    })

    test('when pino has a setting that is unknown', async () => {
      const { logger, attributes } = await open()
      Object.assign(logger, { [Symbol('pino.masks')]: ['card'], [Symbol('pino.notSet')]: undefined })
      logger.info({ tags }, 'hello')
      expect(await attributes()).toEqual(FROM_LINE)
    })

    test('when pino has cut a large object with a circular reference', async () => {
      const { logger, attributes } = await open()
      const server: Record<string, unknown> = {
        list: Array.from({ length: 1000 }, (_, id) => ({ id, pad: 'x'.repeat(99) })),
      }
      server['self'] = server
      logger.info({ server }, 'hello')
      expect((await attributes())['server']).toMatchObject({ self: '[Circular]' })
      logger.info({ server }, 'hello')
      const { list } = (await attributes())['server'] as { list: unknown[] }
      expect(list).toHaveLength(101)
    })

    test('when a getter throws at its second reading', async () => {
      const { logger, attributes } = await open()
      let reads = 0
      const fields = {
        get once() {
          reads += 1
          if (reads > 1) throw new Error('twice')
          return reads
        },
      }
      logger.info(fields, 'hello')
      expect(await attributes()).toEqual({ once: 1 })
    })
  })

  // Earlier versions throw.
  test.runIf(version === 'pino 10')('keeps a field when its key is __proto__', async () => {
    const { logger, attributes } = await open()
    logger.info(JSON.parse('{"__proto__":{"polluted":1},"a":1}'), 'hello')
    const sent = await attributes()
    expect(Object.keys(sent).toSorted()).toEqual(['__proto__', 'a'])
    expect(sent['polluted']).toBeUndefined()
  })

  test.each<[string, pino.LoggerOptions<string>, object, string, object]>([
    ['empty', {}, { name: '' }, 'pino', { name: '' }],
    ['that of a parent, too', { name: 'shop' }, { name: 'cart' }, 'cart', {}],
    ['no text', { name: 'shop' }, { name: 7 }, 'pino', { name: 7 }],
  ])(
    'sends scope and name as the line has them when the name of a child is %s',
    async (_, options, bindings, scope, fields) => {
      for (const source of ['line', 'metadata'] as const) {
        const { logger, records } = await open(options, { source })
        logger.child(bindings).info('hello')
        expect(await records()).toMatchObject([{ scope, attributes: fields }])
      }
    },
  )

  test('sends the fields of a logger when setBindings has changed them', async () => {
    const { logger, attributes } = await open()
    for (const id of [1, 2]) {
      logger.setBindings({ id })
      logger.info({ tags }, 'hello')
      expect(await attributes()).toEqual({ id, ...FROM_METADATA })
    }
  })

  test('removes a field name when it repeats the scope', async () => {
    const { logger, attributes } = await open({ name: 'shop' })
    logger.info({ name: 'shop', tags }, 'hello')
    expect(await attributes()).toEqual(FROM_METADATA)
  })

  test('reads the fields of each logger when many log in turn', async () => {
    const { logger, records } = await open({ name: 'shop' })
    const children = Array.from({ length: 20 }, (_, id) => logger.child({ id }))
    for (let round = 0; round < 3; round += 1) for (const child of children) child.info({ tags }, 'hello')
    const expected = children.map((_, id) => ({ id, ...FROM_METADATA }))
    expect((await records()).map(({ attributes }) => attributes)).toEqual([
      ...expected,
      ...expected,
      ...expected,
    ])
  })

  test('sends values that JSON cannot carry when it is in a multistream', async () => {
    const { loggerProvider, records } = await memoryBackend.start()
    const logger = library({}, library.multistream([{ stream: otelStream({ loggerProvider }) }]))
    logger.info({ tags }, 'hello')
    logger.child({}).info({ tags }, 'hello')
    expect(await records()).toMatchObject([{ attributes: FROM_METADATA }, { attributes: FROM_METADATA }])
  })
})
