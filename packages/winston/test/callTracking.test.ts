import { once } from 'node:events'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as nextTurn } from 'node:timers'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { context, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import winston from 'winston'
import TransportStream from 'winston-transport'
import type { ApiLogRecord } from '@logbridge/bridge/internal'
import { type BackendSession, memoryBackend } from '@logbridge/bridge/conformance'
import { OtelTransport, type OtelTransportOptions } from '../src/index.ts'
import { versions } from './versions.ts'

/** Transport that finishes a record when the test calls `next`. */
class SlowTransport extends TransportStream {
  readonly waiting: (() => void)[] = []

  constructor() {
    super()
    this.setMaxListeners(0)
  }

  override log(_info: unknown, next: () => void): void {
    this.waiting.push(next)
  }

  /** Calls `next` until all streams are empty. */
  async finish(logger: winston.Logger): Promise<void> {
    const isDone = () => waitingIn(logger).every((length) => length === 0) && this.writableLength === 0
    while (!isDone()) {
      for (const next of this.waiting.splice(0)) next()
      await setImmediate()
    }
  }
}

/** Counts the records that wait before and after their format. winston's first versions have no getters for the numbers. */
function waitingIn(logger: winston.Logger): [number, number] {
  const { _writableState, _readableState } = logger as unknown as Record<string, { length: number }>
  return [_writableState!.length, _readableState!.length]
}

/** Returns the span of a log call by its number. */
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

/** Exceeds the 16 records that each of winston's three stream buffers holds. */
const CALLS = 100

describe.each(versions)(
  'OtelTransport of %s sends the context of the call behind a slow transport',
  (version, winston) => {
    const { format } = winston
    const isOldest = version.endsWith('3.0.0')
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
      const nanos = records.map(({ observedTimestamp: [s, ns] }) => BigInt(s) * 1_000_000_000n + BigInt(ns))
      expect(nanos.slice(1).every((time, n) => time > nanos[n]!)).toBe(true)
    }

    const clone = format((info) => ({ ...info }))
    const strip = format(({ level, message, ...info }) => ({
      level,
      message,
      [Symbol.for('level')]: (info as Record<symbol, unknown>)[Symbol.for('level')],
    }))

    test.each<[string, winston.LoggerOptions, OtelTransportOptions, 'before' | 'behind']>([
      ['when the slow transport is first', {}, {}, 'behind'],
      ['when the slow transport is last', {}, {}, 'before'],
      ['when a format copies the record', { format: clone() }, {}, 'behind'],
      ['when a format makes a new record', { format: strip() }, {}, 'behind'],
      ['when the transport has a format', {}, { format: format.json() }, 'behind'],
      ['when logger and transport have a format', { format: clone() }, { format: strip() }, 'before'],
    ])('%s', async (_, loggerOptions, options, order) => {
      const logger = create(loggerOptions, options, order)
      for (let n = 0; n < CALLS; n += 1) inSpan(n, () => logger.info(`call ${n}`))
      for (const length of waitingIn(logger)) expect(length).toBeGreaterThan(0)
      await inSpan(999, () => slow.finish(logger))
      await expectSpans()
    })

    test.skipIf(isOldest)('when a child logger is called, which winston has since 3.2', async () => {
      const logger = create()
      for (let n = 0; n < CALLS; n += 1) inSpan(n, () => logger.child({ n }).info(`call ${n}`))
      await inSpan(999, () => slow.finish(logger))
      await expectSpans()
    })

    test('when an object is logged again', async () => {
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

    test('and its time, template and Error when a format changes the record', async () => {
      const logger = create(
        {
          format: isOldest ? format.splat() : format.combine(format.errors({ stack: true }), format.splat()),
        },
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

    test('and its observed time when a format sets the timestamp', async () => {
      const emitted: ApiLogRecord[] = []
      const loggerProvider = {
        getLogger: () => ({ emit: (record: ApiLogRecord) => void emitted.push(record) }),
      }
      const logger = create(
        { format: format.timestamp({ format: () => '2024-01-02T03:04:05Z' }) },
        { loggerProvider },
      )
      for (let n = 0; n < CALLS; n += 1) logger.info('hello')
      const called = Date.now()
      while (Date.now() < called + 5) await setImmediate()
      await slow.finish(logger)
      const { timestamp, observedTimestamp } = emitted.at(-1)!
      expect(timestamp).toEqual([1704164645, 0])
      expect(observedTimestamp![0] * 1000 + observedTimestamp![1] / 1e6).toBeLessThanOrEqual(called)
    })

    test('and its call site when captureCode is true', async () => {
      const logger = create({}, { captureCode: true })
      function logHere(n: number): void {
        logger.info(`call ${n}`)
      }
      for (let n = 0; n < CALLS; n += 1) logHere(n)
      await (async function drain() {
        await slow.finish(logger)
      })()
      const records = await session.records()
      expect(records).toHaveLength(CALLS)
      const functions = records.map(({ attributes }) => attributes['code.function.name'])
      expect(new Set(functions)).toEqual(new Set(['logHere']))
      expect(records.at(-1)!.attributes).toMatchObject({
        'code.file.path': fileURLToPath(import.meta.url),
        'code.line.number': records[0]!.attributes['code.line.number'],
      })
    })

    test('when requests take turns while the streams drain', async () => {
      const logger = create()
      const request = (number: number) =>
        inSpan(number, async () => {
          for (let step = 0; step < CALLS / 4; step += 1) {
            logger.info(`request ${number}`)
            await setImmediate()
          }
        })
      const requests = [1, 2, 3, 4].map(request)
      let queued = 0
      const drained = inSpan(999, async () => {
        for (let turn = 0; turn < CALLS / 4; turn += 1) {
          queued = Math.max(queued, ...waitingIn(logger))
          slow.waiting.shift()?.()
          await setImmediate()
        }
      })
      await Promise.all([...requests, drained])
      expect(queued, 'records wait').toBeGreaterThan(0)
      await slow.finish(logger)
      const records = await session.records()
      expect(records).toHaveLength(CALLS)
      for (const { body, traceId } of records) {
        expect(traceId).toBe(span(Number(String(body).replace('request ', ''))).traceId)
      }
    })

    test('when streams log and records are piped into the logger', async () => {
      const logger = create()
      const write = (number: number) =>
        inSpan(number, () => {
          const chunks = Array.from({ length: CALLS / 4 }, () => `chunk ${number}`)
          const sink = new Writable({
            objectMode: true,
            write(chunk: string, _, next) {
              logger.info(chunk)
              nextTurn(next)
            },
            final(next) {
              logger.info(`chunk ${number}`)
              next()
            },
          })
          return pipeline(Readable.from(chunks), sink)
        })
      const source = Readable.from(Array.from({ length: 5 }, () => ({ level: 'info', message: 'chunk 4' })))
      inSpan(4, () => source.pipe(logger, { end: false }))
      await Promise.all([once(source, 'end'), ...[1, 2, 3].map(write)])
      await inSpan(999, () => slow.finish(logger))
      const records = await session.records()
      expect(records).toHaveLength(3 * (CALLS / 4 + 1) + 5)
      for (const { body, traceId } of records) {
        expect(traceId).toBe(span(Number(String(body).replace('chunk ', ''))).traceId)
      }
    })

    test('when the transport itself is corked', async () => {
      const transport = new OtelTransport({ loggerProvider: session.loggerProvider })
      const logger = winston.createLogger({ transports: [transport] })
      transport.cork()
      for (let n = 0; n < CALLS / 10; n += 1) inSpan(n, () => logger.info(`call ${n}`))
      expect(await session.records()).toEqual([])
      inSpan(999, () => transport.uncork())
      const records = await session.records()
      expect(records.map(({ traceId }) => traceId)).toEqual(records.map((_, n) => span(n).traceId))
      expect(records).toHaveLength(CALLS / 10)
    })

    test('when a format reads the active context', async () => {
      const withTrace = format((info) => ({
        ...info,
        trace_id: trace.getSpanContext(context.active())?.traceId,
      }))
      const logger = create({ format: withTrace() })
      for (let n = 0; n < CALLS; n += 1) inSpan(n, () => logger.info(`call ${n}`))
      await inSpan(999, () => slow.finish(logger))
      const records = await session.records()
      expect(records.map(({ attributes }) => attributes['trace_id'])).toEqual(
        Array.from({ length: CALLS }, (_, n) => span(n).traceId),
      )
    })
  },
)

test('callTracking adds nothing to a record when the record waits', async () => {
  const keys = new Set<PropertyKey>()
  const look = winston.format((info) => {
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
