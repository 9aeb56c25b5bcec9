import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { toAnyValue } from '../src/anyValue.ts'
import { MAX_DEPTH, writeValue } from '../src/value.ts'
import { recordingSink } from './recordingSink.ts'

/** A value to be made. fast-check looks into the values that it generates, and these do not bear it. */
type Recipe = () => unknown

/** Objects that answer every question with a throw, or lie. */
const hostile = fc.constantFrom<Recipe>(
  () => ({
    get trap(): never {
      throw new Error('no')
    },
  }),
  () => ({
    toJSON(): never {
      throw new Error('no')
    },
  }),
  () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  },
  () => new Proxy({}, { ownKeys: () => ['length', 'length'] }),
  () => new Proxy([1, 2], { get: () => Symbol('any') }),
  () =>
    new Proxy(new Error('hidden'), {
      get() {
        throw new Error('no')
      },
    }),
  () => Object.create(Date.prototype),
  () => Object.assign(new Map(), { entries: 1, [Symbol.iterator]: null }),
  () => ({ toJSON: () => ({ toJSON: () => 1n, self: new Proxy([], { get: () => 2n ** 70n }) }) }),
  () => Object.create({ toString: () => Symbol('s') }),
)

const leaf = fc.oneof(
  fc
    .oneof(
      fc.anything({
        withBigInt: true,
        withBoxedValues: true,
        withDate: true,
        withMap: true,
        withNullPrototype: true,
        withSet: true,
        withSparseArray: true,
        withTypedArray: true,
        maxDepth: 2,
      }),
      fc.string({ unit: 'binary' }),
      fc.string().map(Symbol),
      fc.string().map((message) => new Error(message, { cause: { message } })),
    )
    .map((value) => () => value),
  hostile,
)

/** Nested objects, arrays, Maps and Sets of the above, some with a reference back to themselves. */
const recipe = fc.letrec<{ tree: Recipe }>((tie) => {
  const trees = fc.array(tie('tree'), { maxLength: 4 })
  return {
    tree: fc.oneof(
      { maxDepth: 5 },
      leaf,
      trees.map((items) => () => items.map((make) => make())),
      trees.map((items) => () => {
        const list: unknown[] = items.map((make) => make())
        list.push(list)
        return list
      }),
      fc.dictionary(fc.string(), tie('tree'), { maxKeys: 4 }).map((fields) => () => {
        const map = new Map(Object.entries(fields).map(([key, make]) => [key, make()]))
        const object: Record<string, unknown> = Object.fromEntries(map)
        object['back'] = object
        return object
      }),
      fc
        .array(fc.tuple(tie('tree'), tie('tree')), { maxLength: 3 })
        .map((entries) => () => new Map(entries.map(([key, value]) => [key(), value()]))),
      trees.map((items) => () => new Set(items.map((make) => make()))),
    ),
  }
}).tree

test('whatever the value is, plain data comes out and nothing is thrown', () => {
  fc.assert(
    fc.property(recipe, (make) => {
      expectPlain(toAnyValue(make()), 0)
    }),
    { numRuns: 2000 },
  )
})

test('whatever stands beside a field, the field arrives', () => {
  fc.assert(
    fc.property(recipe, fc.jsonValue(), (make, json) => {
      const plain = toAnyValue({ before: json, neighbour: make(), after: json }) as Record<string, unknown>
      expect(JSON.stringify(plain['before'])).toBe(JSON.stringify(json))
      expect(JSON.stringify(plain['after'])).toBe(JSON.stringify(json))
    }),
    { numRuns: 1000 },
  )
})

test('every sink is told to end what it was told to begin', () => {
  fc.assert(
    fc.property(recipe, (make) => {
      const depths: number[] = []
      let open = 0
      const sink = recordingSink()
      for (const name of ['beginArray', 'beginElement', 'beginMap', 'beginField'] as const) {
        const begin = sink[name] as (key?: string) => void
        sink[name] = (key?: string): void => {
          open += 1
          begin(key)
        }
      }
      for (const name of ['endArray', 'endElement', 'endMap', 'endField'] as const) {
        const end = sink[name]
        sink[name] = (): void => {
          open -= 1
          depths.push(open)
          end()
        }
      }
      writeValue(make(), sink, { attributeValueLengthLimit: 10 })
      expect(open).toBe(0)
      expect(depths.every((depth) => depth >= 0)).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('JSON comes out as it went in', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      expect(JSON.stringify(toAnyValue(json))).toBe(JSON.stringify(json))
    }),
  )
})

function expectPlain(plain: unknown, depth: number): void {
  expect(depth).toBeLessThanOrEqual(MAX_DEPTH)
  if (plain === null || typeof plain === 'boolean' || typeof plain === 'number') return
  if (typeof plain === 'string') return expect(plain.isWellFormed()).toBe(true)
  if (plain instanceof Uint8Array) return expect(plain.length).toBeGreaterThanOrEqual(0)
  if (Array.isArray(plain)) return plain.forEach((item) => expectPlain(item, depth + 1))
  expect(Object.getPrototypeOf(plain)).toBe(Object.prototype)
  for (const descriptor of Object.values(Object.getOwnPropertyDescriptors(plain as object))) {
    expect(descriptor).toHaveProperty('value')
    expectPlain(descriptor.value, depth + 1)
  }
}
