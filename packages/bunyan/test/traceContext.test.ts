import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import bunyan from 'bunyan'
import bunyan1 from 'bunyan1'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { traceContext, type TraceFieldNames } from '../src/index.ts'

const SPAN = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }
const IDS = { trace_id: SPAN.traceId, span_id: SPAN.spanId, trace_flags: '01' }
const inSpan = (run: () => void): void => context.with(trace.setSpanContext(ROOT_CONTEXT, SPAN), run)

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
})
afterAll(() => context.disable())

/** Stream that keeps the lines. */
function openStream(names?: TraceFieldNames): {
  stream: { write(line: object | string): void }
  lines: string[]
} {
  const lines: string[] = []
  return { stream: traceContext({ write: (line) => lines.push(line) }, names), lines }
}

test.each([
  ['2', bunyan],
  ['1.8', bunyan1],
])('traceContext adds the active span to each line when bunyan is %s', (_, library) => {
  const { stream, lines } = openStream()
  const log = library.createLogger({ name: 'shop', streams: [{ stream, level: 'debug' }] } as never)
  inSpan(() => log.child({ tenant: 'a' }).debug({ order: { id: 7 } }, 'in a span }'))
  inSpan(() => log.info({ trace_id: 'mine' }, 'own'))
  log.info('outside')
  const records = lines.map((line) => JSON.parse(line) as object)
  expect(lines.every((line) => line.endsWith('}\n'))).toBe(true)
  expect(records[0]).toMatchObject({
    name: 'shop',
    tenant: 'a',
    order: { id: 7 },
    msg: 'in a span }',
    ...IDS,
  })
  expect(records[1]).toMatchObject({ msg: 'own', trace_id: 'mine' })
  expect(records[1]).not.toHaveProperty('span_id')
  expect(records[2]).not.toHaveProperty('trace_id')
})

test('traceContext takes the names of the application when it has any', () => {
  const { stream, lines } = openStream({ traceId: 'traceId' })
  const log = bunyan.createLogger({ name: 'shop', streams: [{ stream }] })
  inSpan(() => log.info('hello'))
  expect(JSON.parse(lines[0]!)).toMatchObject({ traceId: SPAN.traceId, span_id: SPAN.spanId })
  expect(() => openStream({ spanId: ' ' })).toThrow('@logbridge/bunyan: traceContext(): option spanId')
})
