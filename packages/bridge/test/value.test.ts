import vm from 'node:vm'
import { Temporal as Polyfill } from 'temporal-polyfill'
import { describe, expect, test } from 'vitest'
import { toAnyValue, toAnyValueMap } from '../src/anyValue.ts'
import { MAX_VALUES } from '../src/safeAccess.ts'
import { ValueWriter } from '../src/value.ts'
import { MAX_DEPTH } from '../src/valueCosts.ts'
import { recordingSink } from './recordingSink.ts'

describe('toAnyValue', () => {
  class Money {
    amount = 5
    private readonly currency = 'EUR'
    get shown(): string {
      return `${this.amount} ${this.currency}`
    }
  }
  class Version {
    toString(): string {
      return '1.2.3'
    }
  }
  class Bag {
    get size(): number {
      return 2
    }
    *[Symbol.iterator](): Generator<number> {
      yield 1
      yield 2
    }
  }
  const bytes = Uint8Array.of(1, 2, 3)

  test.for<[string, unknown, unknown]>([
    ['a string', 'text', 'text'],
    ['a lone surrogate', 'a\ud800b', 'a\ufffdb'],
    ['a safe integer', 42, 42],
    ['a double', 1.5, 1.5],
    ['NaN', Number.NaN, Number.NaN],
    ['Infinity', Infinity, Infinity],
    ['-0', -0, -0],
    ['a small bigint', 12n, 12],
    ['a bigint beyond the safe integers', 2n ** 60n, '1152921504606846976'],
    ['a bigint beyond int64', 2n ** 64n, '18446744073709551616'],
    ['a boolean', false, false],
    ['null', null, null],
    ['undefined on its own', undefined, null],
    ['absent values in an array', [undefined, () => 1, Symbol('s')], [null, null, null]],
    ['absent fields', { a: undefined, b: () => 1, c: Symbol('s'), d: 1 }, { d: 1 }],
    ['a null field', { a: null }, { a: null }],
    ['a Date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['an invalid Date', new Date(Number.NaN), 'Invalid Date'],
    ['a Buffer', Buffer.from(bytes), bytes],
    ['an ArrayBuffer', bytes.buffer, bytes],
    ['a typed array', new Uint16Array(bytes.slice(0, 2).buffer), bytes.slice(0, 2)],
    ['a DataView of a part', new DataView(bytes.buffer, 1, 1), bytes.slice(1, 2)],
    ['a Map', new Map<unknown, unknown>([['a', 1]]), { a: 1 }],
    ['a Set', new Set([1, 'a']), [1, 'a']],
    ['another iterable with a size', new Bag(), [1, 2]],
    ['a RegExp', /a+/g, '/a+/g'],
    ['a URL', new URL('https://example.com/a?b'), 'https://example.com/a?b'],
    ['a class with a toString', new Version(), '1.2.3'],
    ['a class instance', new Money(), { amount: 5, currency: 'EUR' }],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['a boxed number', Object(7), 7],
    ['a boxed bigint', Object(7n), 7],
    ['toJSON', { toJSON: () => ({ a: new Date(0) }) }, { a: '1970-01-01T00:00:00.000Z' }],
    ['toJSON, honoured once', { toJSON: () => ({ a: 1, toJSON: () => 2 }) }, { a: 1 }],
    ['an own __proto__', JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}')],
    [
      'another realm’s object',
      vm.runInNewContext('({ a: [1], d: new Date(0), m: new Map([[1, new Set([2])]]) })'),
      { a: [1], d: '1970-01-01T00:00:00.000Z', m: { 1: [2] } },
    ],
    ['another realm’s class instance', vm.runInNewContext('new (class { a = 1 })()'), { a: 1 }],
  ])('converts a value when it is %s', ([, value, expected]) => {
    expect(toAnyValue(value)).toStrictEqual(expected)
  })

  test('returns type, message, stack, own fields and cause when the value is an Error', () => {
    const error = Object.assign(new TypeError('no', { cause: new Error('why') }), { code: 'E_NO' })
    expect(toAnyValue({ error })).toEqual({
      error: {
        type: 'TypeError',
        message: 'no',
        stack: error.stack,
        code: 'E_NO',
        cause: { type: 'Error', message: 'why', stack: (error.cause as Error).stack },
      },
    })
  })
})

describe('an instance of a class of the Web becomes its fields', () => {
  const form = new FormData()
  form.append('id', '7')
  form.append('id', '8')
  const used = new Response('x', { status: 503, headers: { 'retry-after': '5' } })
  const signal = AbortSignal.abort('too late')
  class Named {
    get [Symbol.toStringTag](): string {
      return 'Request'
    }
    own = 1
  }

  test.for<[string, unknown, unknown]>([
    ['Headers', new Headers([['Retry-After', '5'], ['set-cookie', 'a'], ['set-cookie', 'b']]), { 'retry-after': '5', 'set-cookie': 'a', 'set-cookie#2': 'b' }], // prettier-ignore
    ['FormData', form, { id: '7', 'id#2': '8' }],
    ['URLSearchParams', new URLSearchParams({ a: '1' }), 'a=1'],
    ['Blob', new Blob(['abc'], { type: 'text/plain' }), { size: 3, type: 'text/plain' }],
    [
      'File',
      new File(['abc'], 'a.txt', { lastModified: 1 }),
      { name: 'a.txt', size: 3, type: '', lastModified: 1 },
    ],
    ['Request', new Request('http://h/a', { method: 'PUT', headers: { a: 'b' } }), { method: 'PUT', url: 'http://h/a', headers: { a: 'b' } }], // prettier-ignore
    ['Response', used, { status: 503, statusText: '', url: '', headers: { 'content-type': 'text/plain;charset=UTF-8', 'retry-after': '5' } }], // prettier-ignore
    ['AbortSignal', signal, { aborted: true, reason: 'too late' }],
    ['a class with the name of one and own fields', new Named(), { own: 1 }],
  ])('%s', async ([, value, expected]) => {
    expect(toAnyValue({ value })).toStrictEqual({ value: expected })
  })

  test('when its body has been read', async () => {
    await used.text()
    expect(toAnyValue(used)).toMatchObject({ status: 503 })
  })
})

/** `Temporal` of Node.js from version 26 on, and of a polyfill. */
const temporals: [string, typeof Polyfill][] = [
  ['temporal-polyfill', Polyfill],
  ...('Temporal' in globalThis
    ? [
        ['Node.js', (globalThis as unknown as { Temporal: typeof Polyfill }).Temporal] as [
          string,
          typeof Polyfill,
        ],
      ]
    : []),
]

describe.each(temporals)('a value of Temporal of %s becomes its text', (_, Temporal) => {
  test.for<[string, string, object]>([
    ['Instant', '2026-11-29T10:00:00.123456789Z', Temporal.Instant.from('2026-11-29T10:00:00.123456789Z')],
    ['ZonedDateTime', '2026-11-29T10:00:00+01:00[Europe/Berlin]', Temporal.ZonedDateTime.from('2026-11-29T10:00[Europe/Berlin]')], // prettier-ignore
    ['PlainDateTime', '2026-11-29T10:00:00', Temporal.PlainDateTime.from('2026-11-29T10:00')],
    ['PlainDate', '2026-11-29', Temporal.PlainDate.from('2026-11-29')],
    ['PlainTime', '10:00:00', Temporal.PlainTime.from('10:00')],
    ['PlainYearMonth', '2026-11', Temporal.PlainYearMonth.from('2026-11')],
    ['PlainMonthDay', '11-29', Temporal.PlainMonthDay.from('11-29')],
    ['Duration', 'P1DT2H', Temporal.Duration.from({ days: 1, hours: 2 })],
  ])('%s', ([, text, value]) => {
    expect(toAnyValue({ value, values: [value] })).toStrictEqual({ value: text, values: [text] })
  })
})

test('ValueWriter gives an attribute another key when the key is empty', () => {
  expect(toAnyValueMap({ '[empty]': 1, '': 2, nested: { '': 3 } })).toEqual({
    '[empty]': 1,
    '[empty]#2': 2,
    nested: { '': 3 },
  })
})

test('toAnyValue makes keys well-formed and distinct when they have lone surrogates', () => {
  const value = { '\ud800': 1, '\udc00': 2, '\ufffd': 3, a: { '\ud800': 4 } }
  const expected = { '\ufffd': 1, '\ufffd#2': 2, '\ufffd#3': 3, a: { '\ufffd': 4 } }
  expect(toAnyValue(value)).toEqual(expected)
  expect(toAnyValueMap(value)).toEqual(expected)
})

test('toAnyValue keeps the names of ill-formed keys when a field is omitted', () => {
  const value = { '\ud800': undefined, '\ufffd': 1 }
  expect(toAnyValueMap(value)).toEqual({ '\ufffd#2': 1 })
  expect(toAnyValue(value)).toEqual({ '\ufffd#2': 1 })
  expect(toAnyValue(new Map(Object.entries(value)))).toEqual({ '\ufffd#2': 1 })
})

describe('keys of a Map', () => {
  test('become strings when they are of another type', () => {
    const map = new Map<unknown, unknown>([
      [1, 'a'],
      [null, 'b'],
      [{ id: 1 }, 'c'],
      [Symbol('s'), 'd'],
    ])
    expect(toAnyValue(map)).toEqual({ 1: 'a', null: 'b', '{"id":1}': 'c', 'Symbol(s)': 'd' })
  })

  test('are kept apart when their strings are equal', () => {
    const map = new Map<unknown, unknown>([
      [1, 'a'],
      ['1', 'b'],
      ['1#2', 'c'],
      [{ toJSON: () => 1 }, 'd'],
    ])
    expect(toAnyValue(map)).toEqual({ 1: 'a', '1#2': 'b', '1#2#2': 'c', '1#3': 'd' })
  })

  test('keep their names when an entry is omitted', () => {
    const map = new Map<unknown, unknown>([
      [1, undefined],
      ['1', 'a'],
    ])
    expect(toAnyValue(map)).toEqual({ '1#2': 'a' })
  })

  test('become placeholders when they cannot be read', () => {
    expect(
      toAnyValue(
        new Map<unknown, unknown>([
          [revoked(), 1],
          [revoked(), 2],
          ['a', 3],
        ]),
      ),
    ).toEqual({
      [REVOKED]: 1,
      [`${REVOKED}#2`]: 2,
      a: 3,
    })
  })
})

describe('toAnyValue writes a placeholder, and the values beside it,', () => {
  test.for<[string, unknown, unknown]>([
    [
      'a getter that throws',
      {
        get a() {
          throw new Error('no')
        },
        b: 1,
      },
      { a: '[Throws: no]', b: 1 },
    ],
    [
      'a getter that throws in a class instance, asked for what it is',
      new (class {
        constructor() {
          for (const name of ['toJSON', 'toString', 'size']) {
            Object.defineProperty(this, name, { get: () => fail(name), enumerable: true })
          }
        }
        b = 1
      })(),
      { toJSON: '[Throws: toJSON]', toString: '[Throws: toString]', size: '[Throws: size]', b: 1 },
    ],
    ['a revoked Proxy', { a: revoked(), b: 1 }, { a: expect.stringMatching(/^\[Throws: .*revoked/), b: 1 }],
    [
      'a toJSON that throws',
      {
        a: {
          toJSON() {
            throw new Error('no')
          },
        },
        b: 1,
      },
      { a: '[Throws: no]', b: 1 },
    ],
    [
      'a toString that throws',
      [
        new (class {
          toString(): string {
            throw new Error('no')
          }
        })(),
        1,
      ],
      ['[Throws: no]', 1],
    ],
    [
      'a thrown value that cannot be read',
      {
        get a() {
          throw revoked()
        },
      },
      { a: '[Throws: an error that cannot be read]' },
    ],
    [
      'an array whose length lies',
      [new Proxy([1], { get: (_, key) => (key === 'length' ? 5n : 1) }), 2],
      [[], 2],
    ],
  ])('when it meets %s', ([, value, expected]) => {
    expect(toAnyValue(value)).toEqual(expected)
  })
})

describe('toAnyValue', () => {
  test('writes a placeholder when a reference is circular', () => {
    const value: Record<string, unknown> = { a: 1 }
    value['self'] = value
    value['list'] = [value]
    expect(toAnyValue(value)).toEqual({ a: 1, self: '[Circular]', list: ['[Circular]'] })
  })

  test('writes an object twice when it has two references', () => {
    const shared = { a: 1 }
    expect(toAnyValue({ one: shared, two: shared })).toEqual({ one: { a: 1 }, two: { a: 1 } })
  })

  test(`cuts a structure when it is deeper than ${MAX_DEPTH}`, () => {
    const deep: { next?: unknown } = {}
    let last = deep
    for (let n = 0; n < 100; n += 1) last = last.next = {}
    let value = toAnyValue(deep) as { next?: never } | null
    let depth = 0
    for (; value?.next !== undefined; depth += 1) value = value.next
    expect(depth).toBe(MAX_DEPTH)
    expect(value).toBeNull()
  })

  test(`cuts a structure when it has more than ${MAX_VALUES} values`, () => {
    let doubled: unknown = 'leaf'
    for (let n = 0; n < 40; n += 1) doubled = [doubled, doubled]
    expect(JSON.stringify(toAnyValue(doubled))).toContain('[Truncated] ')
  })

  test('ends when boxed values unbox to boxed values', () => {
    const boxed = (): object => Object.assign(Object('x') as object, { valueOf: boxed })
    expect(toAnyValue({ a: boxed(), b: 1 })).toEqual({ a: null, b: 1 })
  })
})

test('toAnyValueMap writes a placeholder when attributes cannot be listed', () => {
  expect(toAnyValueMap(revoked())).toEqual({ '[Throws]': expect.stringMatching(/revoked/) })
})

test('toAnyValueMap returns a copy when the original changes later', () => {
  const original = { list: [1], bytes: Uint8Array.of(1), date: new Date(0) }
  const copy = toAnyValueMap(original)
  original.list.push(2)
  original.bytes[0] = 9
  original.date.setTime(1)
  expect(copy).toEqual({ list: [1], bytes: Uint8Array.of(1), date: '1970-01-01T00:00:00.000Z' })
})

describe('ValueWriter', () => {
  test('cuts a string between characters, and marks it, when it is longer than attributeValueLengthLimit', () => {
    const sink = recordingSink()
    new ValueWriter(sink, { attributeValueLengthLimit: 3 }).write(['abcdef', 'ab😀d', 'abc'])
    expect(sink.result).toEqual(['abc', 'ab', 'abc'])
  })

  test('counts the attributes that it leaves out when there are more than attributeCountLimit', () => {
    const sink = recordingSink()
    sink.beginMap()
    const dropped = new ValueWriter(sink, { attributeCountLimit: 2 }).writeFields({
      a: 1,
      none: undefined,
      b: 2,
      c: 3,
      d: 4,
    })
    sink.endMap()
    expect(sink.result).toEqual({ a: 1, b: 2 })
    expect(dropped).toBe(2)
  })
})

test('ValueWriter writes an int when a number is a safe integer and not -0', () => {
  const integers: unknown[] = []
  const sink = { ...recordingSink(), int: (value: number | bigint) => void integers.push(value) }
  new ValueWriter(sink, {}).write([1, -0, 1.5, 2 ** 53, Number.NaN, Infinity, Number.MAX_SAFE_INTEGER, -7])
  expect(integers).toEqual([1, Number.MAX_SAFE_INTEGER, -7])
})

test('ValueWriter writes an int when a bigint fits int64', () => {
  const sink = recordingSink()
  new ValueWriter(sink, {}).write([2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n])
  expect(sink.result).toEqual([2n ** 63n - 1n, -(2n ** 63n), '9223372036854775808'])
})

function fail(message: string): never {
  throw new Error(message)
}

const REVOKED = "[Throws: Cannot perform 'IsArray' on a proxy that has been revoked]"

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
