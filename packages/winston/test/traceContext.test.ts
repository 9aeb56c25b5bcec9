import { Writable } from 'node:stream'
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { memoryBackend } from '@logbridge/bridge/conformance'
import { afterAll, beforeAll, expect, test } from 'vitest'
import winston from 'winston'
import { OtelTransport, traceContext } from '../src/index.ts'

const SPAN = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }
const inSpan = (run: () => void): void => context.with(trace.setSpanContext(ROOT_CONTEXT, SPAN), run)
const { combine, errors, json } = winston.format

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
})
afterAll(() => context.disable())

/** Logs with a format, and returns the fields of each line. */
function print(format: winston.Logform.Format, run: (logger: winston.Logger) => void): unknown[] {
  const lines: unknown[] = []
  const stream = new Writable({
    write(line: Buffer, _, done) {
      lines.push(JSON.parse(line.toString()))
      done()
    },
  })
  run(winston.createLogger({ format, transports: [new winston.transports.Stream({ stream })] }))
  return lines
}

test('traceContext adds the active span to each record when a span is active', () => {
  const lines = print(combine(traceContext(), json()), (logger) => {
    inSpan(() => logger.info('in a span', { orderId: 7 }))
    inSpan(() => logger.info('own', { trace_id: 'mine' }))
    logger.info('outside')
  })
  expect(lines).toEqual([
    {
      level: 'info',
      message: 'in a span',
      orderId: 7,
      trace_id: SPAN.traceId,
      span_id: SPAN.spanId,
      trace_flags: '01',
    },
    expect.objectContaining({ message: 'own', trace_id: 'mine' }),
    { level: 'info', message: 'outside' },
  ])
})

test('traceContext leaves the object of the application as it was when the object is the record', () => {
  const error = new Error('failed')
  const lines = print(combine(traceContext(), errors(), json()), (logger) => {
    inSpan(() => logger.log('error', error))
    logger.log('error', error)
  })
  expect(lines).toEqual([
    expect.objectContaining({ message: 'failed', trace_id: SPAN.traceId }),
    { level: 'error', message: 'failed' },
  ])
  expect(error).not.toHaveProperty('trace_id')
})

test('traceContext takes the names of the application when it has any', () => {
  const names = { traceId: 'dd.trace_id', spanId: 'dd.span_id', traceFlags: 'flags' }
  const lines = print(combine(traceContext(names), json()), (logger) => inSpan(() => logger.info('hello')))
  expect(lines).toEqual([
    { level: 'info', message: 'hello', 'dd.trace_id': SPAN.traceId, 'dd.span_id': SPAN.spanId, flags: '01' },
  ])
  expect(() => traceContext({ traceId: '' })).toThrow('@logbridge/winston: traceContext(): option traceId')
})

test.each([undefined, { traceId: 'traceId', spanId: 'spanId' }])(
  'OtelTransport sends the span once when traceContext prints it as %j',
  async (names) => {
    const { loggerProvider, records } = await memoryBackend.start()
    const logger = winston.createLogger({
      format: combine(traceContext(names), json()),
      transports: [new OtelTransport({ loggerProvider })],
    })
    inSpan(() => logger.info('hello', { orderId: 7 }))
    const [record] = await records()
    expect(record).toMatchObject({ body: 'hello', traceId: SPAN.traceId })
    expect(record!.attributes).toEqual({ orderId: 7 })
  },
)
