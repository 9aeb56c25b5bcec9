import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import type { LoggerProvider } from '@logbridge/bridge'
import { memoryBackend } from '@logbridge/bridge/conformance'
import log4js from 'log4js'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { otelAppender } from '../src/index.ts'
import { shutdown } from './setUp.ts'

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
})

const traceIdOf = (digit: string) => digit.repeat(32)
function inSpan<T>(digit: string, run: () => T): T {
  const span = { traceId: traceIdOf(digit), spanId: digit.repeat(16), traceFlags: 1 }
  return context.with(trace.setSpanContext(ROOT_CONTEXT, span), run)
}

/** log4js with the appender behind one of the user's own. */
function behind(
  loggerProvider: LoggerProvider,
  deliver: (event: log4js.LoggingEvent, next: log4js.AppenderFunction) => void,
  drain: () => void = () => {},
): log4js.Logger {
  const own: log4js.AppenderModule = {
    configure(_config, _layouts, findAppender) {
      const next = (findAppender as (name: string) => log4js.AppenderFunction)('otel')
      const shutdown = (callback: () => void) => {
        drain()
        callback()
      }
      return Object.assign((event: log4js.LoggingEvent) => deliver(event, next), { shutdown })
    },
  }
  log4js.configure({
    appenders: { otel: { type: otelAppender({ loggerProvider }) }, own: { type: own } },
    categories: { default: { appenders: ['own'], level: 'all' } },
  })
  return log4js.getLogger('shop')
}

test('appender sends the context of the call when another appender defers events with a timer', async () => {
  const { loggerProvider, records } = await memoryBackend.start()
  const handed: Promise<void>[] = []
  const defer = async (event: log4js.LoggingEvent, next: log4js.AppenderFunction) => {
    await setTimeout(1)
    next(event)
  }
  const logger = behind(loggerProvider, (event, next) => handed.push(defer(event, next)))
  for (const digit of '121') inSpan(digit, () => logger.info(digit))
  await Promise.all(handed)
  expect((await records()).map(({ body, traceId }) => [body, traceId])).toEqual([
    ['1', traceIdOf('1')],
    ['2', traceIdOf('2')],
    ['1', traceIdOf('1')],
  ])
})

test.each<[string, (event: log4js.LoggingEvent) => log4js.LoggingEvent]>([
  ['the events', (event) => event],
  ['copies of the events', (event) => ({ ...event, data: event.data.map(String) })],
])('appender sends the context of the call when another appender queues %s', async (_, copy) => {
  const { loggerProvider, records } = await memoryBackend.start()
  const queue: (() => void)[] = []
  const logger = behind(loggerProvider, (event, next) => queue.push(() => next(copy(event))))
  const before = Date.now()
  logger.info('none')
  for (const digit of '121') inSpan(digit, () => logger.info(digit))
  const after = Date.now()
  while (Date.now() <= after) await setImmediate()
  inSpan('9', () => queue.forEach((hand) => hand()))
  const arrived = await records()
  expect(arrived.map(({ body, traceId }) => [body, traceId])).toEqual([
    ['none', undefined],
    ['1', traceIdOf('1')],
    ['2', traceIdOf('2')],
    ['1', traceIdOf('1')],
  ])
  const nanos = arrived.map(({ observedTimestamp: [s, ns] }) => BigInt(s) * 1_000_000_000n + BigInt(ns))
  expect(nanos.slice(1).every((time, n) => time > nanos[n]!)).toBe(true)
  for (const { timestamp, observedTimestamp, spanId, flags, body } of arrived) {
    for (const [seconds, nanoseconds] of [timestamp, observedTimestamp]) {
      const millis = seconds * 1000 + Math.floor(nanoseconds / 1e6)
      expect(millis).toBeGreaterThanOrEqual(before)
      expect(millis).toBeLessThanOrEqual(after)
    }
    if (body !== 'none') expect([spanId, flags]).toEqual([String(body).repeat(16), 1])
  }
})

test('appender sends the context of the call when it has its own LoggerProvider and the startup buffer is full', async () => {
  const { startupBuffer } = (globalThis as unknown as Record<symbol, { startupBuffer: { bytes: number } }>)[
    Symbol.for('logbridge.state.1')
  ]!
  const { bytes } = startupBuffer
  startupBuffer.bytes = Infinity
  onTestFinished(() => void (startupBuffer.bytes = bytes))
  const { loggerProvider, records } = await memoryBackend.start()
  const queue: (() => void)[] = []
  const logger = behind(loggerProvider, (event, next) => queue.push(() => next(event)))
  inSpan('1', () => logger.info('placed'))
  inSpan('9', () => queue.forEach((hand) => hand()))
  expect(await records()).toMatchObject([{ body: 'placed', traceId: traceIdOf('1') }])
})

