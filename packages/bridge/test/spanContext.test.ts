import * as api from '@opentelemetry/api'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contextOfSpan, isSpanContextValid, ROOT_CONTEXT, spanContextOf } from '../src/spanContext.ts'

const SPAN = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }

test('ROOT_CONTEXT keeps and deletes values as the API does when it is derived from', () => {
  const [a, b] = [api.createContextKey('a'), api.createContextKey('b')]
  const context = ROOT_CONTEXT.setValue(a, 1).setValue(b, 2)
  const without = context.deleteValue(a)
  expect([context, without, ROOT_CONTEXT].map((each) => [each.getValue(a), each.getValue(b)])).toEqual([
    [1, 2],
    [undefined, 2],
    [undefined, undefined],
  ])
})

test('contextOfSpan and spanContextOf exchange a span with the API when the other has set the span', () => {
  expect(api.trace.getSpanContext(contextOfSpan(SPAN))).toEqual(SPAN)
  expect(spanContextOf(api.trace.setSpanContext(api.ROOT_CONTEXT, SPAN))).toEqual(SPAN)
  expect(spanContextOf(api.trace.setSpanContext(api.ROOT_CONTEXT, { ...SPAN, traceId: 'x' }))).toBe(undefined)
  expect(spanContextOf(api.ROOT_CONTEXT)).toBe(undefined)
})

test('contextOfSpan answers as the API when a span is known by its ids', () => {
  const theirs = api.trace.wrapSpanContext(SPAN)
  const ours = api.trace.getSpan(contextOfSpan(SPAN))!
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(theirs)).filter(
    (name) => !/^(constructor|_)/.test(name),
  )
  expect(names).toContain('isRecording')
  for (const name of names as (keyof api.Span)[]) {
    const answer = (ours[name] as () => unknown)()
    const expected = (theirs[name] as () => unknown)()
    expect(answer === ours ? theirs : answer, name).toEqual(expected)
  }
})

test('isSpanContextValid agrees with the API when ids are any', () => {
  const id = fc.oneof(
    fc.string({ unit: fc.constantFrom('0', 'a', 'F', '9'), minLength: 16, maxLength: 16 }),
    fc.string({ unit: fc.constantFrom('0', 'a', 'F', '9'), minLength: 32, maxLength: 32 }),
    fc.constantFrom(
      '0'.repeat(16),
      '0'.repeat(32),
      `${'0'.repeat(31)}1`,
      `${'0'.repeat(15)}1`,
      'g'.repeat(16),
      '',
    ),
    fc.string(),
  )
  fc.assert(
    fc.property(id, id, (traceId, spanId) => {
      const spanContext = { traceId, spanId, traceFlags: 0 }
      expect(isSpanContextValid(spanContext)).toBe(api.isSpanContextValid(spanContext))
    }),
    { numRuns: 2000 },
  )
})
