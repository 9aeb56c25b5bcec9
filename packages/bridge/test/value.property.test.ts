import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { comparable, finalize } from '@logbridge/test-support/expected'
import { value } from '@logbridge/test-support/values'
import { toAnyValue } from '../src/anyValue.ts'

test('toAnyValue returns the plain data of docs/mapping.md when the value is any', () => {
  fc.assert(
    fc.property(value, (make) => {
      const [given, expected] = make()
      const plain = toAnyValue(given)
      expectPlain(plain)
      expect(comparable(plain)).toEqual(finalize(expected))
    }),
    { numRuns: 2000 },
  )
})

function expectPlain(plain: unknown): void {
  if (typeof plain !== 'object' || plain === null || plain instanceof Uint8Array) return
  expect([Object.prototype, Array.prototype]).toContain(Object.getPrototypeOf(plain))
  for (const descriptor of Object.values(Object.getOwnPropertyDescriptors(plain))) {
    expect(descriptor).toHaveProperty('value')
    expectPlain(descriptor.value)
  }
}
