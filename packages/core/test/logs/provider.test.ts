import * as api from '@opentelemetry/api'
import { logs as logs2x } from '@opentelemetry/api-logs'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  type ReadWriteLogRecord,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs'
import { withLoggingSuppressed } from '@logbridge/bridge/internal'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  createLoggerProvider,
  type LogbridgeLoggerProvider,
  OtlpLogRecordProcessor,
} from '../../src/index.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { receiver } from '../receive.ts'

const receiving = receiver()
const warnings = capturedWarnings()
const SPAN_CONTEXT = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
}

beforeAll(() => {
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
})
afterAll(() => api.context.disable())

const PASSING = { onEmit() {}, forceFlush: async () => {}, shutdown: async () => {} }
const ways = [
  ['directly', {}],
  ['through the official SDK', { processors: [PASSING] }],
] as const

let provider: LogbridgeLoggerProvider
function create(options: Parameters<typeof createLoggerProvider>[0] = {}): LogbridgeLoggerProvider {
  provider = createLoggerProvider({ endpoint: receiving.grpcUrl(), ...options })
  return provider
}
afterEach(async () => {
  await provider?.shutdown(1000)
})

async function received() {
  await provider.forceFlush()
  return receiving.take()
}

describe.each(['grpc', 'http/protobuf'] as const)('over %s', (protocol) => {
  test('createLoggerProvider delivers records with resource, scope, and trace context', async () => {
    const endpoint = protocol === 'grpc' ? receiving.grpcUrl() : receiving.httpUrl()
    create({ protocol, endpoint, serviceName: 'shop', resource: { 'deployment.environment.name': 'test' } })
    const logger = provider.getLogger('orders', '1.0', { schemaUrl: 'https://example.org/1' })
    api.context.with(api.trace.setSpanContext(api.ROOT_CONTEXT, SPAN_CONTEXT), () => {
      logger.emit({
        severityNumber: 9,
        severityText: 'info',
        body: 'hello',
        attributes: { a: [1n, new Date(0)] },
      })
    })
    const [record] = await received()
    expect(record).toMatchObject({
      severityNumber: 9,
      severityText: 'info',
      body: 'hello',
      traceId: SPAN_CONTEXT.traceId,
      spanId: SPAN_CONTEXT.spanId,
      flags: 1,
      scope: { name: 'orders', version: '1.0', schemaUrl: 'https://example.org/1' },
    })
    expect({ ...record!.attributes }).toEqual({ a: [1, '1970-01-01T00:00:00.000Z'] })
    expect(record!.resource.attributes).toMatchObject({
      'service.name': 'shop',
      'deployment.environment.name': 'test',
    })
    expect(provider.stats()).toMatchObject({ created: 1, delivered: 1 })
  })
})

test.each([
  ['straight into the pipeline', {}],
  ['through a processor', { processors: [PASSING] }],
])('forResource sends records with another resource when they go %s', async (_way, options) => {
  create({ serviceName: 'agent', resource: { 'host.name': 'a' }, ...options })
  const shop = provider.forResource({ 'service.name': 'shop' })
  shop.getLogger('orders').emit({ body: 'of the shop' })
  provider.getLogger('orders').emit({ body: 'of the agent' })
  const records = await received()
  const sent = records.map(({ body, resource: { attributes } }) =>
    [body, attributes['service.name'], attributes['host.name']].join(),
  )
  expect(new Set(sent)).toEqual(new Set(['of the shop,shop,a', 'of the agent,agent,a']))
  expect(provider.stats()).toMatchObject({ created: 2, delivered: 2 })
})

test('createLoggerProvider receives records of both generations of the Logs API until it is shut down', async () => {
  create()
  api.logs.getLogger('3.x').emit({ body: 'from 3.x' })
  logs2x.getLogger('2.x').emit({ body: 'from 2.x' })
  expect((await received()).map(({ body }) => body)).toEqual(['from 3.x', 'from 2.x'])
  await provider.shutdown()
  expect(api.logs.getLoggerProvider()).not.toBe(provider)
  expect(logs2x.getLoggerProvider()).not.toBe(provider)
})

