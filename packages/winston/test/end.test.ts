import { once } from 'node:events'
import { timers } from '@logbridge/bridge/internal'
import { afterEach, describe, expect, test, vi } from 'vitest'
import winston from 'winston'
import winston30 from 'winston30'
import { useFakeTimers } from '@logbridge/test-support/fakeTimers'
import { OtelTransport, type OtelTransportOptions } from '../src/index.ts'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Provider whose flushes end when the test calls `answer`. */
function flushable(answers = false) {
  const bodies: unknown[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  if (answers) resolve()
  const forceFlush = vi.fn(() => promise)
  const loggerProvider = { getLogger: () => ({ emit: ({ body }: any) => bodies.push(body) }), forceFlush }
  return { loggerProvider: loggerProvider as never, bodies, forceFlush, answer: resolve }
}

/** Resolves when a mock has been called. Fake timers stand still meanwhile. */
async function called(mock: { mock: { calls: unknown[] } }): Promise<void> {
  while (mock.mock.calls.length === 0) await new Promise(setImmediate)
}

/** Returns the names of events in the order of their occurrence. */
function eventsOf(emitter: NodeJS.EventEmitter, ...names: string[]): string[] {
  const events: string[] = []
  for (const name of names) emitter.on(name, () => events.push(name))
  return events
}

describe.each([
  ['winston', winston],
  ['winston 3.0', winston30 as unknown as typeof winston],
])('the end of a logger of %s', (_, library) => {
  const setUp = (options: OtelTransportOptions) => {
    const transport = new OtelTransport(options)
    return { transport, logger: library.createLogger({ transports: [transport] }) }
  }

  test('emits finish of the transport when the provider has flushed', async () => {
    const { loggerProvider, forceFlush, answer } = flushable()
    const { logger, transport } = setUp({ loggerProvider })
    const events = eventsOf(transport, 'finish')
    logger.info('hello')
    logger.end()
    await called(forceFlush)
    await new Promise(setImmediate)
    expect(events).toEqual([])
    answer()
    await once(transport, 'finish')
    await new Promise(setImmediate)
    expect(forceFlush).toHaveBeenCalledTimes(1)
  })

  test('emits finish after flushTimeoutMillis when the provider never answers', async () => {
    const { loggerProvider, forceFlush } = flushable()
    const { logger, transport } = setUp({ loggerProvider, flushTimeoutMillis: 7000 })
    const events = eventsOf(transport, 'finish')
    useFakeTimers(timers, { toFake: ['setTimeout', 'clearTimeout'] })
    logger.end()
    await called(forceFlush)
    await vi.advanceTimersByTimeAsync(6999)
    await new Promise(setImmediate)
    expect(events).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    await once(transport, 'finish')
  })

  test('emits finish when the flush fails, which onError is called with', async () => {
    const errors: unknown[] = []
    const loggerProvider = {
      getLogger: () => ({ emit() {} }),
      forceFlush: () => Promise.reject(new Error('unreachable')),
    }
    const { logger, transport } = setUp({ loggerProvider, onError: (error) => errors.push(error) })
    logger.end()
    await once(transport, 'finish')
    expect(errors).toEqual([new Error('unreachable')])
  })

  test('sends what another logger writes to the same transport when the flush is running', async () => {
    const { loggerProvider, bodies, forceFlush, answer } = flushable()
    const { logger, transport } = setUp({ loggerProvider })
    const other = library.createLogger({ transports: [transport] })
    const errors: unknown[] = []
    for (const emitter of [other, transport]) emitter.on('error', (error: unknown) => errors.push(error))
    logger.end()
    await called(forceFlush)
    other.info('meanwhile')
    answer()
    await once(transport, 'finish')
    expect(bodies).toEqual(['meanwhile'])
    expect(errors).toEqual([])
  })

  test.each<[string, (logger: winston.Logger, transport: OtelTransport) => unknown]>([
    ['logger.remove()', (logger, transport) => logger.remove(transport)],
    ['logger.clear()', (logger) => logger.clear()],
    ['logger.close()', (logger) => logger.close()],
  ])('flushes when the transport is taken off by %s', (__, takeOff) => {
    const { loggerProvider, forceFlush } = flushable(true)
    const { logger, transport } = setUp({ loggerProvider })
    takeOff(logger, transport)
    expect(forceFlush).toHaveBeenCalledTimes(1)
    // The transport can be used again.
    logger.add(transport)
    logger.info('again')
    expect(transport.writable).toBe(true)
  })
})

test('finish of a logger waits for its transport when the provider has not flushed', async () => {
  const { loggerProvider, forceFlush, answer } = flushable()
  const logger = winston.createLogger({ transports: [new OtelTransport({ loggerProvider })] })
  const events = eventsOf(logger, 'finish')
  logger.end()
  await called(forceFlush)
  await new Promise(setImmediate)
  expect(events).toEqual([])
  answer()
  await once(logger, 'finish')
})

test('logged of an exception handler comes after flushTimeoutMillis when the provider never answers', async () => {
  const { loggerProvider } = flushable()
  const transport = new OtelTransport({ loggerProvider, handleExceptions: true, flushTimeoutMillis: 2000 })
  const events = eventsOf(transport, 'logged')
  useFakeTimers(timers, { toFake: ['setTimeout', 'clearTimeout'] })
  transport.log({ level: 'error', message: 'boom', exception: true }, () => {})
  await vi.advanceTimersByTimeAsync(1999)
  expect(events).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(events).toEqual(['logged'])
})

test('OtelTransport causes an uncaught exception when a listener of finish throws', async () => {
  const { loggerProvider } = flushable(true)
  const transport = new OtelTransport({ loggerProvider })
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve))
  transport.on('finish', () => {
    throw new Error('from a listener')
  })
  transport.end()
  expect(await uncaught).toMatchObject({ message: 'from a listener' })
  for (const listener of listeners) process.on('uncaughtException', listener)
})
