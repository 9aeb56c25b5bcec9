import { describe, expect, test } from 'vitest'
import { toTracedRecord } from '../src/anyValue.ts'
import { createBridge } from '../src/bridge.ts'
import { LogbridgeError } from '../src/error.ts'
import { createRedactor } from '../src/redact.ts'
import type { AnyValue, PlainRecord } from '../src/types.ts'
import { adapter } from './adapter.ts'
import { memoryProvider } from './memoryProvider.ts'

const HIDDEN = '[Redacted]'

function redacted(paths: string[], attributes: object, body?: unknown): PlainRecord {
  const traced = toTracedRecord(body, attributes)
  createRedactor(paths)(traced)
  return traced.plain
}
const attributesOf = (paths: string[], attributes: object): AnyValue => redacted(paths, attributes).attributes

describe('createRedactor hides', () => {
  test.for<[string, object, object]>([
    ['password', { password: 'a', user: { password: 'b' } }, { password: HIDDEN, user: { password: 'b' } }],
    ['user.password', { user: { password: 'a', name: 'b' } }, { user: { password: HIDDEN, name: 'b' } }],
    ['user', { user: { password: 'a' } }, { user: HIDDEN }],
    ['*', { a: 1, b: { c: 2 } }, { a: HIDDEN, b: HIDDEN }],
    ['*.token', { a: { token: 1, b: 2 }, token: 3 }, { a: { token: HIDDEN, b: 2 }, token: 3 }],
    ['user.*', { user: { a: 1, b: [2] } }, { user: { a: HIDDEN, b: HIDDEN } }],
    ['headers["x-api-key"]', { headers: { 'x-api-key': 'a' } }, { headers: { 'x-api-key': HIDDEN } }],
    ["headers['a.b']", { headers: { 'a.b': 1, a: { b: 2 } } }, { headers: { 'a.b': HIDDEN, a: { b: 2 } } }],
    [
      'cards[*].number',
      { cards: [{ number: 1 }, { number: 2, of: 3 }] },
      { cards: [{ number: HIDDEN }, { number: HIDDEN, of: 3 }] },
    ],
    ['cards[1]', { cards: [1, 2] }, { cards: [1, HIDDEN] }],
    ['a.*.b.*.c', { a: { x: { b: [{ c: 1 }, { d: 2 }] } } }, { a: { x: { b: [{ c: HIDDEN }, { d: 2 }] } } }],
    ['a["*"]', { a: { '*': 1, b: 2 } }, { a: { '*': HIDDEN, b: 2 } }],
    // Fields of one name that had to be kept apart.
    [
      'user.token',
      { user: { token: 1 }, 'user#2': { token: 2, 'token#3': 3, 'token#': 4 } },
      { user: { token: HIDDEN }, 'user#2': { token: HIDDEN, 'token#3': HIDDEN, 'token#': 4 } },
    ],
  ])('values when the path is %s', ([path, attributes, expected]) => {
    expect(attributesOf([path], attributes)).toEqual(expected)
  })

  test('a flat attribute when its name is the path', () => {
    expect(attributesOf(['user.password'], { 'user.password': 'a', user: { password: 'b' } })).toEqual({
      'user.password': HIDDEN,
      user: { password: HIDDEN },
    })
  })

  test('fields when they are in a structured body, or in one of several objects', () => {
    expect(redacted(['password'], {}, { password: 'a', id: 1 }).body).toEqual({ password: HIDDEN, id: 1 })
    expect(redacted(['password'], {}, [{ password: 'a' }, { id: 1 }]).body).toEqual([
      { password: HIDDEN },
      { id: 1 },
    ])
    expect(redacted(['password'], {}, 'password').body).toBe('password')
  })

  test('fields when they are in captured parameters', () => {
    const parameters = { 'log.body.parameters': ['a', { password: 'b' }] }
    expect(attributesOf(['password'], parameters)).toEqual({
      'log.body.parameters': ['a', { password: HIDDEN }],
    })
  })
})

