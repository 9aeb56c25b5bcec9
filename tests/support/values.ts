import vm from 'node:vm'
import * as fc from 'fast-check'
import { OMITTED, elements, type Expected, named } from './expected.ts'

// Arbitrary JavaScript values with their expected AnyValue by docs/mapping.md (`expected.ts`).

/** Creates a value and its expected AnyValue. A function, because fast-check inspects generated values, and some of them throw. */
export type Sample = () => readonly [value: unknown, expected: Expected]

/** Text of any UTF-16 units, with lone surrogates. */
export const text: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd7fe, max: 0xe001 })), {
    maxLength: 12,
  })
  .map((units) => String.fromCharCode(...units))

/** Keys, including names with a meaning in JavaScript. */
const key: fc.Arbitrary<string> = fc.oneof(
  text,
  fc.string({ minLength: 1, maxLength: 8 }),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'prototype',
    'hasOwnProperty',
    'valueOf',
    'length',
    'size',
    'toJSON',
    'toString',
  ),
  fc.constantFrom('', '0', '01', '-1', 'a.b', 'a#2', '\ud800', '\udc00', '\ufffd'),
)

function becomes<T>(
  arbitrary: fc.Arbitrary<T>,
  make: (seed: T) => unknown,
  expected: (seed: T) => Expected,
): fc.Arbitrary<Sample> {
  return arbitrary.map((seed) => () => [make(seed), expected(seed)])
}

function stays<T extends Expected>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<Sample> {
  return becomes(
    arbitrary,
    (seed) => seed,
    (seed) => seed,
  )
}

class Version {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  toString(): string {
    return this.#text
  }
}
class Thing {
  greet(): string {
    return 'hello'
  }
}
class CustomError extends Error {}
class Bag {
  readonly #items: unknown[]
  constructor(items: unknown[]) {
    this.#items = items
  }
  get size(): number {
    return this.#items.length
  }
  [Symbol.iterator](): Iterator<unknown> {
    return this.#items.values()
  }
}

/** Factories of another realm, like values of Node.js modules under Jest. */
const foreign = vm.runInNewContext(`({
  object: () => ({}), array: () => [], instance: () => new (class Foreign {})(), date: (ms) => new Date(ms),
})`) as {
  object(): object
  array(): unknown[]
  instance(): object
  date(millis: number): Date
}

interface View {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBuffer, offset: number, length: number): ArrayBufferView
}
const views: readonly View[] = [
  Uint8Array,
  Uint8ClampedArray,
  Int8Array,
  Uint16Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
]

/** Creates a buffer with `bytes` in its middle. */
function bytesIn(Buffers: typeof ArrayBuffer | typeof SharedArrayBuffer, bytes: Uint8Array): ArrayBuffer {
  const buffer = new Buffers(bytes.length + 16) as ArrayBuffer
  new Uint8Array(buffer).set(bytes, 8)
  return buffer
}

const bytes = fc.oneof(
  becomes(
    fc.tuple(fc.uint8Array({ maxLength: 32 }), fc.constantFrom(...views), fc.boolean()),
    ([content, View, shared]) => {
      const buffer = bytesIn(shared ? SharedArrayBuffer : ArrayBuffer, content)
      const length = Math.floor(content.length / View.BYTES_PER_ELEMENT)
      return new View(buffer, 8, length)
    },
    ([content, { BYTES_PER_ELEMENT }]) =>
      content.slice(0, content.length - (content.length % BYTES_PER_ELEMENT)),
  ),
  becomes(
    fc.tuple(fc.uint8Array(), fc.nat({ max: 2 })),
    ([content, kind]) => {
      const { buffer } = content.slice()
      return [buffer, Buffer.from(content), new DataView(buffer)][kind]
    },
    ([content]) => content,
  ),
)

const boxed = fc.oneof(fc.boolean(), text, fc.double(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))

/** Scalar values of JSON, and numbers beyond JSON. */
const scalar: fc.Arbitrary<Sample> = fc.oneof(
  stays(text),
  stays(fc.oneof(fc.maxSafeInteger(), fc.double(), fc.constant(-0))),
  stays(fc.constantFrom(null, true, false)),
)