test('createLoggerProvider registers nowhere when register is false', () => {
  create({ register: false })
  expect(api.logs.getLoggerProvider()).not.toBe(provider)
  expect(logs2x.getLoggerProvider()).not.toBe(provider)
})

test('getLogger returns one logger for each scope', () => {
  create()
  expect(provider.getLogger('a', '1')).toBe(provider.getLogger('a', '1'))
  expect(provider.getLogger('a', '1')).not.toBe(provider.getLogger('a', '2'))
  expect(provider.getLogger('a')).not.toBe(provider.getLogger('a', undefined, { schemaUrl: 'x' }))
})

test.each<[string, unknown[]]>([
  ['5', [5]],
  ['[object Object]', [{}, 2]],
  ['shop', ['shop', '1', { schemaUrl: 5 }]],
  ['shop', ['shop', '1', { attributes: { big: 1n } }]],
  ['shop', ['shop', '1', { attributes: 'none' }]],
  ['shop', ['shop', '1', null]],
])('getLogger delivers all records when a scope is invalid (%s)', async (name, args) => {
  create().getLogger('before').emit({ body: 1 })
  ;(provider.getLogger as (...args: unknown[]) => api.Logger)(...args).emit({ body: 2 })
  provider.getLogger('after').emit({ body: 3 })
  const records = await received()
  expect(records.map(({ scope, body }) => [scope.name, body])).toEqual([
    ['before', 1],
    [name, 2],
    ['after', 3],
  ])
})

test('minimumSeverity filters records and enabled(), and passes unknown severities', async () => {
  create({ minimumSeverity: 13 })
  const logger = provider.getLogger('a')
  expect([12, 13, 0].map((severityNumber) => logger.enabled({ severityNumber }))).toEqual([false, true, true])
  for (const severityNumber of [12, 13, 0]) logger.emit({ severityNumber, body: severityNumber })
  expect((await received()).map(({ body }) => body)).toEqual([13, 0])
  expect(provider.stats().created).toBe(2)
})

test('Logger.emit leaves out records while telemetry is suppressed', async () => {
  create()
  withLoggingSuppressed(() => provider.getLogger('a').emit({ body: 'loop' }))
  expect(await received()).toEqual([])
})

