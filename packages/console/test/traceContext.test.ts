import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bridged } from './bridged.ts'

const SPAN = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }
const inSpan = (run: () => void): void => context.with(trace.setSpanContext(ROOT_CONTEXT, SPAN), run)
const PREFIX = `trace_id=${SPAN.traceId} span_id=${SPAN.spanId} trace_flags=01`

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
})
afterAll(() => context.disable())

test('traceContext prints the active span in front of a text when it is true', () => {
  const { console, stdout, stderr, records } = bridged({ traceContext: true })
  inSpan(() => {
    console.log('order %s placed', 'A-7', { items: 3 })
    console.info({ items: 3 })
    console.error()
    console.table([7])
  })
  console.log('outside')
  const [text, object, ...table] = stdout.text.split('\n')
  expect([text, object]).toEqual([`${PREFIX} order A-7 placed { items: 3 }`, `${PREFIX} { items: 3 }`])
  expect(table.join('\n')).not.toContain('trace_id')
  expect(stdout.text).toMatch(/\noutside\n$/)
  expect(stderr.text).toBe(`${PREFIX}\n`)
  expect(records.map(({ body }) => body)).toContain('order A-7 placed')
  expect(JSON.stringify(records)).not.toContain('trace_id=')
})

test('traceContext takes the names of the application when it has any', () => {
  const { console, stdout } = bridged({ traceContext: { traceId: 'trace' } })
  inSpan(() => console.log('hello'))
  expect(stdout.text).toMatch(/^trace=1{32} span_id=2{16} trace_flags=01 hello\n$/)
  expect(() => bridged({ traceContext: { traceId: '%s' } })).toThrow(
    '@logbridge/console: option traceContext: option traceId',
  )
})

test('traceContext prints nothing when it is not set', () => {
  const { console, stdout } = bridged()
  inSpan(() => console.log('hello'))
  expect(stdout.text).toBe('hello\n')
})
