import { inspect, type InspectOptions, type InspectOptionsStylized } from 'node:util'
import vm from 'node:vm'
import * as undici from 'undici'
import { describe, expect, onTestFinished, test } from 'vitest'
import { toPlain } from '../src/anyValue.ts'
import { createBridge } from '../src/bridge.ts'
import { MAX_VALUES } from '../src/safeAccess.ts'
import { adapter } from './adapter.ts'
import { memoryProvider } from './memoryProvider.ts'

const shown = (value: unknown): unknown => toPlain(value, MAX_VALUES, true)
const showing = (custom: (...args: any[]) => unknown, fields: object = {}): object => ({
  ...fields,
  [inspect.custom]: custom,
})

class Shown {
  [inspect.custom](): string {
    return 'shown'
  }
  readonly secret: string = 'hunter2'
}

describe('ValueWriter writes for an object', () => {
  test.for<[string, object, unknown]>([
    ['a text that it shows', showing(() => 'a text'), 'a text'],
    ['a text without escape sequences', showing(() => '\u001b[31mred\u001b[39m'), 'red'],
    ['a number that it shows', showing(() => 7), 7],
    ['nothing when it shows nothing', showing(() => undefined), null],
    [
      'the object that it shows, mapped',
      showing(() => ({ id: 7, at: new Date(0) })),
      { id: 7, at: '1970-01-01T00:00:00.000Z' },
    ],
    ['what the object that it shows shows', showing(() => new Shown()), 'shown'],
    ['what it shows, not its toJSON', showing(() => 'a', { toJSON: () => 'b' }), 'a'],
    ['what it shows, not its toString', showing(() => 'a', { toString: () => 'b' }), 'a'],
    ['what an object shows that its toJSON returns', { toJSON: () => new Shown() }, 'shown'],
    [
      'its fields when it shows itself',
      showing(
        function (this: object) {
          return this
        },
        { id: 7 },
      ),
      { id: 7 },
    ],
    ['its fields when inspect.custom is no function', { id: 7, [inspect.custom]: 'a' }, { id: 7 }],
    ['its fields when inspect.custom is util.inspect', { id: 7, [inspect.custom]: inspect }, { id: 7 }],
    [
      'a placeholder when it throws',
      showing(
        () => {
          throw new Error('no')
        },
        { secret: 1 },
      ),
      '[Throws: no]',
    ],
    [
      'a placeholder when inspect.custom cannot be read',
      {
        get [inspect.custom]() {
          throw new Error('no')
        },
        secret: 1,
      },
      '[Throws: no]',
    ],
    ['what an Array shows', Object.assign([1], { [inspect.custom]: () => 'shown' }), 'shown'],
    ['what its target shows when it is a Proxy', new Proxy(new Shown(), {}), 'shown'],
    [
      'what it shows in another realm',
      vm.runInNewContext(`({ [Symbol.for('nodejs.util.inspect.custom')]: () => 'shown' })`) as object,
      'shown',
    ],
  ])('%s', ([, value, expected]) => {
    expect(shown(value)).toEqual(expected)
    expect(shown([{ value }])).toEqual([{ value: expected }])
  })

  test.for<[string, () => object]>([
    [
      'a Map',
      () =>
        new (class extends Map<string, number> {
          [inspect.custom](): string {
            return 'shown'
          }
        })([['secret', 1]]),
    ],
    [
      'a Set',
      () =>
        new (class extends Set<string> {
          [inspect.custom](): string {
            return 'shown'
          }
        })(['secret']),
    ],
    [
      'a Date',
      () =>
        new (class extends Date {
          [inspect.custom](): string {
            return 'shown'
          }
        })(0),
    ],
    ['a Buffer', () => Object.assign(Buffer.from('secret'), { [inspect.custom]: () => 'shown' })],
    [
      'a URL',
      () =>
        new (class extends URL {
          [inspect.custom](): string {
            return 'shown'
          }
        })('https://u:secret@a.example'),
    ],
  ])("what it shows when its class is the application's own, derived from %s", ([, make]) => {
    expect(shown(make())).toBe('shown')
  })

  test.for<[string, object]>([
    ['a Buffer', Buffer.from('abc')],
    ['a URL', new URL('https://a.example')],
    ['URLSearchParams', new URLSearchParams('a=1')],
    ['Headers', new Headers({ a: '1' })],
    ['Headers of a package', new undici.Headers({ a: '1' })],
    ['a Request of a package', new undici.Request('https://a.example')],
    ['a Request', new Request('https://a.example')],
    ['a Response', new Response('a')],
    ['FormData', new FormData()],
    ['a Blob', new Blob(['a'])],
    ['a File', new File(['a'], 'a.txt')],
    ['a Map', new Map([['a', 1]])],
    ['a Date', new Date(0)],
    ['an Error', Object.assign(new TypeError('a'), { [inspect.custom]: () => 'shown' })],
    ['the prototype of a class', Shown.prototype],
  ])('what the mapping table says when it is %s', ([, value]) => {
    expect(shown(value)).toEqual(toPlain(value, MAX_VALUES))
  })
})