describe('createRedactor hides the text of an object', () => {
  class User {
    readonly name: string
    readonly password: string | undefined
    readonly card: { number: string } = { number: '4242' }
    constructor(name: string, password: string | undefined) {
      this.name = name
      this.password = password
    }
    get token(): string {
      return 'hunter3'
    }
    toString(): string {
      return `${this.name}:${this.password}`
    }
  }
  const user = new User('ada', 'hunter2')

  test.for<[string, object, object]>([
    ['user.password', { user }, { user: HIDDEN }],
    ['*.password', { user, other: 'a' }, { user: HIDDEN, other: 'a' }],
    ['user.card.number', { user }, { user: HIDDEN }],
    ['user.*.number', { user }, { user: HIDDEN }],
    ['user.token', { user }, { user: HIDDEN }],
    ['users[*].password', { users: [user] }, { users: [HIDDEN] }],
    ['*.password', { url: new URL('https://u:hunter2@a.example') }, { url: HIDDEN }],
    ['user.id', { user: new Map([['id', 1]]) }, { user: { id: HIDDEN } }],
    ['user.password', { user: { password: 'a', toJSON: () => 'ada:a' } }, { user: HIDDEN }],
  ])('when the path is %s', ([path, attributes, expected]) => {
    expect(attributesOf([path], attributes)).toEqual(expected)
  })

  test('when the object is the body or a captured parameter', () => {
    expect(redacted(['password'], {}, user).body).toBe(HIDDEN)
    expect(redacted(['password'], {}, [user, 'a']).body).toEqual([HIDDEN, 'a'])
    const parameters = { 'log.body.parameters': ['a', user] }
    expect(attributesOf(['password'], parameters)).toEqual({ 'log.body.parameters': ['a', HIDDEN] })
  })

  test('when the object cannot be read', () => {
    const broken = {
      get password() {
        throw new Error('no')
      },
      toJSON: () => 'ada:hunter2',
    }
    expect(attributesOf(['user.password'], { user: broken })).toEqual({ user: HIDDEN })
  })

  test('but not when the path leads to nothing in the object', () => {
    const attributes = {
      url: new URL('https://a.example'),
      at: new Date(0),
      user: new User('ada', undefined),
    }
    const paths = ['*.password', '*.missing', 'user.card.missing', 'at.toISOString', 'user.name.first']
    expect(attributesOf(paths, attributes)).toEqual({
      url: 'https://a.example/',
      at: '1970-01-01T00:00:00.000Z',
      user: 'ada:undefined',
    })
  })
})

describe('createRedactor keeps', () => {
  test('bytes, dates and other values when the path leads elsewhere', () => {
    const attributes = {
      bytes: Uint8Array.of(1, 2),
      date: new Date(0),
      list: [1],
      none: null,
      user: { token: 'a' },
    }
    const plain = attributesOf(['*.token', 'bytes[0]', 'date.x', 'none.y'], attributes)
    expect(plain).toEqual({
      bytes: Uint8Array.of(1, 2),
      date: '1970-01-01T00:00:00.000Z',
      list: [1],
      none: null,
      user: { token: HIDDEN },
    })
  })

  test('a property when it is no own key', () => {
    const attributes = { list: [1], restore: 'a', text: 'abc' }
    const paths = ['list.length', 'constructor', '__proto__.polluted', 'text[0]', 'missing.deep', 'toString']
    expect(attributesOf(paths, attributes)).toEqual(attributes)
    expect(redacted(['length'], {}, [1]).body).toEqual([1])
  })

  test('fields beside the path when it leads into an own __proto__', () => {
    const attributes = JSON.parse('{"__proto__":{"token":"a","b":1}}') as object
    expect(JSON.stringify(attributesOf(['*.token'], attributes))).toBe(
      '{"__proto__":{"token":"[Redacted]","b":1}}',
    )
    expect(JSON.stringify(attributesOf(['__proto__'], attributes))).toBe('{"__proto__":"[Redacted]"}')
  })

  test('the objects of the application unchanged when it hides their fields', () => {
    const loggerProvider = memoryProvider()
    const user = { password: 'a' }
    createBridge(adapter, { loggerProvider, redact: ['*.password'] }).emit({
      attributes: { user },
      body: { user },
    })
    expect(loggerProvider.records[0]).toMatchObject({
      attributes: { user: { password: HIDDEN } },
      body: { user: { password: HIDDEN } },
    })
    expect(user).toEqual({ password: 'a' })
  })
})

describe('createBridge throws', () => {
  test.for([[''], ['a..b'], ['a.'], ['a['], ['a]'], ['a["b]'], ['a[0]b'], ['[]']])(
    'when the path of redact is %j',
    ([path]) => {
      const create = (): unknown => createBridge(adapter, { redact: [path!] })
      expect(create).toThrow(LogbridgeError)
      expect(create).toThrow(/^option redact has the invalid path /)
    },
  )
})

test('bridge drops a record when its redact function throws', () => {
  const loggerProvider = memoryProvider()
  const faults: unknown[] = []
  const bridge = createBridge(adapter, {
    loggerProvider,
    redact({ body }) {
      if (body === 'secret') throw new Error('no')
    },
    onError: (error) => faults.push(error),
  })
  bridge.emit({ body: 'secret' })
  bridge.emit({ body: 'fine' })
  expect(loggerProvider.records.map(({ body }) => body)).toEqual(['fine'])
  expect(faults).toEqual([new Error('no')])
})
