import { ROOT_CONTEXT } from '@opentelemetry/api'
import { LoggerProvider } from '@opentelemetry/sdk-logs'
import { describe, expect, test } from 'vitest'
import { OtlpLogRecordProcessor } from '../../src/logs/processor.ts'
import { createLoggerProvider } from '../../src/loggerProvider.ts'
import { receiver } from '../receive.ts'
import { NOTHING, unaccounted } from '@logbridge/test-support/stats'

const { grpcUrl, take } = receiver()

const WRONG: [string, object][] = [
  ['a severityNumber of NaN', { severityNumber: NaN }],
  ['a negative severityNumber', { severityNumber: -1 }],
  ['a severityNumber that is text', { severityNumber: 'INFO' }],
  ['an eventName without a toString', { eventName: Object.create(null) }],
  ['a severityText without a toString', { severityText: Object.create(null) }],
  ['a severityText whose toString throws', { severityText: { toString: throwing } }],
  ['a timestamp that is none', { timestamp: {} }],
  ['a number as context', { context: 5 }],
  ['a context that throws', { context: { getValue: throwing } }],
  ['a context of nonsense', { context: { getValue: () => ({ spanContext: () => ({ traceId: {} }) }) } }],
  ['attributes that are text', { attributes: 'text' }],
]

function throwing(): never {
  throw new Error('no')
}
const passing = { onEmit() {}, forceFlush: async () => {}, shutdown: async () => {} }
const ways = [
  ['straight', {}],
  ['through processors of the application', { processors: [passing] }],
] as const

test('Logger.emit delivers records when the options of getLogger and enabled throw', async () => {
  const provider = createLoggerProvider({ endpoint: grpcUrl(), register: false })
  const wrong = new Proxy({}, { ownKeys: throwing, get: throwing })
  for (const options of [wrong, { droppedAttributesCount: { valueOf: throwing } }]) {
    const logger = provider.getLogger('any', '1', options)
    expect(logger.enabled(wrong as never)).toBe(true)
    logger.emit({ body: 'kept' })
  }
  await provider.shutdown()
  expect(take().map(({ body }) => body)).toEqual(['kept', 'kept'])
})

describe.each(ways)('Logger.emit %s', (_, options) => {
  test.each(WRONG)('delivers a record without a field when the field is %s', async (_name, field) => {
    const provider = createLoggerProvider({ endpoint: grpcUrl(), register: false, ...options })
    provider.getLogger('any').emit({ body: 'kept', ...field })
    await provider.shutdown()
    expect(take().map(({ body, attributes }) => [body, attributes])).toEqual([['kept', {}]])
    expect(provider.stats()).toMatchObject({ created: 1, delivered: 1, dropped: NOTHING })
  })

  test('delivers a record with its other fields when getters of fields throw', async () => {
    const provider = createLoggerProvider({ endpoint: grpcUrl(), register: false, ...options })
    const record = { body: 'kept', severityNumber: 9 }
    for (const name of ['attributes', 'timestamp', 'context', 'eventName']) {
      Object.defineProperty(record, name, { enumerable: true, get: throwing })
    }
    provider.getLogger('any').emit(record)
    provider.getLogger('any').emit(null as never)
    await provider.shutdown()
    expect(take().map(({ body, severityNumber }) => [body, severityNumber])).toEqual([
      ['kept', 9],
      [null, 0],
    ])
    expect(provider.stats()).toMatchObject({ created: 2, delivered: 2, dropped: NOTHING })
  })

  test('delivers a record when its values are endless or throw', async () => {
    const provider = createLoggerProvider({ endpoint: grpcUrl(), register: false, ...options })
    const logger = provider.getLogger('any')
    let graph: unknown = 'leaf'
    for (let n = 0; n < 30; n += 1) graph = { a: graph, b: graph }
    const sparse: unknown[] = []
    sparse[2 ** 32 - 2] = 'last'
    const trap = new Proxy({}, { get: throwing, ownKeys: throwing, getPrototypeOf: throwing })
    for (const value of [graph, sparse, trap, new Map([[graph, 1]])]) {
      logger.emit({ body: 'kept', attributes: { value } })
      logger.emit({ body: value })
    }
    await provider.shutdown()
    expect(take()).toHaveLength(8)
    expect(provider.stats()).toMatchObject({ created: 8, delivered: 8, dropped: NOTHING })
  })
})

test('getLogger makes a logger without name when its name has no toString', async () => {
  for (const [, options] of ways) {
    const provider = createLoggerProvider({ endpoint: grpcUrl(), register: false, ...options })
    provider.getLogger(Object.create(null) as string).emit({ body: 'kept' })
    await provider.shutdown()
    expect(take()).toHaveLength(1)
  }
})

test('OtlpLogRecordProcessor delivers a record of the official SDK when its fields are invalid', async () => {
  const processor = new OtlpLogRecordProcessor({ endpoint: grpcUrl() })
  const sdk = new LoggerProvider({ processors: [processor] })
  const fields = {
    severityNumber: NaN,
    severityText: 5,
    eventName: Object.create(null),
    context: ROOT_CONTEXT,
  }
  sdk.getLogger('any').emit({ body: 'kept', ...(fields as object) })
  await sdk.shutdown()
  expect(take().map(({ body }) => body)).toEqual(['kept'])
  expect(processor.stats()).toMatchObject({ created: 1, delivered: 1, dropped: NOTHING })
})

test.each(ways)('Logger.enabled returns true when its options throw, %s', (_, options) => {
  const provider = createLoggerProvider({ endpoint: grpcUrl(), register: false, ...options })
  const wrong = new Proxy({}, { get: throwing })
  expect(provider.getLogger('any').enabled?.(wrong)).toBe(true)
})

test('Logger.enabled returns true when enabled() of a processor throws', () => {
  const processors = [{ ...passing, enabled: throwing }]
  const provider = createLoggerProvider({ endpoint: grpcUrl(), register: false, processors })
  expect(provider.getLogger('any').enabled?.()).toBe(true)
})

test('createLoggerProvider balances its counters when records are emitted until the stack is full', async () => {
  const provider = createLoggerProvider({ endpoint: grpcUrl(), register: false })
  const logger = provider.getLogger('any')
  function descend(): void {
    logger.emit({ body: 'kept', attributes: { a: { b: { c: [1, { d: 2 }] } } } })
    descend()
  }
  expect(descend).toThrow(RangeError)
  expect(unaccounted(provider.stats())).toBe(0)
  await provider.shutdown()
  expect(take()).toHaveLength(provider.stats().delivered)
})
