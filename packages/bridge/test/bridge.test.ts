import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createBridge } from '../src/bridge.ts'
import { withLoggingSuppressed } from '../src/state.ts'
import type { Adapter, Bridge, Classified } from '../src/types.ts'
import { adapter, type Native } from './adapter.ts'
import { diagMessages } from './diagMessages.ts'
import { memoryProvider } from './memoryProvider.ts'

const warnings = diagMessages()
const bodies = (provider: ReturnType<typeof memoryProvider>): unknown[] =>
  provider.records.map(({ body }) => body)

beforeEach(() => context.setGlobalContextManager(new AsyncLocalStorageContextManager()) as never)
afterEach(() => context.disable())

describe('bridge drops a log call that sending a record causes', () => {
  test('when the provider logs, also through another bridge', () => {
    const otherProvider = memoryProvider()
    const other = createBridge(adapter, { loggerProvider: otherProvider })
    const loggerProvider = memoryProvider({
      emit() {
        bridge.emit({ body: 'again' })
        other.emit({ body: 'again' })
      },
    })
    const bridge = createBridge(adapter, { loggerProvider })
    bridge.emit({ body: 'first' })
    bridge.emit({ body: 'second' })
    expect(bodies(loggerProvider)).toEqual(['first', 'second'])
    other.emit({ body: 'third' })
    expect(bodies(otherProvider)).toEqual(['third'])
  })

  test('when a value logs as it is read', () => {
    const loggerProvider = memoryProvider()
    const bridge = createBridge(adapter, { loggerProvider })
    const body = { toJSON: () => (bridge.emit({ body: 'again' }), 'first') }
    bridge.emit({ body })
    expect(bodies(loggerProvider)).toEqual(['first'])
  })

  test('when an export logs after an await, without a ContextManager', async () => {
    const loggerProvider = memoryProvider()
    const bridge = createBridge(adapter, { loggerProvider })
    await withLoggingSuppressed(async () => {
      bridge.emit({ body: 'at once' })
      await Promise.resolve()
      bridge.emit({ body: 'later' })
    })
    bridge.emit({ body: 'outside' })
    expect(bodies(loggerProvider)).toEqual(['outside'])
  })
})

describe('bridge swallows an error and sends the records beside it', () => {
  const no = (): never => {
    throw new Error('no')
  }
  const throwing = (part: Partial<Adapter<Native>>): Adapter<Native> => ({
    ...adapter,
    ...part,
  })
  const when =
    (step: keyof typeof adapter) =>
    (native: Native): never =>
      native.body === 'bad' ? no() : (adapter[step] as (native: Native) => never)(native)

  test.for<[string, Adapter<Native>]>([
    ['classify', throwing({ classify: when('classify') })],
    ['convert', throwing({ convert: when('convert') })],
  ])('when %s of the adapter throws', ([, throwingAdapter]) => {
    const loggerProvider = memoryProvider()
    const errors: unknown[] = []
    const bridge = createBridge(throwingAdapter, { loggerProvider, onError: (error) => errors.push(error) })
    for (const body of ['a', 'bad', 'b', 'bad']) bridge.emit({ body })
    expect(bodies(loggerProvider)).toEqual(['a', 'b'])
    expect(errors).toEqual([new Error('no'), new Error('no')])
    expect(warnings).toEqual(['logbridge: a plain record could not be sent (logged once): no'])
  })

  test('when getLogger, enabled or emit of the provider throws', () => {
    const providers = [
      { getLogger: no },
      { getLogger: () => ({ emit() {}, enabled: no }) },
      { getLogger: () => ({ emit: no }) },
    ]
    for (const loggerProvider of providers) {
      const errors: unknown[] = []
      const bridge = createBridge(adapter, { loggerProvider, onError: (error) => errors.push(error) })
      expect(() => bridge.emit({})).not.toThrow()
      expect(errors).toEqual([new Error('no')])
    }
  })

  test('when the adapter reports the error', () => {
    const errors: unknown[] = []
    createBridge(adapter, { onError: (error) => errors.push(error) }).report(new Error('no'))
    expect(errors).toEqual([new Error('no')])
    expect(warnings).toEqual(['logbridge: a plain record could not be sent (logged once): no'])
  })

  test('when onError throws', () => {
    const bridge = createBridge(adapter, { loggerProvider: { getLogger: no }, onError: no })
    expect(() => bridge.emit({})).not.toThrow()
  })

  test('when emit of the provider fails once', () => {
    let fail = true
    const loggerProvider = memoryProvider({ emit: () => fail && no() })
    const bridge = createBridge(adapter, { loggerProvider })
    bridge.emit({ body: 1 })
    fail = false
    bridge.emit({ body: 2 })
    expect(bodies(loggerProvider)).toEqual([1, 2])
  })
})

