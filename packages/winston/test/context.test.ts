import { setImmediate } from 'node:timers/promises'
import { context, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import winston from 'winston'
import TransportStream from 'winston-transport'
import { type BackendSession, memoryBackend } from '@logbridge/bridge/conformance'
import { OtelTransport, type OtelTransportOptions } from '../src/index.ts'

const { format } = winston

/** A transport that is done with a record only when it is told so. */
class SlowTransport extends TransportStream {
  readonly waiting: (() => void)[] = []

  constructor() {
    super()
    this.setMaxListeners(0)
  }

  override log(_info: unknown, next: () => void): void {
    this.waiting.push(next)
  }

  /** Until nothing is left in any stream. */
  async finish(logger: winston.Logger): Promise<void> {
    const isDone = () => logger.writableLength + logger.readableLength + this.writableLength === 0
    while (!isDone()) {
      for (const next of this.waiting.splice(0)) next()
      await setImmediate()
    }
  }
}

/** The span of the log call that has this number. */
function span(number: number): SpanContext {
  const digits = String(number + 1)
  return { traceId: digits.padStart(32, '0'), spanId: digits.padStart(16, '0'), traceFlags: number % 2 }
}

function inSpan<T>(number: number, run: () => T): T {
  return context.with(trace.setSpanContext(ROOT_CONTEXT, span(number)), run)
}

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
})
afterAll(() => context.disable())

/** More than the 16 records that each of winston's three stream buffers takes. */
const CALLS = 100

describe('behind a slow transport, each record keeps the context of its call', () => {
  let session: BackendSession
  let slow: SlowTransport
  beforeEach(async () => {
    session = await memoryBackend.start()
    slow = new SlowTransport()
  })

  function create(
    loggerOptions: winston.LoggerOptions = {},
    options: OtelTransportOptions = {},
    order: 'before' | 'behind' = 'behind',
  ): winston.Logger {
    const ours = new OtelTransport({ loggerProvider: session.loggerProvider, ...options })
    const transports = order === 'behind' ? [slow, ours] : [ours, slow]
    return winston.createLogger({ ...loggerOptions, transports })
  }

  async function expectSpans(): Promise<void> {
    const records = await session.records()
    expect(records.map(({ body }) => body)).toEqual(Array.from({ length: CALLS }, (_, n) => `call ${n}`))
    records.forEach(({ traceId, spanId, flags }, n) => {
      expect({ traceId, spanId, traceFlags: flags }).toEqual(span(n))
    })
  }

  const clone = format((info) => ({ ...info }))
  const strip = format(({ level, message, ...info }) => ({
    level,
    message,
    [Symbol.for('level')]: (info as Record<symbol, unknown>)[Symbol.for('level')],
  }))

  test.each<[string, winston.LoggerOptions, OtelTransportOptions, 'before' | 'behind']>([
    ['the slow one is first', {}, {}, 'behind'],
    ['the slow one is last', {}, {}, 'before'],
    ['a format copies', { format: clone() }, {}, 'behind'],
    ['a format makes a new record', { format: strip() }, {}, 'behind'],
    ['the transport has a format', {}, { format: format.json() }, 'behind'],
    ['both', { format: clone() }, { format: strip() }, 'before'],
  ])('%s', async (_, loggerOptions, options, order) => {
    const logger = create(loggerOptions, options, order)
    for (let n = 0; n < CALLS; n += 1) inSpan(n, () => logger.info(`call ${n}`))
    expect(logger.writableLength, 'records wait before their format').toBeGreaterThan(0)
    expect(logger.readableLength, 'and after it').toBeGreaterThan(0)
    await inSpan(999, () => slow.finish(logger))
    await expectSpans()
  })

  test('child loggers', async () => {
    const logger = create()
    for (let n = 0; n < CALLS; n += 1) inSpan(n, () => logger.child({ n }).info(`call ${n}`))
    await inSpan(999, () => slow.finish(logger))
    await expectSpans()
  })

  test('an object that is logged again', async () => {
    const logger = create()
    const info = { level: 'info', message: 'first' }
    for (let n = 0; n < CALLS; n += 1) logger.info('filler')
    inSpan(1, () => logger.log(info))
    await slow.finish(logger)
    const first = (await session.records()).at(-1)!
    inSpan(2, () => logger.log(info))
    await slow.finish(logger)
    const [second] = await session.records()
    expect([first.traceId, second!.traceId]).toEqual([span(1).traceId, span(2).traceId])
  })

  test('and the time, the template and the Error', async () => {
    const logger = create(
      { format: format.combine(format.errors({ stack: true }), format.splat()) },
      { captureTemplate: true },
    )
    for (let n = 0; n < CALLS; n += 1) logger.info('filler')
    class OddError extends Error {}
    logger.error(new OddError('boom'))
    logger.info('%d items', 3)
    const called = Date.now()
    while (Date.now() < called + 5) await setImmediate()
    await slow.finish(logger)
    const [error, formatted] = (await session.records()).slice(-2)
    expect(error!.attributes['exception.type']).toBe('OddError')
    expect(formatted).toMatchObject({ body: '3 items', attributes: { 'log.body.template': '%d items' } })
    const [seconds, nanoseconds] = formatted!.timestamp
    expect(seconds * 1000 + nanoseconds / 1e6).toBeLessThanOrEqual(called)
  })

  test("a format runs in the call's context, too", async () => {
    const withTrace = format((info) => ({
      ...info,
      trace_id: trace.getSpanContext(context.active())?.traceId,
    }))
    const logger = create({ format: withTrace() })
    for (let n = 0; n < CALLS; n += 1) inSpan(n, () => logger.info(`call ${n}`))
    await inSpan(999, () => slow.finish(logger))
    const records = await session.records()
    expect(records.map(({ attributes }) => attributes['trace_id'])).toEqual(
      records.map(({ traceId }) => traceId),
    )
  })
})

test('nothing is put on a record, whether it waits or not', async () => {
  const keys = new Set<PropertyKey>()
  const look = format((info) => {
    for (const key of Reflect.ownKeys(info)) keys.add(key)
    return info
  })
  const slow = new SlowTransport()
  const ours = new OtelTransport({
    loggerProvider: (await memoryBackend.start()).loggerProvider,
    format: look(),
  })
  const logger = winston.createLogger({ format: look(), transports: [slow, ours] })
  for (let n = 0; n < CALLS; n += 1) inSpan(n, () => logger.info(`call ${n}`))
  await slow.finish(logger)
  expect(keys).toEqual(new Set(['level', 'message', Symbol.for('level')]))
})