describe('Logger.emit', () => {
  test.each([
    ['[s, ns]', [1_700_000_000, 5], 1_700_000_000_000_000_005n],
    ['Date', new Date(1_700_000_000_123), 1_700_000_000_123_000_000n],
    ['milliseconds', 1_700_000_000_123, 1_700_000_000_123_000_000n],
    ['ISO text', '2023-11-14T22:13:20.123456789Z', 1_700_000_000_123_456_789n],
  ])('accepts a timestamp as %s', async (_, timestamp, expected) => {
    create()
      .getLogger('a')
      .emit({ timestamp: timestamp as api.TimeInput })
    expect((await received())[0]!.timeUnixNano).toBe(expected)
  })

  test.each([['text'], [{}], [null], [NaN], [-1n]])(
    'uses the time of the call when the timestamp is invalid (%s)',
    async (timestamp) => {
      const before = BigInt(Date.now()) * 1_000_000n
      create()
        .getLogger('a')
        .emit({ timestamp: timestamp as never })
      const [record] = await received()
      expect(record!.timeUnixNano).toBeGreaterThanOrEqual(before)
      expect(record!.timeUnixNano).toBe(record!.observedTimeUnixNano)
    },
  )

  test('accepts performance.now() as a timestamp', async () => {
    const before = performance.timeOrigin + performance.now()
    create().getLogger('a').emit({ timestamp: performance.now() })
    expect(Number((await received())[0]!.timeUnixNano / 1_000_000n)).toBeGreaterThanOrEqual(
      Math.floor(before),
    )
  })

  test('writes an exception as exception.*, with its class as the type', async () => {
    const error = Object.assign(new TypeError('no'), { code: 'ECONNREFUSED' })
    create()
      .getLogger('a')
      .emit({ exception: error, attributes: { 'exception.message': 'mine' } })
    expect((await received())[0]!.attributes).toMatchObject({
      'exception.type': 'TypeError',
      'exception.message': 'mine',
      'exception.stacktrace': error.stack,
    })
  })

  test.each<[string, unknown, object]>([
    ['a number', 42, { 'exception.message': '42' }],
    ['a list', [1], { 'exception.message': '[ 1 ]' }],
    ['a Map', new Map([['a', 1]]), { 'exception.message': "Map(1) { 'a' => 1 }" }],
    ['an object without the parts of an error', { a: 1 }, { 'exception.message': '{ a: 1 }' }],
    ['an object with a code', { code: 12 }, { 'exception.type': '12' }],
    [
      'an object with name, message and stack',
      { name: 'CardError', message: 'declined', stack: 'CardError: declined\n    at a' },
      {
        'exception.type': 'CardError',
        'exception.message': 'declined',
        'exception.stacktrace': 'CardError: declined\n    at a',
      },
    ],
    [
      'an object with type, of instrumentation-pino',
      { type: 'CardError', message: 'declined', stack: 'CardError: declined\n    at a', code: 1 },
      {
        'exception.type': 'CardError',
        'exception.message': 'declined',
        'exception.stacktrace': 'CardError: declined\n    at a',
      },
    ],
  ])('writes an exception that is no Error as texts: %s', async (_, exception, expected) => {
    create().getLogger('a').emit({ exception, body: 'b' })
    expect({ ...(await received())[0]!.attributes }).toEqual(expected)
  })

  test('leaves out an invalid span context', async () => {
    const context = api.trace.setSpanContext(api.ROOT_CONTEXT, { ...SPAN_CONTEXT, traceId: 'xyz' })
    create().getLogger('a').emit({ context, body: 'b' })
    expect((await received())[0]).toMatchObject({ body: 'b', traceId: '', spanId: '' })
  })

  test('never throws, and delivers the neighbors, when a record is invalid', async () => {
    const logger = create().getLogger('a')
    const hostile = {
      get body() {
        throw new Error('no')
      },
    }
    logger.emit({ body: 'before' })
    for (const record of [
      null,
      undefined,
      hostile,
      { context: {} },
      { attributes: 5 },
      { severityText: Symbol('x') },
    ]) {
      expect(() => logger.emit(record as never)).not.toThrow()
    }
    logger.emit({ body: 'after' })
    const bodies = (await received()).map(({ body }) => body)
    expect([bodies[0], bodies.at(-1)]).toEqual(['before', 'after'])
  })
})

test('createLoggerProvider passes each record through the processors of the application before it is sent', async () => {
  const exporter = new InMemoryLogRecordExporter()
  create({
    processors: [
      {
        onEmit: (record) => void record.setAttribute('added', true),
        forceFlush: async () => {},
        shutdown: async () => {},
      },
      new SimpleLogRecordProcessor({ exporter }),
    ],
  })
  provider.getLogger('orders').emit({ body: 'hello', severityNumber: 9, attributes: { a: 1 } })
  const [record] = await received()
  expect(record).toMatchObject({ body: 'hello', severityNumber: 9, scope: { name: 'orders' } })
  expect({ ...record!.attributes }).toEqual({ a: 1, added: true })
  expect(exporter.getFinishedLogRecords()).toHaveLength(1)
  expect(provider.stats()).toMatchObject({ created: 1, delivered: 1 })
})

