import * as api from '@opentelemetry/api'
import { logs as apiLogs, type LoggerProvider as ApiLogsProvider } from '@opentelemetry/api-logs'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { afterEach, describe, expect, test } from 'vitest'
import { createBridge } from '../src/bridge.ts'
import { activeContext, registeredProvider, withContext } from '../src/provider.ts'
import { ROOT_CONTEXT } from '../src/spanContext.ts'
import type { LoggerProvider as AnyProvider } from '../src/types.ts'
import { adapter } from './adapter.ts'
import { anyValueProvider, memoryProvider } from './memoryProvider.ts'

const register2x = (provider: AnyProvider): unknown =>
  apiLogs.setGlobalLoggerProvider(provider as ApiLogsProvider)
const register3x = (provider: AnyProvider): unknown => api.logs.setGlobalLoggerProvider(provider as never)

afterEach(() => {
  api.logs.disable()
  apiLogs.disable()
})

describe('registeredProvider', () => {
  test('returns undefined when the APIs have handed out proxies alone', () => {
    api.logs.getLogger('a').emit({})
    apiLogs.getLogger('a').emit({})
    expect(registeredProvider()).toBeUndefined()
  })

  test('returns the provider of 2.x when @opentelemetry/api-logs has a provider', () => {
    const provider = memoryProvider()
    register2x(provider)
    expect(registeredProvider()).toBe(provider)
  })

  test('returns the provider of 3.x when both APIs have a provider', () => {
    const provider = memoryProvider()
    register2x(memoryProvider())
    register3x(provider)
    expect(registeredProvider()).toBe(provider)
  })
})

describe('bridge', () => {
  test('uses its loggerProvider when another provider is registered', () => {
    const [injected, registered] = [memoryProvider(), memoryProvider()]
    register3x(registered)
    createBridge(adapter, { loggerProvider: injected }).emit({ body: 'a' })
    expect(injected.records.map(({ body }) => body)).toEqual(['a'])
    expect(registered.records).toEqual([])
  })

  test('uses a provider from the moment when it is registered', () => {
    const [first, second] = [memoryProvider(), memoryProvider()]
    const bridge = createBridge(adapter)
    register2x(first)
    bridge.emit({ body: 1 })
    register3x(second)
    bridge.emit({ body: 2 })
    expect(first.records.map(({ body }) => body)).toEqual([1])
    expect(second.records.map(({ body }) => body)).toEqual([2])
  })

  test('keeps the provider when the provider is unregistered', () => {
    const provider = memoryProvider()
    const bridge = createBridge(adapter)
    register3x(provider)
    bridge.emit({ body: 1 })
    api.logs.disable()
    bridge.emit({ body: 2 })
    expect(provider.records.map(({ body }) => body)).toEqual([1, 2])
  })

  test('gets the logger of a scope once when several records have the scope', () => {
    const loggerProvider = memoryProvider()
    const bridge = createBridge(adapter, { loggerProvider })
    for (const scope of ['a', 'a', 'b', 'a', '']) bridge.emit({ scope })
    expect(loggerProvider.asked).toEqual(['a', 'b', 'plain'])
    expect(loggerProvider.records.map(({ scope }) => scope)).toEqual(['a', 'a', 'b', 'a', 'plain'])
  })

  test('forgets the oldest logger when there are more than a thousand', () => {
    const loggerProvider = memoryProvider()
    const bridge = createBridge(adapter, { loggerProvider })
    for (let n = 0; n <= 1000; n += 1) bridge.emit({ scope: `scope ${n}` })
    loggerProvider.asked.length = 0
    for (const scope of ['scope 1', 'scope 1000', 'scope 0']) bridge.emit({ scope })
    expect(loggerProvider.asked).toEqual(['scope 0'])
  })

  test('uses the option scope when records have scopes', () => {
    const loggerProvider = memoryProvider()
    createBridge(adapter, { loggerProvider, scope: 'shop' }).emit({ scope: 'other' })
    expect(loggerProvider.asked).toEqual(['shop'])
  })

  test('passes values unchanged when the provider accepts any value, and plain values otherwise', () => {
    const date = new Date(0)
    const [any, plain] = [anyValueProvider(), memoryProvider()]
    for (const loggerProvider of [any, plain]) {
      createBridge(adapter, { loggerProvider }).emit({ body: date, attributes: { date } })
    }
    expect(any.records[0]).toMatchObject({ body: date, attributes: { date } })
    expect(plain.records[0]).toMatchObject({
      body: '1970-01-01T00:00:00.000Z',
      attributes: { date: '1970-01-01T00:00:00.000Z' },
    })
  })

  test('converts nothing when `enabled` returns false for context and severity', () => {
    const asked: unknown[] = []
    let built = 0
    const loggerProvider: AnyProvider = {
      getLogger: () => ({
        emit() {},
        enabled(options) {
          asked.push(options)
          return false
        },
      }),
    }
    const counting = { ...adapter, convert: () => ((built += 1), {}) }
    const bridge = createBridge(counting, { loggerProvider })
    bridge.emit({ severity: 13 })
    expect(asked).toEqual([{ context: ROOT_CONTEXT, severityNumber: 13 }])
    expect(built).toBe(0)
  })
})

test('bridge sends each field when the provider is that of the official SDK', () => {
  const exporter = new InMemoryLogRecordExporter()
  const loggerProvider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] })
  const spanContext = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: 1,
  }
  createBridge(adapter, { loggerProvider }).emit({
    severity: 13,
    severityText: 'warn',
    scope: 'shop',
    timestamp: [1_700_000_000, 5],
    body: { nested: new Map([['a', 1n]]) },
    attributes: { 'otel.event.name': 'low', items: [{ sku: 'a' }] },
    exception: new TypeError('no'),
    context: api.trace.setSpanContext(api.ROOT_CONTEXT, spanContext),
  })
  expect(exporter.getFinishedLogRecords()).toEqual([
    expect.objectContaining({
      severityNumber: 13,
      severityText: 'warn',
      hrTime: [1_700_000_000, 5],
      body: { nested: { a: 1 } },
      eventName: 'low',
      spanContext,
      attributes: {
        'exception.type': 'TypeError',
        'exception.message': 'no',
        'exception.stacktrace': expect.stringContaining('TypeError: no\n    at '),
        items: [{ sku: 'a' }],
      },
      droppedAttributesCount: 0,
      instrumentationScope: expect.objectContaining({ name: 'shop' }),
    }),
  ])
})

test('withContext makes a context active when an earlier version of the API is registered', () => {
  const API = Symbol.for('opentelemetry.js.api.1')
  const globals = globalThis as { [API]?: object }
  const registered = globals[API]
  const contextManager = new AsyncLocalStorageContextManager().enable()
  globals[API] = { version: '1.9.1', context: contextManager }
  try {
    const context = api.ROOT_CONTEXT.setValue(api.createContextKey('a'), 1)
    const seen: api.Context[] = []
    withContext(context, () => seen.push(activeContext(), api.context.active()))
    // The API itself finds none: it is of another minor version.
    expect(seen).toEqual([context, api.ROOT_CONTEXT])
    expect(activeContext()).toBe(api.ROOT_CONTEXT)
  } finally {
    contextManager.disable()
    if (registered) globals[API] = registered
    else delete globals[API]
  }
})

test('withContext runs a function when there is no ContextManager', () => {
  let ran = false
  withContext(api.ROOT_CONTEXT, () => (ran = true))
  expect(ran).toBe(true)
  expect(activeContext()).toBe(ROOT_CONTEXT)
})
