import { EventEmitter } from 'node:events'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { context, ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { memoryBackend } from '@logbridge/bridge/conformance'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { otelStream, traceContext } from '../src/index.ts'
import { routes } from './routes.ts'

const SPAN = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: TraceFlags.SAMPLED }
const IDS = { trace_id: SPAN.traceId, span_id: SPAN.spanId, trace_flags: '01' }

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
})
afterAll(() => context.disable())

function inSpan<T>(run: () => T, span: typeof SPAN = SPAN): T {
  return context.with(trace.setSpanContext(ROOT_CONTEXT, span), run)
}

/** A logger with these options, and the records that it has written. */
function open(options: pino.LoggerOptions): { logger: pino.Logger; written: Record<string, unknown>[] } {
  const written: Record<string, unknown>[] = []
  const logger = pino(
    { base: null, timestamp: false, ...options },
    {
      write: (line) => void written.push(JSON.parse(line) as Record<string, unknown>),
    },
  )
  return { logger, written }
}

test('traceContext adds the active span to each record when a span is active', async () => {
  const { logger, written } = open(traceContext())
  await inSpan(async () => {
    await Promise.resolve()
    logger.info({ a: 1 }, 'hello')
  })
  inSpan(() => logger.child({ b: 2 }).info('hello'), { ...SPAN, traceFlags: TraceFlags.NONE })
  expect(written).toEqual([
    { level: 30, ...IDS, a: 1, msg: 'hello' },
    { level: 30, ...IDS, trace_flags: '00', b: 2, msg: 'hello' },
  ])
})

test('traceContext adds nothing when no span is active', () => {
  const { logger, written } = open(traceContext())
  logger.info('hello')
  inSpan(() => logger.info('hello'), { ...SPAN, traceId: '0'.repeat(32) })
  expect(written).toEqual([
    { level: 30, msg: 'hello' },
    { level: 30, msg: 'hello' },
  ])
})

test('traceContext keeps options and mixin when the application has them', () => {
  const seen: unknown[] = []
  const shared = { region: 'eu' }
  const { logger, written } = open(
    traceContext({
      name: 'shop',
      messageKey: 'message',
      mixin(fields, level, logger) {
        seen.push(fields, level, logger)
        return shared
      },
    }),
  )
  const fields = { a: 1 }
  inSpan(() => logger.info(fields, 'hello'))
  logger.info('again')
  expect(seen.slice(0, 3)).toEqual([fields, 30, logger])
  expect(written).toEqual([
    { level: 30, ...IDS, region: 'eu', a: 1, message: 'hello' },
    { level: 30, region: 'eu', message: 'again' },
  ])
  expect(shared, 'what the mixin returns is not written to').toEqual({ region: 'eu' })
})

test('traceContext keeps the types of options when the application has custom levels', () => {
  const logger = pino(traceContext({ customLevels: { notice: 35 }, level: 'silent' }))
  logger.notice('hello')
  // @ts-expect-error no such level
  expect(() => logger.audit('hello')).toThrow(TypeError)
})

test('traceContext keeps fields of the application when they have the same names', () => {
  const { logger, written } = open(traceContext({ mixin: () => ({ span_id: 'mine' }) }))
  inSpan(() => logger.info({ trace_id: 'mine' }, 'hello'))
  expect(written).toEqual([{ level: 30, trace_id: 'mine', span_id: 'mine', trace_flags: '01', msg: 'hello' }])
})

test('otelStream sends the active span once when traceContext has added it', async () => {
  const { loggerProvider, records } = await memoryBackend.start()
  for (const options of [{}, { nestedKey: 'payload' }]) {
    const logger = pino(traceContext(options), otelStream({ loggerProvider }))
    inSpan(() => logger.info({ a: 1 }, 'hello'))
    const [record] = await records()
    expect(record).toMatchObject({ traceId: SPAN.traceId, spanId: SPAN.spanId, flags: 1 })
    expect(record!.attributes).toEqual('nestedKey' in options ? { payload: { a: 1 } } : { a: 1 })
  }
})

test('otelStream keeps ids when they are not those of the active span', async () => {
  const { loggerProvider, records } = await memoryBackend.start()
  const logger = pino({}, otelStream({ loggerProvider }))
  const other = { ...IDS, trace_id: '3'.repeat(32) }
  inSpan(() => logger.info(other, 'hello'))
  logger.info(IDS, 'hello')
  expect((await records()).map(({ attributes }) => attributes)).toEqual([other, IDS])
})

/** Logs in every way that code can come about in a request, beside other requests. */
async function handle(logger: pino.Logger<string>): Promise<void> {
  const child = logger.child({ child: true })
  logger.info('at once')
  child.info('by a child')
  await setImmediate()
  logger.info('after an await')
  await setTimeout(1)
  logger.info('in a timer')
  for await (const chunk of Readable.from(['in a stream'])) child.info(chunk as string)
  const transform = new Transform({
    objectMode: true,
    transform(chunk, _, done) {
      logger.info('in a %s', chunk)
      done(null, chunk)
    },
  })
  await pipeline(
    Readable.from(['pipeline']),
    transform,
    new Transform({ transform: (_, __, done) => done() }).resume(),
  )
  const emitter = new EventEmitter().on('event', () => logger.info('in an event'))
  await new Promise<void>((resolve) => {
    process.nextTick(() => resolve(void emitter.emit('event')))
  })
}

test.each(routes)(
  'otelStream sends the span of each request when requests are concurrent, through %s',
  async (_, open) => {
    const { logger, arrived } = await open(traceContext({ mixin: () => ({ region: 'eu' }) }))
    const requests = [1, 2, 3].map((id) => {
      const span = { ...SPAN, traceId: String(id).repeat(32), traceFlags: id % 2 }
      return inSpan(() => handle(logger.child({ id })), span)
    })
    await Promise.all(requests)
    logger.info({ id: 0 }, 'outside')
    const records = await arrived()
    expect(records).toHaveLength(3 * 7 + 1)
    for (const { attributes, span } of records) {
      const id = Number(attributes['id'])
      expect(span).toBe(id === 0 ? undefined : `${String(id).repeat(32)} ${SPAN.spanId} ${id % 2}`)
      expect(attributes['region']).toBe('eu')
      expect(attributes).not.toHaveProperty('trace_id')
    }
    const order = records.slice(0, -1).map(({ attributes }) => Number(attributes['id']))
    expect(order, 'the requests were interleaved').not.toEqual(order.toSorted((a, b) => a - b))
  },
)

test('traceContext takes the names of the application when it has any', () => {
  const { logger, written } = open(traceContext({}, { traceId: 'traceId', spanId: 'spanId' }))
  inSpan(() => logger.info('hello'))
  expect(written).toEqual([
    { level: 30, traceId: SPAN.traceId, spanId: SPAN.spanId, trace_flags: '01', msg: 'hello' },
  ])
  expect(() => traceContext({}, { traceId: '' })).toThrow('@logbridge/pino: traceContext(): option traceId')
})