test('Logger.emit ends when a processor emits twice on each record', async () => {
  const logger = create({
    processors: [
      {
        onEmit() {
          logger.emit({ body: 'before' })
          logger.emit({ body: 'after' })
        },
        forceFlush: async () => {},
        shutdown: async () => {},
      },
    ],
  }).getLogger('doubling')
  logger.emit({ body: 'hello' })
  // Accepts records down to depth 3: 1 + 2 + 4 + 8.
  expect(provider.stats()).toMatchObject({ created: 31, queued: 15, dropped: { reentrant: 16 } })
  expect(await received()).toHaveLength(15)
})

test.each([
  ['', {}],
  [
    ' through processors',
    { processors: [new SimpleLogRecordProcessor({ exporter: new InMemoryLogRecordExporter() })] },
  ],
])(
  'forceFlush and shutdown%s accept a timeout in the form of the SDK, and throw INVALID_OPTION when it is no number',
  async (_, options) => {
    const invalid = expect.objectContaining({ code: 'INVALID_OPTION' })
    for (const time of [{ timeoutMillis: 20_000 }, {}, 20_000]) {
      create(options).getLogger('a').emit({ body: 'b' })
      for (const wrong of [Number.NaN, 'soon', null]) {
        expect(() => provider.forceFlush(wrong as never)).toThrow(invalid)
        expect(() => provider.shutdown(wrong as never)).toThrow(invalid)
      }
      await provider.forceFlush(time)
      expect(provider.stats()).toMatchObject({ created: 1, delivered: 1 })
      await provider.shutdown(time)
    }
    expect(receiving.take()).toHaveLength(3)
  },
)

test('shutdown ends at its deadline and counts unsent records, with and without processors of the application', async () => {
  const processors = [
    { onEmit() {}, forceFlush: async () => {}, shutdown: () => new Promise<void>(() => {}) },
  ]
  for (const options of [{}, { processors }]) {
    create({ endpoint: 'http://127.0.0.1:1', ...options })
    provider.getLogger('a').emit({ body: 'b' })
    await provider.shutdown(100)
    expect(provider.stats()).toMatchObject({
      created: 1,
      queued: 0,
      inFlight: 0,
      dropped: { shutdown_timeout: 1 },
    })
  }
})

test('OtlpLogRecordProcessor delivers records of several resources when it serves several LoggerProviders of the SDK', async () => {
  const processor = new OtlpLogRecordProcessor({ endpoint: receiving.grpcUrl(), minimumSeverity: 9 })
  for (const name of ['one', 'two']) {
    const sdk = new LoggerProvider({
      resource: resourceFromAttributes({ 'service.name': name }),
      processors: [processor],
    })
    const logger = sdk.getLogger(name, '1')
    logger.emit({ body: name, severityNumber: 17, attributes: { nested: { a: [1] } } })
    logger.emit({ body: 'debug', severityNumber: 5 })
  }
  await processor.forceFlush()
  const records = receiving.take()
  expect(
    records.map(({ body, scope, resource }) => [body, scope.name, resource.attributes['service.name']]),
  ).toEqual([
    ['one', 'one', 'one'],
    ['two', 'two', 'two'],
  ])
  expect(records[0]!.attributes).toEqual({ nested: { a: [1] } })
  await processor.shutdown()
  expect(processor.stats()).toMatchObject({ created: 2, delivered: 2 })
})