describe('inspect.custom', () => {
  /** Arguments with which Node.js itself calls the function. */
  function calledBy(show: (value: object) => unknown): [unknown, InspectOptionsStylized, unknown] {
    let called: unknown
    show(showing((...args: unknown[]) => ((called = args), '')))
    return called as [unknown, InspectOptionsStylized, unknown]
  }

  test('is called with the arguments of util.inspect when its object is written', () => {
    const [depth, options, inspectFunction] = calledBy(shown)
    const [nodesDepth, nodesOptions] = calledBy((value) => inspect(value, { colors: false }))
    expect(depth).toBe(nodesDepth)
    expect(inspectFunction).toBe(inspect)
    expect(Object.keys(options)).toEqual(Object.keys(nodesOptions))
    expect(options.stylize('text', 'string')).toBe('text')
    expect(options.colors).toBe(false)
  })

  test.for<[InspectOptions]>([[{ colors: true }], [{ customInspect: false }], [{ depth: null }]])(
    'is called when inspect.defaultOptions are %o',
    ([defaults]) => {
      // Setting it changes the one object that there is.
      const defaultOptions = { ...inspect.defaultOptions }
      inspect.defaultOptions = defaults
      onTestFinished(() => void (inspect.defaultOptions = defaultOptions))
      const value = showing((depth: unknown, { stylize }: InspectOptionsStylized) =>
        stylize(String(depth === null), 'boolean'),
      )
      expect(shown(value)).toBe(String(defaults.depth === null))
    },
  )

  test('is called with less depth, and 0 at least, when its object lies deeper', () => {
    const depths: unknown[] = []
    const value = showing((depth: unknown) => (depths.push(depth), 'shown'))
    shown([value, { a: value, b: { c: value, d: { e: { f: { g: value } } } } }])
    expect(depths).toEqual([1, 0, 0, 0])
  })

  test('gets a new options object when it is called again', () => {
    const seen: unknown[] = []
    const value = showing((_: unknown, options: { depth: unknown }) => {
      seen.push(options.depth)
      options.depth = 99
      return ''
    })
    shown([value, value])
    expect(seen).toEqual([2, 2])
  })

  test('ends as [Circular] when it shows an object around its own', () => {
    const inner: Record<string, unknown> = {}
    const outer = { inner: showing(() => outer, inner) }
    expect(shown(outer)).toEqual({ inner: '[Circular]' })
  })

  test('is called a bounded number of times when it shows ever new objects', () => {
    let calls = 0
    const endless = (): object => showing(() => ((calls += 1), endless()))
    shown(endless())
    expect(calls).toBeLessThan(1000)
    calls = 0
    const wide = (): object => showing(() => ((calls += 1), { a: wide(), b: wide() }))
    shown(wide())
    expect(calls).toBeLessThan(MAX_VALUES / 4)
  })

  test('is not looked for when prototypes have no end', () => {
    const endless = (): object => new Proxy({}, { getPrototypeOf: endless })
    expect(shown({ a: endless(), b: 1 })).toMatchObject({ b: 1 })
  })

  test('is obeyed when an adapter that obeys it sends, and only then', () => {
    const obeying = memoryProvider()
    const plain = memoryProvider()
    const record = { body: { a: new Shown() }, attributes: { b: new Shown() } }
    createBridge({ ...adapter, obeysInspectCustom: true }, { loggerProvider: obeying }).emit(record)
    createBridge(adapter, { loggerProvider: plain }).emit(record)
    expect(obeying.records[0]).toMatchObject({ body: { a: 'shown' }, attributes: { b: 'shown' } })
    expect(plain.records[0]).toMatchObject({
      body: { a: { secret: 'hunter2' } },
      attributes: { b: { secret: 'hunter2' } },
    })
  })
})
