import { formatWithOptions, inspect } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countSpecifiers, splitArguments } from '../src/arguments.ts'

/** vitest turns on the colors of `util.format`. */
const format = (...args: unknown[]): string => formatWithOptions({ colors: false }, ...args)

describe('splitArguments with a sole argument', () => {
  test.each([
    ['a string', '100% of %s', '100% of %s'],
    ['a number', 7, 7],
    ['null', null, null],
    ['an object', { id: 7 }, { id: 7 }],
    ['an array', [1, 2], [1, 2]],
    ['undefined', undefined, 'undefined'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
  ])('returns the argument as the body when the argument is %s', (_, argument, body) => {
    expect(splitArguments([argument])).toEqual({ body })
  })

  test('returns an empty text when there is no argument', () => {
    expect(splitArguments([])).toEqual({ body: '' })
  })

  test('returns the message as the body when the argument is an Error', () => {
    const error = new TypeError('boom')
    expect(splitArguments([error])).toEqual({ body: 'boom', exception: error })
  })

  test('returns the object as the body, and its err as the exception, when the argument is an object', () => {
    const err = new Error('boom')
    expect(splitArguments([{ err, id: 7 }])).toEqual({ body: { err, id: 7 }, exception: err })
  })
})

describe('body of splitArguments', () => {
  test('equals the text of util.format when no argument has fields', () => {
    const pieces = ['%', 's', 'd', 'j', 'x', ' ', '%%', '%s', '%o', '%c']
    const values = ['text', 7, 1.5, 12n, true, null, undefined, [1, [2]], new Date(0), new Map([['a', 1]])]
    for (let seed = 0; seed < 3000; seed += 1) {
      const template = Array.from({ length: seed % 6 }, (_, i) => pieces[(seed * (i + 3) + i) % 10]).join('')
      const args = [
        template,
        ...Array.from({ length: 1 + (seed % 4) }, (_, i) => values[(seed + i * 7) % 10]),
      ]
      expect({ args, body: splitArguments(args).body }).toEqual({ args, body: format(...args) })
    }
  })

  test('leaves out objects when they become attributes, also behind %%', () => {
    expect(splitArguments(['%d%% of %s', 50, 'it', { id: 7 }, 'done'])).toMatchObject({
      body: '50% of it done',
      attributes: { id: 7 },
      template: { template: '%d%% of %s', parameters: [50, 'it'] },
    })
    expect(splitArguments(['all of it: 100%%', { id: 7 }])).toMatchObject({ body: 'all of it: 100%' })
  })

  test('contains an object when a specifier takes it', () => {
    const { body, attributes } = splitArguments(['got %j', { id: 7 }])
    expect(body).toBe('got {"id":7}')
    expect(attributes).toEqual({})
  })

  test('formats a string as it is when the string is no first argument', () => {
    expect(splitArguments([7, '%s', 'x']).body).toBe('7 %s x')
    expect(splitArguments([{ id: 7 }, '%s', 'x'])).toMatchObject({ body: '%s x', attributes: { id: 7 } })
  })

  test('has the parameters that util.format formats when it has specifiers', () => {
    const pieces = fc.constantFrom('%', '%%', 's', 'x', ' ', '%s', '%d', '%i', '%f', '%j', '%o', '%O', '%c')
    fc.assert(
      fc.property(fc.string({ unit: pieces, maxLength: 8 }), (template) => {
        const specifiers = template.match(/%[sdifjoOc%]/g)?.filter((specifier) => specifier !== '%%') ?? []
        const parameters = specifiers.map((_, index) => index)
        const { template: captured } = splitArguments([template, ...parameters, 'rest', { id: 7 }])
        expect(captured?.parameters ?? []).toEqual(parameters)
      }),
    )
  })

  test('has no template when no specifier takes an argument', () => {
    expect(splitArguments(['plain', 1]).template).toBeUndefined()
    expect(splitArguments(['lonely %s', { id: 7 }]).template).toEqual({
      template: 'lonely %s',
      parameters: [{ id: 7 }],
    })
  })

  test('has no colors when an argument has colors', () => {
    const defaultOptions = { ...inspect.defaultOptions }
    inspect.defaultOptions = { colors: true }
    try {
      expect(splitArguments(['n', 7, [1]]).body).toBe('n 7 [ 1 ]')
    } finally {
      inspect.defaultOptions = defaultOptions
    }
  })
})

describe('attributes of splitArguments', () => {
  test('keep nested values, and equal keys apart, when there are several objects', () => {
    const { attributes } = splitArguments(['x', { id: 7, user: { name: 'a' } }, { id: 8 }, { id: 9 }])
    expect(attributes).toEqual({ id: 7, user: { name: 'a' }, 'id#2': 8, 'id#3': 9 })
  })

  test('hold the fields of a class instance when its class defines no other form', () => {
    class Order {
      id = 7
    }
    expect(splitArguments(['placed', new Order()])).toMatchObject({ body: 'placed', attributes: { id: 7 } })
  })

  test.each([
    [
      'toString',
      new (class {
        id = 7
        override() {}
        toString() {
          return 'T'
        }
      })(),
    ],
    ['toJSON', { secret: 1, toJSON: () => ({}) }],
    ['inspect.custom', { id: 7, [inspect.custom]: () => 'C' }],
    ['an iterator', { id: 7, [Symbol.iterator]: () => [][Symbol.iterator]() }],
    ['no fields', {}],
    ['a date', new Date(0)],
    ['an array', [{ id: 7 }]],
    ['a URL', new URL('http://localhost/')],
  ])('are none when the argument has %s, and is text', (_, value) => {
    const { body, attributes } = splitArguments(['x', value])
    expect(attributes).toEqual({})
    expect(body).toBe(format('x', value))
  })

  test('are none when there are several objects without a text', () => {
    const args = [{ a: 1 }, { a: 2 }]
    expect(splitArguments(args)).toEqual({ body: args })
  })

  test('are a copy when the caller keeps its object', () => {
    const fields = Object.freeze({ id: 7 })
    const { attributes } = splitArguments(['x', fields])
    attributes!['own'] = 1
    expect(fields).toEqual({ id: 7 })
  })
})

describe('exception of splitArguments', () => {
  const error = new Error('boom')

  test('is the Error when the Error stands behind the text', () => {
    expect(splitArguments(['failed', error, { id: 7 }])).toMatchObject({
      body: 'failed',
      exception: error,
      attributes: { id: 7 },
    })
  })

  test('is the Error when the Error stands before the text, or beside fields alone', () => {
    expect(splitArguments([error, 'failed'])).toMatchObject({ body: 'failed', exception: error })
    expect(splitArguments([error, { id: 7 }])).toMatchObject({
      body: 'boom',
      exception: error,
      attributes: { id: 7 },
    })
  })

  test('is the Error when a specifier takes the Error into the text', () => {
    const { body, exception } = splitArguments(['failed: %s', error])
    expect(body).toBe(format('failed: %s', error))
    expect(exception).toBe(error)
  })

  test('is the first Error when specifiers take two into the text', () => {
    const { exception, attributes } = splitArguments(['%o then %o', error, new Error('second'), { id: 7 }])
    expect(exception).toBe(error)
    expect(attributes).toEqual({ id: 7 })
  })

  test('is the first Error, and the others are kept, when there are several', () => {
    const second = new Error('second')
    const { body, exception, attributes } = splitArguments(['failed', error, second])
    expect({ body, exception }).toEqual({ body: 'failed', exception: error })
    expect(attributes).toEqual({ errors: [second] })
  })

  test('is the Error when the Error stands under a known key', () => {
    expect(splitArguments(['failed', { error, id: 7 }])).toMatchObject({
      exception: error,
      attributes: { error, id: 7 },
    })
    expect(splitArguments(['failed', { err: { name: 'Error', message: 'x' } }]).exception).toBeUndefined()
  })
})

describe('splitArguments does not throw', () => {
  const fail = (): never => {
    throw new Error('no')
  }
  const { proxy: revoked, revoke } = Proxy.revocable({ a: 1 }, {})
  revoke()
  const hostile: [string, unknown][] = [
    ['a revoked Proxy', revoked],
    ['toString', { toString: fail }],
    ['inspect', { [inspect.custom]: fail }],
    ['toJSON', { toJSON: fail }],
    ['valueOf', { valueOf: fail, [Symbol.toPrimitive]: fail }],
    ['ownKeys', new Proxy({}, { ownKeys: fail })],
    ['getPrototypeOf', new Proxy({}, { getPrototypeOf: fail })],
    ['get', new Proxy({ a: 1 }, { get: fail })],
  ]
  test.each(hostile)('when an argument throws: %s', (_, value) => {
    for (const args of [[value], [value, value], ['x', value], ['%s %d %j %o', value, value, value, value]]) {
      expect(() => splitArguments(args)).not.toThrow()
    }
    expect(splitArguments(['x', { ok: 1 }, value, 'y'])).toMatchObject({
      body: expect.stringMatching(/^x .*y$/s),
      attributes: { ok: 1 },
    })
  })

  test('and keeps the other fields when a getter throws', () => {
    expect(
      splitArguments([
        'x',
        {
          get bad() {
            return fail()
          },
          ok: 1,
        },
      ]).attributes,
    ).toEqual({
      bad: '[Throws: no]',
      ok: 1,
    })
  })
})

test('countSpecifiers reads a template up to the last argument when it has more specifiers', () => {
  const template = '%%%s'.repeat(1000)
  let searches = 0
  const counted = Object.assign(Object(template) as string, {
    indexOf: (part: string, at?: number) => {
      searches += 1
      return template.indexOf(part, at)
    },
  })
  expect(countSpecifiers(counted, 2)).toBe(2)
  expect(searches).toBeLessThan(4)
})