describe('attribute limits', () => {
  const attributes = {
    text: 'abcdefgh',
    pair: 'abcd😀',
    bytes: new Uint8Array(8),
    nested: { list: ['abcdefgh', new Uint8Array(8)] },
    big: 2n ** 70n,
    number: 12345678,
  }

  test.each(ways)(
    'createLoggerProvider cuts texts and bytes to attributeValueLengthLimit when it sends %s',
    async (_, options) => {
      create({ limits: { attributeValueLengthLimit: 5 }, ...options })
      provider.getLogger('l').emit({ body: 'a body of any length', attributes })
      const [record] = await received()
      expect(record!.body).toBe('a body of any length')
      expect(record!.attributes).toMatchObject({ text: 'abcde', big: '11805', number: 12345678 })
      expect(String(record!.attributes['pair'])).toMatch(/^abcd/)
      expect(record!.attributes['bytes']).toEqual(new Uint8Array(5))
      expect(record!.attributes['nested']).toEqual({ list: ['abcde', new Uint8Array(5)] })
    },
  )

  test.each(ways)('createLoggerProvider cuts no character in two when it sends %s', async (_, options) => {
    create({ limits: { attributeValueLengthLimit: 3 }, ...options })
    provider.getLogger('l').emit({ attributes: { pair: 'ab😀', nested: { list: ['😀😀'] } } })
    expect((await received())[0]!.attributes).toEqual({ pair: 'ab', nested: { list: ['😀'] } })
  })

  test('createLoggerProvider cuts attributes when a processor of the application adds them', async () => {
    const onEmit = (record: ReadWriteLogRecord) => void record.setAttribute('added', 'ab😀')
    create({ limits: { attributeValueLengthLimit: 3 }, processors: [{ ...PASSING, onEmit }] })
    provider.getLogger('l').emit({ attributes: { text: 'abcd' } })
    expect((await received())[0]!.attributes).toEqual({ text: 'abc', added: 'ab' })
  })

  test.each(ways)(
    'createLoggerProvider sends empty texts when attributeValueLengthLimit is 0 %s',
    async (_, options) => {
      create({ limits: { attributeValueLengthLimit: 0 }, ...options })
      const circular: Record<string, unknown> = {}
      circular['self'] = circular
      provider.getLogger('l').emit({ attributes: { text: 'a', circular } })
      expect((await received())[0]!.attributes).toEqual({ text: '', circular: { self: '' } })
    },
  )

  test.each(ways)(
    'createLoggerProvider warns once when attributeCountLimit drops attributes %s',
    async (_, options) => {
      create({ limits: { attributeCountLimit: 2 }, ...options })
      for (let i = 0; i < 3; i += 1) provider.getLogger('l').emit({ attributes: { a: 1, b: 2, c: 3 } })
      const records = await received()
      expect(records.map((record) => record.droppedAttributesCount)).toEqual([1, 1, 1])
      expect(warnings).toEqual([
        'attributes of log records are dropped (logged once a minute): a record has more than 2; ' +
          'set limits.attributeCountLimit, or OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT',
      ])
    },
  )
})

test('getLogger returns the same logger when the scope attributes are equal in another order', () => {
  create()
  const at = (attributes: object) =>
    provider.getLogger('l', '1', { attributes: attributes as api.Attributes })
  expect(at({ a: 1, b: 2 })).toBe(at({ b: 2, a: 1 }))
  expect(at({ list: [{ a: 1, b: 2 }] })).toBe(at({ list: [{ b: 2, a: 1 }] }))
  expect(at({ a: 1, b: 2 })).not.toBe(at({ a: 2, b: 1 }))
})

test.each([
  ['createLoggerProvider', {}],
  ['createLoggerProvider with processors', { processors: [PASSING] }],
])('Logger.enabled is false after the shutdown of %s', async (_, options) => {
  create(options)
  const logger = provider.getLogger('l')
  expect(logger.enabled()).toBe(true)
  await provider.shutdown(1000)
  expect(logger.enabled()).toBe(false)
})

test('createLoggerProvider adds no listener of process when eleven providers and processors exist', async () => {
  const events = ['beforeExit', 'exit', 'uncaughtExceptionMonitor', 'worker', 'newListener'] as const
  const counts = () => events.map((event) => process.listenerCount(event))
  create()
  const before = counts()
  const options = { register: false, captureUncaughtExceptions: true, endpoint: receiving.grpcUrl() }
  const many = Array.from({ length: 11 }, () => createLoggerProvider(options))
  const processors = Array.from(
    { length: 11 },
    () => new OtlpLogRecordProcessor({ endpoint: receiving.grpcUrl() }),
  )
  expect(counts()).toEqual(before)
  await Promise.all([...many, ...processors].map((each) => each.shutdown(0)))
  expect(counts()).toEqual(before)
})
