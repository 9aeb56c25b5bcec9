import * as api from '@opentelemetry/api'
import { logs as apiLogs, type LoggerProvider as ApiLogsProvider } from '@opentelemetry/api-logs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { blockEventLoop, useFakeTimers } from '@logbridge/test-support/fakeTimers'
import { createBridge } from '../src/bridge.ts'
import { answerWrite, createStreamEnd, flushProvider } from '../src/flush.ts'
import { timers } from '../src/timers.ts'
import type { LoggerProvider } from '../src/types.ts'
import { adapter } from './adapter.ts'
import { diagMessages } from './diagMessages.ts'
import { anyValueProvider, memoryProvider } from './memoryProvider.ts'

const warnings = diagMessages()

afterEach(() => {
  api.logs.disable()
  apiLogs.disable()
  vi.useRealTimers()
  vi.restoreAllMocks()
})

type ForceFlush = (timeout?: unknown) => unknown
const withFlush = (forceFlush: ForceFlush, provider: LoggerProvider = memoryProvider()): LoggerProvider =>
  Object.assign(provider, { forceFlush })

/** Watches a promise. */
function watch(promise: Promise<unknown>): { readonly isOver: boolean } {
  const watched = { isOver: false }
  void promise.then(() => (watched.isOver = true))
  return watched
}

describe('flushProvider waits for forceFlush', () => {
  const providers: [string, (flushable: LoggerProvider) => LoggerProvider | undefined][] = [
    ['of the provider that it is given', (flushable) => flushable],
    ['of the registered provider of the generation 2.x', (flushable) => register2x(flushable)],
    ['of the registered provider of the generation 3.x', (flushable) => register3x(flushable)],
    [
      'behind the proxy of the generation 2.x',
      (flushable) => register2x(flushable, apiLogs.getLoggerProvider()),
    ],
    [
      'behind the proxy of the generation 3.x',
      (flushable) => register3x(flushable, api.logs.getLoggerProvider()),
    ],
    ['behind a proxy with a public getDelegate', (flushable) => proxyOf({ getDelegate: () => flushable })],
    [
      'behind a proxy of a proxy',
      (flushable) => proxyOf({ _getDelegate: () => proxyOf({ getDelegate: () => flushable }) }),
    ],
  ]
  test.each(providers)('%s', async (_, use) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let flushes = 0
    const injected = use(
      withFlush(() => {
        flushes += 1
        return promise
      }),
    )
    const flushing = flushProvider(injected)
    const watched = watch(flushing)
    await new Promise(setImmediate)
    expect(watched.isOver).toBe(false)
    resolve()
    expect(await flushing).toBeUndefined()
    expect(flushes).toBe(1)
  })
})

/** @param proxy what the API has handed out before, as it does until a provider is registered */
function register2x(provider: LoggerProvider, proxy?: ApiLogsProvider): LoggerProvider | undefined {
  apiLogs.setGlobalLoggerProvider(provider as ApiLogsProvider)
  return proxy
}
function register3x(provider: LoggerProvider, proxy?: api.LoggerProvider): LoggerProvider | undefined {
  api.logs.setGlobalLoggerProvider(provider as never)
  return proxy
}
function proxyOf(delegate: object): LoggerProvider {
  return Object.assign(memoryProvider(), delegate)
}

describe('flushProvider resolves at once when', () => {
  const endless: LoggerProvider = proxyOf({ _getDelegate: () => endless })
  test.each<[string, LoggerProvider | undefined]>([
    ['no provider is registered', undefined],
    ['a provider has no forceFlush', memoryProvider()],
    ['forceFlush is no function', Object.assign(memoryProvider(), { forceFlush: true })],
    ['a proxy has no delegate', proxyOf({ _getDelegate: () => undefined })],
    ['a proxy is its own delegate', endless],
    ['forceFlush returns no promise', withFlush(() => 'done')],
  ])('%s', async (_, provider) => {
    expect(await flushProvider(provider)).toBeUndefined()
    expect(warnings).toEqual([])
  })
})

describe('flushProvider resolves with the error when', () => {
  const error = new Error('unreachable')
  const fail = (): never => {
    throw error
  }
  test.each<[string, LoggerProvider]>([
    ['forceFlush throws', withFlush(fail)],
    ['forceFlush rejects', withFlush(() => Promise.reject(error))],
    // oxlint-disable-next-line unicorn/no-thenable -- the point of the test
    ['the promise of forceFlush throws', withFlush(() => ({ then: fail }))],
    ['forceFlush cannot be read', Object.defineProperty(memoryProvider(), 'forceFlush', { get: fail })],
    ['a delegate cannot be had', proxyOf({ _getDelegate: fail })],
  ])('%s', async (_, provider) => {
    expect(await flushProvider(provider)).toBe(error)
  })

  test('forceFlush rejects without one', async () => {
    // oxlint-disable-next-line prefer-promise-reject-errors -- the point of the test
    expect(await flushProvider(withFlush(() => Promise.reject()))).toBeInstanceOf(Error)
  })
})

