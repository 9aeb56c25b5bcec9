import assert from 'node:assert/strict'
import { assertSame, type Check } from './harness.ts'

export type ValueBehavior =
  | 'value.date'
  | 'value.invalidDate'
  | 'value.map'
  | 'value.set'
  | 'value.bytes'
  | 'value.bigint'
  | 'value.int64'
  | 'value.hugeBigint'
  | 'value.notFinite'
  | 'value.null'
  | 'value.absent'
  | 'value.regexp'
  | 'value.url'
  | 'value.instance'
  | 'value.boxed'
  | 'value.toJSON'
  | 'value.loneSurrogate'
  | 'value.error'
  | 'value.circular'
  | 'value.shared'
  | 'value.getter'
  | 'value.proxy'
  | 'value.mutated'
  | 'value.mutatedBytes'

class Point {
  readonly x = 1
  readonly y = 2
  readonly inner: Map<string, number> = new Map([['z', 3]])
}

/** Checks of each kind of JavaScript value. */
export const valueChecks: Readonly<Record<ValueBehavior, Check>> = {
  'value.date': arrivesAs(() => new Date(1_700_000_000_123), '2023-11-14T22:13:20.123Z'),
  'value.invalidDate': arrivesAs(() => new Date(Number.NaN), 'Invalid Date'),
  'value.map': arrivesAs(
    () =>
      new Map<unknown, unknown>([
        ['a', 1],
        [7, { deep: [true] }],
      ]),
    { a: 1, 7: { deep: [true] } },
  ),
  'value.set': arrivesAs(() => new Set(['a', 2]), ['a', 2]),
  'value.bytes': arrivesAs(
    () => ({ buffer: Buffer.from('hi'), array: new Uint16Array([1, 2]), raw: new Uint8Array([3]).buffer }),
    { buffer: Uint8Array.of(104, 105), array: Uint8Array.of(1, 0, 2, 0), raw: Uint8Array.of(3) },
  ),
  'value.bigint': arrivesAs(() => 42n, 42),
  'value.int64': arrivesAs(() => 2n ** 60n, 2n ** 60n),
  'value.hugeBigint': arrivesAs(() => 2n ** 70n, (2n ** 70n).toString()),
  'value.notFinite': arrivesAs(() => [Number.NaN, Infinity, -Infinity], [Number.NaN, Infinity, -Infinity]),
  'value.null': arrivesAs(() => ({ a: null, list: [null, undefined, 1] }), {
    a: null,
    list: [null, null, 1],
  }),
  async 'value.absent'({ open, record, info }) {
    const logger = await open()
    const absent = { a: undefined, b: () => 1, c: Symbol('c'), kept: 1 }
    logger.log(info, 'absent', { ...absent, nested: { ...absent } })
    const { attributes } = await record()
    for (const map of [attributes, attributes['nested'] as Record<string, unknown>]) {
      for (const key of ['a', 'b', 'c']) assert.ok(!(key in map), `${key} must be left out`)
      assertSame(map['kept'], 1, 'the sibling')
    }
  },
  'value.regexp': arrivesAs(() => /a.b/gi, '/a.b/gi'),
  'value.url': arrivesAs(() => new URL('https://example.com/a?b=1'), 'https://example.com/a?b=1'),
  'value.instance': arrivesAs(() => new Point(), { x: 1, y: 2, inner: { z: 3 } }),
  'value.boxed': arrivesAs(() => [Object(1), Object('s'), Object(true), Object(5n)], [1, 's', true, 5]),
  'value.toJSON': arrivesAs(() => ({ secret: 1, toJSON: () => ({ shown: [1, 2] }) }), { shown: [1, 2] }),
  'value.loneSurrogate': arrivesAs(() => 'a\uD800b', 'a\uFFFDb'),
  async 'value.error'({ open, record, info }) {
    const logger = await open()
    const error = Object.assign(new TypeError('inner'), { code: 'E_INNER' })
    logger.log(info, 'an error among other values', { reason: { first: error } })
    const first = (await record()).attributes['reason'] as { first: Record<string, unknown> }
    assert.equal(first.first['type'], 'TypeError')
    assert.equal(first.first['message'], 'inner')
    assert.equal(first.first['code'], 'E_INNER')
    assert.match(String(first.first['stack']), /^TypeError: inner\n/)
  },
  async 'value.circular'({ open, record, info }) {
    const logger = await open()
    const value: Record<string, unknown> = { name: 'loop' }
    value['self'] = value
    value['list'] = [value]
    logger.log(info, 'circular', { value, sibling: 'here' })
    const { attributes } = await record()
    const expected = { name: 'loop', self: '[Circular]', list: ['[Circular]'] }
    assertSame(attributes['value'], expected, 'circular references')
    assert.equal(attributes['sibling'], 'here')
  },
  async 'value.shared'({ open, record, info }) {
    const logger = await open()
    const shared = { id: 1 }
    logger.log(info, 'shared', { first: shared, second: [shared, shared] })
    const { attributes } = await record()
    assertSame(attributes['first'], { id: 1 }, 'an object at its first place')
    assertSame(attributes['second'], [{ id: 1 }, { id: 1 }], 'an object at its later places')
  },
  async 'value.getter'({ open, record, info }) {
    const logger = await open()
    const value = {
      before: 1,
      get broken(): never {
        throw new Error('no access')
      },
      after: 2,
    }
    logger.log(info, 'a getter that throws', { value, sibling: 'here' })
    const { attributes } = await record()
    assertSame(attributes['value'], { before: 1, broken: '[Throws: no access]', after: 2 }, 'the siblings')
    assert.equal(attributes['sibling'], 'here')
  },
  async 'value.proxy'({ open, record, info }) {
    const logger = await open()
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    logger.log(info, 'a revoked Proxy', { value: { proxy, after: 2 }, sibling: 'here' })
    const { attributes } = await record()
    const value = attributes['value'] as Record<string, unknown>
    assert.match(String(value['proxy']), /^\[Throws: /)
    assertSame(value['after'], 2, 'the sibling')
    assert.equal(attributes['sibling'], 'here')
  },
  async 'value.mutated'({ open, record, info }) {
    const logger = await open()
    const fields = { cart: { items: ['apple'] }, when: new Date(0) }
    logger.log(info, 'before the change', fields)
    fields.cart.items.push('pear')
    fields.when.setTime(1e12)
    const { attributes } = await record()
    assertSame(attributes['cart'], { items: ['apple'] }, 'an object changed after the call')
    assert.equal(attributes['when'], '1970-01-01T00:00:00.000Z')
  },
  async 'value.mutatedBytes'({ open, record, info }) {
    const logger = await open()
    const bytes = Uint8Array.of(1)
    logger.log(info, 'before the change', { bytes })
    bytes[0] = 9
    assertSame((await record()).attributes['bytes'], Uint8Array.of(1), 'bytes changed after the call')
  },
}

/** Checks a value as a field, inside an object, and inside an array, beside a sibling that must arrive unchanged. */
function arrivesAs(make: () => unknown, expected: unknown): Check {
  return async ({ open, record, info }) => {
    const logger = await open()
    logger.log(info, 'a value', { value: make(), nested: { value: make() }, list: [make()], sibling: 'here' })
    const { attributes } = await record()
    assertSame(attributes['value'], expected, 'as a field')
    assertSame(attributes['nested'], { value: expected }, 'inside an object')
    assertSame(attributes['list'], [expected], 'inside an array')
    assert.equal(attributes['sibling'], 'here')
  }
}
