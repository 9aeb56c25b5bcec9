import type { Context } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { createPrintedSpan } from '../src/printedSpan.ts'
import { contextOfSpan, ROOT_CONTEXT } from '../src/spanContext.ts'

const SPAN = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }

test('createPrintedSpan returns fields in hex when the context has a span', () => {
  expect(createPrintedSpan('test')(contextOfSpan(SPAN))).toEqual({
    trace_id: SPAN.traceId,
    span_id: SPAN.spanId,
    trace_flags: '01',
  })
  const printedSpan = createPrintedSpan('test', { traceId: 'trace.id', traceFlags: 'sampled' })
  expect(printedSpan(contextOfSpan({ ...SPAN, traceFlags: 0x300 }))).toEqual({
    'trace.id': SPAN.traceId,
    span_id: SPAN.spanId,
    sampled: '00',
  })
})

test('createPrintedSpan returns nothing when the context has no valid span or throws', () => {
  const printedSpan = createPrintedSpan('test')
  expect(printedSpan()).toBe(undefined)
  expect(printedSpan(ROOT_CONTEXT)).toBe(undefined)
  expect(printedSpan(contextOfSpan({ ...SPAN, traceId: '0'.repeat(32) }))).toBe(undefined)
  const broken = {
    getValue() {
      throw new Error('broken')
    },
  } as unknown as Context
  expect(printedSpan(broken)).toBe(undefined)
})

test.each(['', 'trace id', '%s', 'a"b', 7])('createPrintedSpan throws when a name is %j', (traceId) => {
  expect(() => createPrintedSpan('test', { traceId: traceId as string })).toThrow(/^test: option traceId is /)
})