describe('minimum severity', () => {
  function setUp(): { bridge: Bridge<Native>; provider: ReturnType<typeof memoryProvider> } {
    const provider = memoryProvider()
    return { bridge: createBridge(adapter, { loggerProvider: provider }, 9), provider }
  }

  test('drops records when their severity is below it, and sends records of unknown severity', () => {
    const { bridge, provider } = setUp()
    for (const severity of [8, 9, 0, 24] as const) bridge.emit({ severity, body: severity })
    expect(bodies(provider)).toEqual([9, 0, 24])
  })

  test('sends a record with severity 0 when the adapter gives a number that is no severity', () => {
    const { bridge, provider } = setUp()
    for (const severity of [Number.NaN, -1, 25]) bridge.emit({ severity: severity as never, body: severity })
    expect(provider.records.map(({ severityNumber }) => severityNumber)).toEqual([0, 0, 0])
  })
})

test('bridge classifies a record once and passes the answer to convert when a record is emitted', () => {
  const loggerProvider = memoryProvider()
  const classifications: Classified[] = []
  const converted: unknown[] = []
  const bridge = createBridge<string>(
    {
      library: 'plain',
      classify(native) {
        const classified = { severityNumber: 13, severityText: 'warn', scope: native } as const
        classifications.push(classified)
        return classified
      },
      convert(native, classified) {
        converted.push(classified)
        return { body: native }
      },
    },
    { loggerProvider },
  )
  bridge.emit('shop')
  expect(loggerProvider.records).toMatchObject([
    { scope: 'shop', severityNumber: 13, severityText: 'warn', body: 'shop' },
  ])
  expect(classifications).toHaveLength(1)
  expect(converted[0]).toBe(classifications[0])
})

describe('context and time', () => {
  const key = createContextKey('request')

  test('are taken at the call when the record has none', () => {
    const loggerProvider = memoryProvider()
    const bridge = createBridge(adapter, { loggerProvider })
    context.with(ROOT_CONTEXT.setValue(key, 7), () => bridge.emit({}))
    const [record] = loggerProvider.records
    expect(record?.context?.getValue(key)).toBe(7)
    expect(record?.timestamp).toEqual(record?.observedTimestamp)
  })

  test('are taken from the record when the record has them', () => {
    const loggerProvider = memoryProvider()
    createBridge(adapter, { loggerProvider }).emit({
      timestamp: [1, 2],
      context: ROOT_CONTEXT.setValue(key, 8),
    })
    const [record] = loggerProvider.records
    expect(record?.context?.getValue(key)).toBe(8)
    expect(record?.timestamp).toEqual([1, 2])
    expect(record?.observedTimestamp?.[0]).toBeGreaterThan(1e9)
  })

  test('and call site are taken from the record when the adapter has captured them at the call', () => {
    const loggerProvider = memoryProvider()
    const bridge = createBridge(adapter, { loggerProvider, captureCode: true })
    const code = { ...bridge.captureCallSite!({}), 'code.line.number': 7 }
    bridge.emit({ observedTimestamp: [3, 4], code })
    const [record] = loggerProvider.records
    expect(record).toMatchObject({ timestamp: [3, 4], observedTimestamp: [3, 4] })
    expect(record!.attributes).toEqual(code)
    expect(createBridge(adapter).captureCallSite).toBeUndefined()
  })

  test('are of no record when the adapter leaves the record out', () => {
    const loggerProvider = memoryProvider()
    const errors: unknown[] = []
    const onError = (error: unknown): void => void errors.push(error)
    createBridge({ ...adapter, convert: () => undefined }, { loggerProvider, onError }).emit({})
    expect([loggerProvider.records, errors]).toEqual([[], []])
  })
})