describe('flushProvider waits', () => {
  beforeEach(() => useFakeTimers(timers))
  const never = (): Promise<void> => new Promise(() => {})

  test('for 3000 ms, and reports the wait after 1000 ms, when forceFlush never ends', async () => {
    const flushing = watch(flushProvider(withFlush(never)))
    await vi.advanceTimersByTimeAsync(999)
    expect(warnings).toEqual([])
    await vi.advanceTimersByTimeAsync(2000)
    expect(flushing.isOver).toBe(false)
    expect(warnings).toEqual(['logbridge: still waiting for log records to be sent, at most 3000 ms'])
    await vi.advanceTimersByTimeAsync(1)
    expect(flushing.isOver).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('for flushTimeoutMillis when forceFlush never ends', async () => {
    const bridge = createBridge(adapter, { loggerProvider: withFlush(never), flushTimeoutMillis: 20_000 })
    const flushing = watch(bridge.flush())
    await vi.advanceTimersByTimeAsync(19_999)
    expect(flushing.isOver).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(flushing.isOver).toBe(true)
  })

  test('until answers that came meanwhile are read when the event loop was blocked', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const flushing = watch(flushProvider(withFlush(() => promise)))
    await vi.advanceTimersByTimeAsync(0)
    blockEventLoop(10_000)
    await vi.advanceTimersByTimeAsync(1)
    expect(flushing.isOver).toBe(false)
    resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(flushing.isOver).toBe(true)
  })

  test('and causes no unhandled rejection when forceFlush fails after the timeout', async () => {
    const { promise, reject } = Promise.withResolvers<void>()
    const flushing = flushProvider(
      withFlush(() => promise),
      10,
    )
    await vi.advanceTimersByTimeAsync(10)
    expect(await flushing).toBeUndefined()
    // The test runner fails on an unhandled rejection.
    reject(new Error('late'))
    await vi.advanceTimersByTimeAsync(0)
  })
})

test('flushProvider leaves no timer when forceFlush ends', async () => {
  useFakeTimers(timers)
  await flushProvider(withFlush(() => Promise.resolve()))
  expect(vi.getTimerCount()).toBe(0)
})

test('flushProvider passes the timeout in the form of the SDK when a provider has forceFlush', async () => {
  const given: unknown[] = []
  const keep: ForceFlush = (timeout) => given.push(timeout)
  await flushProvider(withFlush(keep), 70)
  await flushProvider(withFlush(keep, anyValueProvider()), 70)
  expect(given).toEqual([{ timeoutMillis: 70 }, 70])
})

test('flushProvider replays the startup buffer first when a provider is registered', async () => {
  const bridge = createBridge(adapter)
  bridge.emit({ body: 'early' })
  const provider = memoryProvider()
  let flushed: unknown
  withFlush(() => (flushed = provider.records.map(({ body }) => body)), provider)
  register3x(provider)
  await bridge.flush()
  expect(flushed).toEqual(['early'])
})

test('bridge reports an error, also to onError, when its flush fails', async () => {
  const errors: unknown[] = []
  const loggerProvider = withFlush(() => Promise.reject(new Error('unreachable')))
  const bridge = createBridge(adapter, { loggerProvider, onError: (error) => errors.push(error) })
  await bridge.flush()
  expect(errors).toEqual([new Error('unreachable')])
  expect(warnings).toEqual([
    `logbridge: the flush at the end of a ${adapter.library} logger failed (logged once): unreachable`,
  ])
})

describe('createStreamEnd', () => {
  function streamEnd() {
    const events: unknown[] = []
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const stream = createStreamEnd(
      (chunk) => events.push(chunk),
      () => promise,
    )
    for (const name of ['finish', 'close']) stream.on(name, () => events.push(name))
    return { stream, events, resolve }
  }

  test('emits finish and close once, and calls each callback, when the flush has ended', async () => {
    const { stream, events, resolve } = streamEnd()
    stream.end(() => events.push('first'))
    stream.end('last words', 'utf8', () => events.push('second'))
    stream.end()
    await new Promise(setImmediate)
    expect(events).toEqual(['last words'])
    resolve(undefined)
    await new Promise((closed) => stream.once('close', closed))
    await new Promise(setImmediate)
    expect(events).toEqual(['last words', 'finish', 'first', 'close', 'second'])
  })

  test('calls back with the error, and emits nothing, when a flush fails', async () => {
    const { stream, events, resolve } = streamEnd()
    const error = new Error('unreachable')
    resolve(error)
    expect(await new Promise((done) => stream.flush(done))).toBe(error)
    stream.flush()
    expect(events).toEqual([])
  })

  test('answerWrite calls back after the flush when the chunk is empty, else in the next turn', async () => {
    const { stream, events, resolve } = streamEnd()
    answerWrite(stream, '', [() => events.push('after the flush')])
    answerWrite(stream, 'record', ['utf8', () => events.push('in the next turn')])
    answerWrite(stream, 'record', ['utf8'])
    expect(events).toEqual([])
    await new Promise(setImmediate)
    expect(events).toEqual(['in the next turn'])
    resolve(undefined)
    await vi.waitFor(() => expect(events).toEqual(['in the next turn', 'after the flush']))
  })
})