const leaf: fc.Arbitrary<Sample> = fc.oneof(
  { arbitrary: scalar, weight: 6 },
  { arbitrary: bytes, weight: 3 },
  becomes(
    fc.tuple(text, fc.integer({ min: 10_000, max: 70_000 })),
    ([end, length]) => 'é'.repeat(length) + end,
    ([end, length]) => 'é'.repeat(length) + end,
  ),
  stays(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  becomes(
    fc.bigInt({ min: 2n ** 63n, max: 2n ** 80n }),
    (big) => big,
    (big) => `${big}`,
  ),
  becomes(
    fc.constantFrom(undefined, () => 1, Symbol('s'), Thing),
    (absent) => absent,
    () => OMITTED,
  ),
  becomes(
    fc.tuple(fc.date(), fc.boolean()),
    ([date, isForeign]) => (isForeign ? foreign.date(date.getTime()) : date),
    ([date]) => (Number.isNaN(date.getTime()) ? 'Invalid Date' : date.toISOString()),
  ),
  becomes(boxed, Object, (primitive) => primitive),
  becomes(
    // A factory creates each value, because winston writes to its arguments.
    fc.constantFrom(
      () => /a+/gu,
      () => new URL('https://example.com/a?b'),
      () => new URLSearchParams('a=b'),
    ),
    (make) => make(),
    (make) => String(make()),
  ),
  becomes(
    text,
    (content) => new Version(content),
    (content) => content,
  ),
)

/** Values that throw or behave inconsistently. */
const hostile: fc.Arbitrary<Sample> = fc.oneof(
  becomes(
    text,
    (message) => ({
      toJSON(): never {
        throw new Error(message)
      },
    }),
    (message) => `[Throws: ${message}]`,
  ),
  fc.constantFrom<Sample>(
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return [proxy, `[Throws: ${messageOf(() => Array.isArray(proxy))}]`]
    },
    () => [Object.create(Date.prototype), '[Throws: this is not a Date object.]'],
    () => [Object.create({ toString: () => Symbol('s') }), 'Symbol(s)'],
    () => [new Proxy([1, 2], { get: () => Symbol('any') }), []],
    () => [new Proxy([1, 2], { get: (_, name) => (name === 'length' ? 3 : OMITTED) }), [null, null, null]],
    () => [new Proxy({ a: 1 }, { get: () => 2n ** 70n }), new Map([['a', `${2n ** 70n}`]])],
  ),
)

function messageOf(call: () => unknown): string {
  try {
    return String(call())
  } catch (error) {
    return (error as Error).message
  }
}

/** Names of methods that convert an object. */
const CONVERSIONS = new Set(['toJSON', 'toString'])

/** Form of a field on its object. */
type Placement = 'value' | 'getter' | 'throws'
const placements: readonly Placement[] = ['value', 'value', 'value', 'getter', 'throws']
type Field = readonly [key: string, sample: Sample, placement: Placement]

/** Adds fields to an object and returns their expected entries. Adds a symbol and a non-enumerable property, which are omitted. */
function place<T extends object>(target: T, fields: readonly Field[]): readonly [T, [string, Expected][]] {
  Object.defineProperty(target, 'not enumerable', { value: 1, configurable: true })
  Object.defineProperty(target, Symbol('no field'), { value: 1, enumerable: true })
  const entries: [string, Expected][] = []
  for (const [name, sample, given] of fields) {
    const [value, expected] = sample()
    // The mapping does not say which field keeps a name that an omitted field shares after conversion to well-formed text.
    if (expected === OMITTED && /[\ud800-\udfff\ufffd]/.test(name)) continue
    const placement = CONVERSIONS.has(name) ? 'throws' : given
    const get = (): unknown => {
      if (placement === 'throws') throw new Error(name)
      return value
    }
    const descriptor = placement === 'value' ? { value } : { get }
    Object.defineProperty(target, name, { ...descriptor, enumerable: true, configurable: true })
    entries.push([name, placement === 'throws' ? `[Throws: ${name}]` : expected])
  }
  // JavaScript orders the keys of an object with integers first.
  const order = Object.keys(target)
  entries.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
  return [target, entries]
}

/** Adds fields to an object that is a value, and returns its expected map. */
function placed(target: object, fields: readonly Field[]): readonly [object, Map<string, Expected>] {
  const [, entries] = place(target, fields)
  return [target, named(entries)]
}

