import { expect, test } from 'vitest'
import { Contents, contentsOf, mayHaveSpanIds } from '../src/contents.ts'

const { exception, object, traceId, spanId, eventName } = Contents

test.for<[string, Record<string, unknown>, number]>([
  ['null, which is an object of JavaScript', { none: null }, object],
  ['texts and numbers alone', { id: 7, ok: true, name: 'a', err: 'no', error: 5 }, 0],
  ['an Error in err', { err: new Error('no') }, exception | object],
  ['objects in error and exception', { error: {}, exception: {} }, exception | object],
  ['a text in stack', { stack: 'Error: no\n    at a' }, exception],
  ['an array in stack', { stack: ['Error: no'] }, exception | object],
  ['an object', { user: { id: 1 } }, object],
  ['a trace id', { id: 'a'.repeat(32) }, traceId],
  ['both ids', { id: 'a'.repeat(32), other: 'b'.repeat(16) }, traceId | spanId],
  ['the name of an event', { 'otel.event.name': 'paid' }, eventName],
])('contentsOf finds what to search for when attributes hold %s', ([, attributes, expected]) => {
  expect(contentsOf(attributes)).toBe(expected)
})

test('contentsOf asks for each search but that for ids when a getter throws', () => {
  const attributes = {
    a: 'a'.repeat(32),
    b: 'b'.repeat(16),
    get c(): never {
      throw new Error('no')
    },
  }
  expect(contentsOf(attributes)).toBe(exception | object | eventName)
})

test('mayHaveSpanIds returns true when the contents have both ids', () => {
  expect([0, traceId, spanId, traceId | spanId, 31].map(mayHaveSpanIds)).toEqual([
    false,
    false,
    false,
    true,
    true,
  ])
})
