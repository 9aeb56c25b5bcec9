import vm from 'node:vm'
import * as fc from 'fast-check'
import { ABSENT, elements, type Expected, named } from './expected.ts'

// Any JavaScript value, together with what docs/mapping.md says it becomes (`expected.ts`).

/** Makes a value. A function, because fast-check looks into what it generates, and some values do not bear it. */
export type Sample = () => readonly [value: unknown, expected: Expected]

/** Text of any UTF-16 units, in pairs or not. */
export const text: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd7fe, max: 0xe001 })), {
    maxLength: 12,
  })
  .map((units) => String.fromCharCode(...units))

/** Keys, those among them that mean something to JavaScript. */
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

/** What the modules of Node return where the application runs in a `vm`, as under Jest. */
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

/** Bytes in the middle of a longer buffer. */
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

/** Values that JSON has, or nearly. */
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
    () => ABSENT,
  ),
  becomes(
    fc.tuple(fc.date(), fc.boolean()),
    ([date, isForeign]) => (isForeign ? foreign.date(date.getTime()) : date),
    ([date]) => (Number.isNaN(date.getTime()) ? 'Invalid Date' : date.toISOString()),
  ),
  becomes(boxed, Object, (primitive) => primitive),
  becomes(
    // Made anew each time: winston writes into what it is given.
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

/** What answers with a throw, or lies. */
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
    () => [new Proxy([1, 2], { get: (_, name) => (name === 'length' ? 3 : ABSENT) }), [null, null, null]],
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

/** Functions under these names would be asked for what the object becomes. */
const CONVERSIONS = new Set(['toJSON', 'toString'])

/** How a field stands on its object. */
type Placement = 'value' | 'getter' | 'throws'
const placements: readonly Placement[] = ['value', 'value', 'value', 'getter', 'throws']
type Field = readonly [key: string, sample: Sample, placement: Placement]

/** Puts fields on an object, and says what becomes of them. Symbols and what is not enumerable are no fields. */
function place<T extends object>(target: T, fields: readonly Field[]): readonly [T, [string, Expected][]] {
  Object.defineProperty(target, 'not enumerable', { value: 1, configurable: true })
  Object.defineProperty(target, Symbol('no field'), { value: 1, enumerable: true })
  const entries: [string, Expected][] = []
  for (const [name, sample, given] of fields) {
    const [value, expected] = sample()
    // Whether a field that is left out takes the name of another that is made well-formed, is nobody's business.
    if (expected === ABSENT && /[\ud800-\udfff\ufffd]/.test(name)) continue
    const placement = CONVERSIONS.has(name) ? 'throws' : given
    const get = (): unknown => {
      if (placement === 'throws') throw new Error(name)
      return value
    }
    const descriptor = placement === 'value' ? { value } : { get }
    Object.defineProperty(target, name, { ...descriptor, enumerable: true, configurable: true })
    entries.push([name, placement === 'throws' ? `[Throws: ${name}]` : expected])
  }
  // In the order in which JavaScript has an object's keys: the numbers first.
  const order = Object.keys(target)
  entries.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
  return [target, entries]
}

/** The same, for an object that is a value. */
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

/** Any value, nested. */
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
      // The same value twice, without a cycle.
      any.map((make): Sample => () => {
        const [each, expected] = make()
        return [[each, each], elements([expected, expected])]
      }),
      list.map((items): Sample => () => {
        const unique = new Map(items.map((make) => make()))
        // A Set makes 0 of -0.
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
      // What toJSON returns has no toJSON of its own here: it is honoured once.
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
          return [{ hidden: 1, toJSON: () => json }, expected === ABSENT ? null : expected]
        }),
      fc.tuple(text, fields, fc.option(any)).map(([message, own, cause]) => error(message, own, cause)),
    ),
  }
}).value

/**
 * A plain object with any fields: what is logged as attributes.
 * @param copied only what a copy by assignment bears: no getter throws, and no field is called `__proto__`
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

/** What an Error's own fields are not called here: these have a meaning. */
const STANDARD = new Set(['name', 'message', 'stack', 'cause', 'errors', 'constructor'])

/** An Error with fields of its own, and a cause or the errors of an AggregateError. */
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
