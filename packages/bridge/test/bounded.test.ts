import { describe, expect, test, vi } from 'vitest'
import { toAnyValue, toAnyValueMap } from '../src/anyValue.ts'
import { splitArguments } from '../src/arguments.ts'
import { describeException } from '../src/exception.ts'
import { copyFields, isError, MAX_VALUES, errorMessage, textOf } from '../src/safeAccess.ts'
import { formatText, show } from '../src/shown.ts'

/** 2^26 paths through 27 objects. */
function sharedGraph(join: (inner: unknown) => unknown, depth = 26): unknown {
  let value: unknown = 'leaf'
  for (let n = 0; n < depth; n += 1) value = join(value)
  return value
}
const pairs = (): unknown => sharedGraph((inner) => [inner, inner])
const twins = (): unknown => sharedGraph((inner) => ({ a: inner, b: inner }))

class Instance {
  id: number
  constructor(id: number) {
    this.id = id
  }
}

function prototypes(count: number, last: object): object {
  let prototype = last
  for (let n = 0; n < count; n += 1) prototype = Object.create(prototype)
  return prototype
}

function fields(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`key${n}`, n]))
}

describe('ValueWriter stops reading when a value', () => {
  test('is a class with a size and an iterator without end, and tells the iterator', () => {
    let steps = 0
    let closed = 0
    class Ring {
      get size(): number {
        return 3
      }
      *[Symbol.iterator](): Generator<number> {
        try {
          for (;;) yield (steps += 1)
        } finally {
          closed += 1
        }
      }
    }
    const written = toAnyValue(new Ring()) as unknown[]
    expect(written.at(-1)).toBe('[Truncated] more')
    expect({ steps, closed }).toEqual({ steps: MAX_VALUES + 1, closed: 1 })
  })

  test('is an iterator that throws', () => {
    const bag = new (class {
      get size(): number {
        return 3
      }
      *[Symbol.iterator](): Generator<number> {
        yield 1
        throw new Error('no')
      }
    })()
    expect(toAnyValue(bag)).toEqual([1, '[Throws: no]'])
  })

  test('is an iterator that throws at each step', () => {
    const bag = new (class {
      get size(): number {
        return 3
      }
      [Symbol.iterator](): { next(): never } {
        return {
          next() {
            throw new Error('no')
          },
        }
      }
    })()
    expect(toAnyValue(bag)).toEqual(['[Throws: no]'])
  })

  test('is a Map or Set whose class overrides the iterator: the contents are read', () => {
    const endless = function* (): Generator<never> {
      for (;;) yield [1, 2] as never
    }
    const map = Object.assign(new Map([['a', 1]]), { [Symbol.iterator]: endless, entries: endless })
    const set = Object.assign(new Set(['a']), { [Symbol.iterator]: endless, values: endless })
    expect(toAnyValue([map, set])).toEqual([{ a: 1 }, ['a']])
  })

  test('is a Map with a key that holds one object on 2^26 ways', () => {
    const [name] = Object.keys(toAnyValue(new Map([[twins(), 1]])) as object)
    expect(name!.length).toBeLessThanOrEqual(1025)
    expect(name).toMatch(/^\{"a":\{"a"/)
  })

  test('is a Map with many keys that hold many values', () => {
    let reads = 0
    const counted = Object.defineProperty({}, 'a', { enumerable: true, get: () => (reads += 1) })
    const key = (): unknown[] => Array.from({ length: 1000 }, () => counted)
    toAnyValue(new Map([[key(), 1]]))
    expect(reads).toBeLessThanOrEqual(64)
    reads = 0
    toAnyValue(new Map(Array.from({ length: 10_000 }, () => [key(), 1])))
    expect(reads).toBeLessThanOrEqual(MAX_VALUES)
  })

  test('is a Map with many keys of one text: their names are not counted again and again', () => {
    const map = new Map(Array.from({ length: 10_000 }, () => [{}, 1]))
    const asked = vi.spyOn(Set.prototype, 'has')
    const count = Object.keys(toAnyValue(map) as object).length
    expect(asked.mock.calls.length).toBeLessThan(4 * count)
    asked.mockRestore()
    expect(count).toBeGreaterThan(1000)
  })

  test('is a Map with a key that holds a key and a text without end', () => {
    const long = vi.spyOn(JSON, 'stringify')
    const endless = '\n'.repeat(1_000_000)
    const written = toAnyValue(new Map([[[endless, { [endless]: 1 }], 1]])) as object
    expect(Object.keys(written)[0]!.length).toBeLessThanOrEqual(1025)
    expect(Math.max(...long.mock.calls.map(([text]) => (text as string).length))).toBeLessThanOrEqual(1025)
    long.mockRestore()
  })

  test('is a Map with more entries than are written', () => {
    const map = new Map(Array.from({ length: 100_000 }, (_, n) => [n, n]))
    const written = toAnyValue(map) as Record<string, unknown>
    expect(written['[Truncated]']).toBe(`${100_000 - MAX_VALUES} more`)
  })

  test('has more fields than are counted', () => {
    expect(toAnyValue(fields(100_000))).toHaveProperty(['[Truncated]'], 'more than 10000 more')
  })

  test('is a Proxy of many keys', () => {
    let calls = 0
    const target = fields(100_000)
    const proxy = new Proxy(target, {
      get: (_, key) => ((calls += 1), Reflect.get(target, key)),
      getOwnPropertyDescriptor: (_, key) => ((calls += 1), Reflect.getOwnPropertyDescriptor(target, key)),
    })
    expect(toAnyValue(proxy)).toHaveProperty('[Truncated]')
    expect(calls).toBeLessThan(MAX_VALUES)
    calls = 0
    expect(copyFields(proxy)).toHaveProperty('[Truncated]')
    expect(calls).toBeLessThan(MAX_VALUES)
  })

  test('is a Proxy whose prototypes have no end', () => {
    let calls = 0
    const endless = (): object =>
      new Proxy(
        {},
        {
          getPrototypeOf() {
            calls += 1
            if (calls > 1000) throw new Error('without end')
            return endless()
          },
        },
      )
    expect(toAnyValue({ a: endless(), b: Object.create(endless()) })).toEqual({ a: {}, b: {} })
    expect(isError(endless())).toBe(false)
    expect(copyFields(endless())).toEqual({})
    expect(show(endless())).toBe('{}')
    expect(calls).toBeLessThan(100)
  })

  test('holds many references to one object whose fields are left out', () => {
    let reads = 0
    const absent = {}
    for (let n = 0; n < 1000; n += 1) {
      Object.defineProperty(absent, `key${n}`, { enumerable: true, get: () => void (reads += 1) })
    }
    toAnyValue(Array.from({ length: 60_000 }, () => absent))
    expect(reads).toBeLessThanOrEqual(MAX_VALUES)
  })

  test('has more attributes that are left out than are read', () => {
    let reads = 0
    const absent = {}
    for (let n = 0; n < MAX_VALUES + 1000; n += 1) {
      Object.defineProperty(absent, `key${n}`, { enumerable: true, get: () => void (reads += 1) })
    }
    expect(toAnyValueMap(absent)).toEqual({ '[Truncated]': 'more attributes' })
    expect(reads).toBeLessThanOrEqual(MAX_VALUES + 1)
  })

  test('throws at each read', () => {
    let throws = 0
    const broken = {}
    for (let n = 0; n < 60_000; n += 1) {
      const get = (): never => {
        throws += 1
        throw new Error('no')
      }
      Object.defineProperty(broken, `key${n}`, { enumerable: true, get })
    }
    toAnyValue(broken)
    expect(throws).toBeLessThan(1100)
  })

  test.each<[string, unknown]>([
    ['text', 'x'.repeat(1024 * 1024)],
    ['bytes', new Uint8Array(1024 * 1024)],
    ['text of keys', { ['x'.repeat(1024 * 1024)]: 1 }],
    ['digits', 10n ** 9999n],
  ])('holds more %s than 8 Mi', (_, value) => {
    const written = toAnyValue(Array.from({ length: 1000 }, () => value)) as string[]
    expect(written.at(-1)).toMatch(/^\[Truncated\]/)
    expect(written.length).toBeLessThan(30)
  })

  test.each<[string, object | bigint]>([
    ['bigints', 1n],
    ['Dates', new Date(0)],
    ['Errors', new Error('any')],
    ['Proxies', new Proxy({}, {})],
    ['objects of ten prototypes', prototypes(10, Object.prototype)],
    ['Maps of absent values', new Map([[1, undefined]])],
  ])('holds 60,000 %s', (_, value) => {
    const written = toAnyValue(Array.from({ length: 60_000 }, () => value)) as unknown[]
    expect(written.at(-1)).toMatch(/^\[Truncated\] \d+ more$/)
  })

  test('holds many objects with hidden keys', () => {
    const objects = Array.from({ length: 100 }, () => {
      const object = {}
      for (let n = 0; n < 2000; n += 1) Object.defineProperty(object, `key${n}`, { value: n })
      return object
    })
    expect((toAnyValue(objects) as unknown[]).at(-1)).toMatch(/^\[Truncated\] \d+ more$/)
  })

  test('is a bigint of a million bits', () => {
    expect(toAnyValue(1n << 1_000_000n)).toBe('[Truncated] bigint of more than 10000 digits')
  })

  test.each([
    ['a plain object', {}],
    ['a class instance', new Instance(0)],
    ['an Error', new Error('any')],
  ])('holds many references to %s with hidden keys', (_, object) => {
    for (let n = 0; n < 2000; n += 1) Object.defineProperty(object, `key${n}`, { value: n })
    const written = toAnyValue(Array.from({ length: 60_000 }, () => object)) as unknown[]
    expect(written.length).toBeLessThan(100)
    expect(written.at(-1)).toMatch(/^\[Truncated\] \d+ more$/)
  })

  test.each([
    ['a class instance', new Instance(0)],
    ['an Error', new Error('any')],
  ])('holds many references to %s whose fields are left out', (_, object) => {
    let reads = 0
    for (let n = 0; n < 1000; n += 1) {
      Object.defineProperty(object, `key${n}`, { enumerable: true, get: () => void (reads += 1) })
    }
    toAnyValue(Array.from({ length: 60_000 }, () => object))
    expect(reads).toBeLessThanOrEqual(MAX_VALUES)
  })

  test('has more prototypes than any class: no method is looked up in them', () => {
    let looks = 0
    let prototype: object = Object.create(null, { toJSON: { get: () => void (looks += 1) } })
    for (let n = 0; n < 100; n += 1) prototype = Object.create(prototype)
    const value = Object.assign(Object.create(prototype) as object, { a: 1 })
    expect(toAnyValue([value, value])).toEqual([{ a: 1 }, { a: 1 }])
    expect(looks).toBe(0)
    expect(isError(prototypes(100, Error.prototype))).toBe(false)
  })
})

describe('ValueWriter cuts nothing when there are fewer than 65,536 plain values', () => {
  const range = (length: number) => Array.from({ length }, (_, n) => n)
  test.each<[string, () => object]>([
    ['numbers in an array', () => range(60_000)],
    ['texts in an array', () => range(60_000).map((n) => `text ${n}`)],
    ['fields', () => fields(60_000)],
    ['objects in an array', () => range(30_000).map((id) => ({ id }))],
    ['class instances in an array', () => range(30_000).map((id) => new Instance(id))],
    ['references to one object', () => Array<object>(600).fill(fields(100))],
  ])('%s', (_, make) => {
    const value = make()
    expect(toAnyValue(value)).toEqual(
      Array.isArray(value) ? value.map((each: unknown) => plainOf(each)) : value,
    )
    expect(JSON.stringify(toAnyValueMap({ value }))).toBe(JSON.stringify({ value }))
  })

  test.each([
    ['numbers', (n: number) => n],
    ['texts', (n: number) => `key ${n}`],
    ['both', (n: number) => (n % 2 ? n : `key ${n}`)],
  ])('entries of a Map whose keys are %s', (_, keyOf) => {
    const entries = range(60_000).map((n) => [keyOf(n), n] as const)
    expect(toAnyValue(new Map(entries))).toEqual(Object.fromEntries(entries))
  })

  test('values of a Set', () => {
    expect(toAnyValue(new Set(range(60_000)))).toEqual(range(60_000))
  })
})

function plainOf(value: unknown): unknown {
  return typeof value === 'object' ? { ...value } : value
}

describe('ValueWriter writes a value when the value', () => {
  test('is a field whose getter deletes another', () => {
    const value = {
      get a() {
        delete (value as { b?: unknown }).b
        return 1
      },
      b: 2,
      '\ud800': 3,
      '\udc00': 4,
    }
    expect(toAnyValue(value)).toEqual({ a: 1, '\ufffd': 3, '\ufffd#2': 4 })
  })

  test('is a Date, typed array or buffer whose class answers with nonsense', () => {
    class Nonsense extends Date {
      override getTime(): never {
        throw new Error('no')
      }
      override toISOString(): never {
        return { get: 1 } as never
      }
    }
    class Bytes extends Uint8Array {
      override get buffer(): never {
        return { length: 2 ** 40 } as never
      }
    }
    expect(toAnyValue([new Nonsense(0), new Bytes([1, 2])])).toEqual([
      '1970-01-01T00:00:00.000Z',
      Uint8Array.of(1, 2),
    ])
  })

  test.each(['name', 'message', 'stack', 'cause', 'errors', 'constructor', 'code'])(
    'is an Error whose %s throws',
    (field) => {
      const error = Object.defineProperty(new Error('kept'), field, {
        enumerable: true,
        get() {
          throw new Error('no')
        },
      })
      Object.assign(error, { own: 1 })
      const written = toAnyValue({ error, sibling: 1 }) as Record<string, unknown>
      expect(written).toMatchObject({ sibling: 1, error: { type: expect.any(String), own: 1 } })
      const { attributes } = describeException(error)
      expect(attributes['exception.type']).toEqual(expect.any(String))
    },
  )

  test('is an Error whose message becomes a graph of arrays before its stack is read', () => {
    const error = new Error('x')
    // V8 makes the text of the stack of what the message is by then. 2^15 paths: the old code ends.
    Object.assign(error, { message: sharedGraph((inner) => [inner, inner], 15) })
    expect(toAnyValue(error)).not.toHaveProperty('stack')
    expect(describeException(error).attributes['exception.stacktrace']).toBe('Error: [object Array]')
  })

  test('is an Error whose name, message and stack are graphs of arrays', () => {
    const error = Object.assign(new Error('x'), { name: pairs(), message: pairs(), stack: pairs() })
    expect(describeException(error).attributes['exception.message']).toBe('[object Array]')
    expect(errorMessage(pairs())).toBe('[object Array]')
    expect(textOf({ toString: () => pairs() })).toBe('[object Object]')
  })

  test('is an Error whose name alone becomes a graph of arrays', () => {
    const error = Object.assign(new Error('x'), { name: sharedGraph((inner) => [inner, inner], 15) })
    expect(toAnyValue(error)).not.toHaveProperty('stack')
    expect(textOf(error)).toBe('x')
  })
})

describe('formatText', () => {
  test.each(['%j', '%d', '%i', '%f', '%s', '%o', '%O', 'text'])(
    'is bounded when the template is %s',
    (template) => {
      const wide: Record<string, unknown> = {}
      let inner: unknown = {}
      for (let depth = 0; depth < 3; depth += 1) {
        const shared = inner
        inner = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`key${n}`, shared]))
      }
      wide['inner'] = inner
      for (const value of [
        pairs(),
        twins(),
        wide,
        new Proxy(wide, {}),
        1n << 1_000_000n,
        { big: 1n << 1_000_000n },
      ]) {
        expect(formatText(template, [value]).length).toBeLessThan(200_000)
      }
    },
  )

  test('is bounded when many values are too heavy', () => {
    const text = formatText('', Array.from({ length: 1000 }, twins))
    expect(text).toContain('[Truncated]')
    expect(text.length).toBeLessThan(200_000)
  })

  test('is bounded for %j when a class has a toJSON', () => {
    class Speaking {
      readonly id = 1
      toJSON(): unknown {
        return { id: this.id, fields: fields(100_000) }
      }
    }
    const text = formatText('%j', [new Speaking()])
    expect(text).toContain('{"id":1,"fields":{"key0":0,')
    expect(text.length).toBeLessThan(20_000)
    expect(formatText('%j', [{ at: new Date(0), inner: [new Speaking()] }]).length).toBeLessThan(20_000)
    expect(formatText('%s', [new Speaking()])).toBe('Speaking { id: 1 }')
    expect(formatText('%j', [{ at: new Date(0), bytes: Buffer.from('a') }])).toBe(
      '{"at":"1970-01-01T00:00:00.000Z","bytes":{"type":"Buffer","data":[97]}}',
    )
  })

  test('returns the text of util.format when arrays are long', () => {
    const long = Array.from({ length: 20_000 }, (_, n) => n)
    expect(formatText('ids', [long])).toContain('... 19900 more items')
  })

  test('returns the text of util.format when the values are Errors', () => {
    const error = Object.assign(new Error('boom'), { code: 'E' })
    expect(formatText('%s', [error])).toContain("code: 'E'")
  })

  test('keeps keys apart when many objects have one shape', () => {
    const { attributes } = splitArguments(['rows', ...Array.from({ length: 20_000 }, (_, id) => ({ id }))])
    expect(attributes).toMatchObject({ id: 0, 'id#2': 1, 'id#20000': 19_999 })
  })

  test('reads as many fields as one value may have when there are more', () => {
    const { attributes } = splitArguments(['rows', ...Array.from({ length: 10 }, () => fields(30_000))])
    expect(Object.keys(attributes!).length).toBeLessThanOrEqual(MAX_VALUES + 2)
    expect(attributes).toHaveProperty('[Truncated]')
  })

  test('shows that fields were left out when the values before them took all reads', () => {
    const { attributes } = splitArguments(['rows', fields(MAX_VALUES - 1), { left: 'out' }])
    expect(attributes).not.toHaveProperty('left')
    expect(attributes).toHaveProperty('[Truncated]')
  })
})