test('appender sends the context of the call when there are several appenders and a recording', async () => {
  const first = await memoryBackend.start()
  const second = await memoryBackend.start()
  log4js.recording().reset()
  log4js.configure({
    appenders: {
      first: { type: otelAppender({ loggerProvider: first.loggerProvider }) },
      second: { type: otelAppender({ loggerProvider: second.loggerProvider }) },
      recording: { type: 'recording' },
    },
    categories: { default: { appenders: ['first', 'recording', 'second'], level: 'all' } },
  })
  const fields = { id: 7, 'otel.event.name': 'order.placed' }
  inSpan('4', () => log4js.getLogger('shop').info('placed', fields))
  for (const { records } of [first, second]) {
    expect(await records()).toMatchObject([{ traceId: traceIdOf('4'), attributes: { id: 7 } }])
  }
  const [event] = log4js.recording().replay()
  expect(event!.data).toEqual(['placed', { id: 7, 'otel.event.name': 'order.placed' }])
  expect(event!.data[1]).toBe(fields)
  expect(JSON.parse(JSON.stringify(event))).toEqual({
    startTime: expect.any(String),
    categoryName: 'shop',
    data: event!.data,
    level: { level: 20_000, levelStr: 'INFO', colour: 'green' },
    context: {},
    pid: process.pid,
  })
})

test('appender sends no trace when the multiprocess appender passes an event', async () => {
  const { loggerProvider, records } = await memoryBackend.start()
  const { configure } = otelAppender({ loggerProvider })
  const appender = configure({}, undefined, undefined, log4js.levels)
  const event = { categoryName: 'remote', data: ['x'], context: {}, remoteAddress: '10.0.0.1' }
  inSpan('5', () => appender(event as unknown as log4js.LoggingEvent))
  expect((await records()).map(({ traceId }) => traceId)).toEqual([undefined])
})

test('appender flushes when an appender empties its queue at the shutdown of log4js', async () => {
  const emitted: unknown[] = []
  let flushed: unknown[] = []
  const loggerProvider = {
    getLogger: () => ({ emit: ({ body }: { body?: unknown }) => emitted.push(body) }),
    forceFlush: async () => void (flushed = [...emitted]),
  }
  const queue: (() => void)[] = []
  const logger = behind(
    loggerProvider,
    (event, next) => queue.push(() => next(event)),
    () => queue.forEach((hand) => hand()),
  )
  logger.info('the last')
  await shutdown()
  expect(flushed).toEqual(['the last'])
})

test('appender sends the span of each request when requests are concurrent', async () => {
  const { loggerProvider, records } = await memoryBackend.start()
  log4js.configure({
    appenders: { otel: { type: otelAppender({ loggerProvider }) } },
    categories: { default: { appenders: ['otel'], level: 'all' } },
  })
  const logger = log4js.getLogger('http')
  const connect = log4js.connectLogger(logger, { level: 'auto', format: ':url :status', context: true })
  const server = createServer((request, response) => {
    const digit = request.url!.slice(1)
    inSpan(digit, () =>
      connect(request, response, async () => {
        request.on('data', () => logger.debug(`${digit} stream`))
        await once(request, 'end')
        logger.debug(`${digit} await`)
        await setTimeout(1)
        logger.debug(`${digit} timer`)
        response.statusCode = digit === '7' ? 500 : 200
        Readable.from(['a', 'b']).pipe(response)
      }),
    )
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const digits = Array.from('12345678')
  await Promise.all(
    digits.map(async (digit) => {
      const response = await fetch(`http://127.0.0.1:${port}/${digit}`, { method: 'POST', body: 'x' })
      await response.text()
    }),
  )
  const arrived = []
  while (arrived.length < 4 * digits.length) {
    arrived.push(...(await records()))
    await setImmediate()
  }
  for (const { body, traceId } of arrived) expect(traceId).toBe(traceIdOf(/\d/.exec(String(body))![0]))
  const lines = arrived.filter(({ body }) => String(body).startsWith('/'))
  expect(lines.map(({ body, severityText }) => [severityText, body].join(' ')).toSorted()).toEqual(
    digits.map((digit) => (digit === '7' ? 'ERROR /7 500' : `INFO /${digit} 200`)).toSorted(),
  )
  // connectLogger has put the live response into the logger's context.
  for (const { attributes } of arrived) expect(attributes).toEqual({})
})