const mapKey = fc.oneof(
  key.map((name) => [name, name] as const),
  fc.constantFrom<readonly [unknown, string]>(
    [1, '1'],
    ['1', '1'],
    [1n, '1'],
    [null, 'null'],
    [undefined, 'undefined'],
    [Symbol('s'), 'Symbol(s)'],
    [{ id: 1 }, '{"id":1}'],
    [{ big: 1n }, '{"big":1}'],
    [{ toJSON: () => undefined }, 'null'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [Thing, String(Thing)],
  ),
)

function fieldsOf(values: fc.Arbitrary<Sample>, placed = placements, keys = key): fc.Arbitrary<Field[]> {
  return fc.uniqueArray(fc.tuple(keys, values, fc.constantFrom(...placed)), {
    maxLength: 4,
    selector: ([name]) => name,
  })
}

/** Any nested value. */
export const value: fc.Arbitrary<Sample> = fc.letrec<{ value: Sample }>((tie) => {
  const any = tie('value')
  const list = fc.array(any, { maxLength: 4 })
  const fields = fieldsOf(any)
  const object = fc.tuple(
    fields,
    fc.constantFrom(
      () => ({}),
      () => Object.create(null) as object,
      () => new Thing(),
      foreign.object,
      foreign.instance,
    ),
  )
  return {
    value: fc.oneof(
      { maxDepth: 4 },
      leaf,
      hostile,
      object.map(
        ([own, create]): Sample =>
          () =>
            placed(create(), own),
      ),
      object.map(([own, create]): Sample => () => {
        const [target, expected] = placed(create(), own)
        return [new Proxy(target, {}), expected]
      }),
      fields.map((own): Sample => () => {
        const [target, expected] = place<{ list?: unknown }>({}, own)
        target.list = [target]
        return [target, named([...expected, ['list', ['[Circular]']]])]
      }),
      fc.tuple(list, fc.boolean(), fc.nat({ max: 3 })).map(([items, isForeign, holes]): Sample => () => {
        const pairs = items.map((make) => make())
        const array = isForeign ? foreign.array() : []
        array.push(...pairs.map(([each]) => each), array)
        array.length += holes
        return [array, [...elements(pairs.map(([, each]) => each)), '[Circular]', ...Array(holes).fill(null)]]
      }),
      // One value occurs twice, without a cycle.
      any.map((make): Sample => () => {
        const [each, expected] = make()
        return [[each, each], elements([expected, expected])]
      }),
      list.map((items): Sample => () => {
        const unique = new Map(items.map((make) => make()))
        // A Set converts -0 to 0.
        return [
          new Set(unique.keys()),
          elements([...unique].map(([each, expected]) => (each === 0 ? 0 : expected))),
        ]
      }),
      list.map((items): Sample => () => {
        const pairs = items.map((make) => make())
        return [new Bag(pairs.map(([each]) => each)), elements(pairs.map(([, each]) => each))]
      }),
      fc
        .uniqueArray(fc.tuple(mapKey, any), { maxLength: 5, selector: ([[name]]) => name })
        .map((entries): Sample => () => {
          const pairs = entries.map(([[given, name], make]) => [given, name, ...make()] as const)
          return [
            new Map(pairs.map(([given, , each]) => [given, each])),
            named(pairs.map(([, name, , expected]) => [name, expected])),
          ]
        }),
      // toJSON is called once, so its result has no toJSON here.
      fc
        .oneof(
          leaf,
          fields.map(
            (own): Sample =>
              () =>
                placed({}, own),
          ),
        )
        .map((make): Sample => () => {
          const [json, expected] = make()
          return [{ hidden: 1, toJSON: () => json }, expected === OMITTED ? null : expected]
        }),
      fc.tuple(text, fields, fc.option(any)).map(([message, own, cause]) => error(message, own, cause)),
    ),
  }
}).value

/**
 * Creates a plain object with any fields, to be logged as attributes.
 *
 * @param copied restricts fields to those that survive a copy by assignment: no getter that throws and no `__proto__`
 */
export function attributes(
  copied = false,
): fc.Arbitrary<() => readonly [given: object, entries: [string, Expected][]]> {
  const fields = copied
    ? fieldsOf(
        value,
        ['value', 'getter'],
        key.filter((name) => name !== '__proto__' && !CONVERSIONS.has(name)),
      )
    : fieldsOf(value)
  return fields.map((own) => () => place({}, own))
}

/** Names with a meaning on an Error. */
const STANDARD = new Set(['name', 'message', 'stack', 'cause', 'errors', 'constructor'])

/** Creates an Error with fields, and with a cause or the errors of an AggregateError. */
function error(message: string, own: readonly Field[], inner: Sample | null): Sample {
  return () => {
    const [value, expected] = inner?.() ?? []
    const isAggregate = message.length % 3 === 2
    const Class = message.length % 3 ? TypeError : CustomError
    const made = isAggregate ? new AggregateError([value], message) : new Class(message, { cause: value })
    const [, fields] = place(
      made,
      own.filter(([name]) => !STANDARD.has(name)),
    )
    const entries: [string, Expected][] = [
      ['type', made.constructor.name],
      ['message', message],
      ['stack', made.stack as string],
      ...fields,
    ]
    if (isAggregate) entries.push(['errors', elements([expected ?? null])])
    else if (expected !== undefined) entries.push(['cause', expected])
    return [made, named(entries)]
  }
}
