import { expect, test } from 'vitest'
import { contextOfSpan, ROOT_CONTEXT } from '../src/spanContext.ts'
import { removeSpanFields } from '../src/spanFields.ts'

const SPAN = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
const { traceId, spanId } = SPAN

function left(attributes: Record<string, unknown>, context = contextOfSpan(SPAN)): Record<string, unknown> {
  const copy = { ...attributes }
  removeSpanFields(copy, context)
  return Object.fromEntries(Object.entries(copy).filter(([, value]) => value !== undefined))
}

test('removeSpanFields removes both ids and the flags behind them when they are those of the span', () => {
  const id = 7
  expect(left({ trace_id: traceId, span_id: spanId, trace_flags: '01', id })).toEqual({ id })
  expect(left({ id, tid: traceId, sid: spanId, flags: '01' })).toEqual({ id })
  expect(left({ traceId, spanId, id: '01x' })).toEqual({ id: '01x' })
})

test('removeSpanFields removes each pair when a hook writes the ids under other names, too', () => {
  const pair = { trace_id: traceId, span_id: spanId, trace_flags: '01' }
  expect(left({ ...pair, 'trace.id': traceId, 'span.id': spanId, id: 7 })).toEqual({ id: 7 })
  expect(left({ spanId, traceId, a: 1 })).toEqual({ a: 1 })
  expect(left({ spanId, a: 1, traceId })).toEqual({ a: 1 })
})

test('removeSpanFields removes flags that are a number when their key says so', () => {
  expect(left({ ...SPAN, id: 7 })).toEqual({ id: 7 })
  expect(left({ traceId, spanId, count: 1 })).toEqual({ count: 1 })
})

test('removeSpanFields keeps a field with the trace id when a pair stands beside it', () => {
  expect(left({ requestId: traceId, trace_id: traceId, span_id: spanId })).toEqual({ requestId: traceId })
  expect(left({ trace_id: traceId, span_id: spanId, requestId: traceId })).toEqual({ requestId: traceId })
})

test.for<[string, Record<string, unknown>]>([
  ['the trace id stands alone', { requestId: traceId, trace_flags: '01' }],
  ['the ids are those of another span', { trace_id: traceId, span_id: 'c'.repeat(16) }],
  ['the ids are no texts', { trace_id: [traceId], span_id: { id: spanId } }],
])('removeSpanFields keeps the attributes when %s', ([, attributes]) => {
  expect(left(attributes)).toEqual(attributes)
})

test('removeSpanFields keeps the ids when the context has no span', () => {
  const attributes = { trace_id: traceId, span_id: spanId }
  expect(left(attributes, ROOT_CONTEXT)).toEqual(attributes)
})
