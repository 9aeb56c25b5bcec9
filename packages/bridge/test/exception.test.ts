import vm from 'node:vm'
import { describe, expect, test } from 'vitest'
import { describeException } from '../src/exception.ts'
import { isError } from '../src/safeAccess.ts'

class RefusedError extends Error {}

describe('describeException', () => {
  test('returns the class name as type when the Error has a code', () => {
    const types = [
      new TypeError('a'),
      new RefusedError('b'),
      Object.assign(new Error('c'), { name: 'Renamed' }),
      Object.assign(new Error('d'), { code: 'ENOENT' }),
      vm.runInNewContext('new RangeError("e")') as Error,
    ].map((error) => describeException(error).attributes['exception.type'])
    expect(types).toEqual(['TypeError', 'RefusedError', 'Renamed', 'Error', 'RangeError'])
  })

  test('returns the message, and the stack of every cause, when the Error has causes', () => {
    const cause = new Error('middle', { cause: new TypeError('root') })
    const error = new Error('top', { cause })
    const { attributes } = describeException(error)
    expect(attributes['exception.message']).toBe('top')
    expect(attributes['exception.stacktrace']).toBe(
      `${error.stack}\nCaused by: ${cause.stack}\nCaused by: ${(cause.cause as Error).stack}`,
    )
  })

  test('returns the stack of the cause, and no field, when the cause is returned by a method', () => {
    const inner = new TypeError('inner')
    const error = new Error('outer', { cause: () => inner })
    expect(describeException(error)).toEqual({
      attributes: {
        'exception.type': 'Error',
        'exception.message': 'outer',
        'exception.stacktrace': `${error.stack}\nCaused by: ${inner.stack}`,
      },
      extras: undefined,
    })
    const throwing = new Error('outer', {
      cause: () => {
        throw inner
      },
    })
    expect(describeException(throwing).attributes['exception.stacktrace']).toBe(throwing.stack)
  })

  test('ends when the Error is its own cause', () => {
    const error = new Error('loop')
    error.cause = error
    expect(describeException(error).attributes['exception.stacktrace']).toBe(error.stack)
  })

  test('returns type and message as the stack when the Error has none', () => {
    const error = new TypeError('bare')
    delete error.stack
    expect(describeException(error).attributes['exception.stacktrace']).toBe('TypeError: bare')
  })
})

describe('extras of describeException', () => {
  test('are the own fields, cause and errors when the Error has them', () => {
    const cause = { reason: 'no error' }
    const errors = [new Error('one'), new Error('two')]
    const error = Object.assign(new AggregateError(errors, 'all', { cause }), {
      code: 'E_ALL',
      name: 'Named',
    })
    expect(describeException(error).extras).toEqual({ code: 'E_ALL', cause, errors })
  })

  test('have the code when the code is no enumerable own field', () => {
    class GrpcError extends Error {
      get code(): number {
        return 14
      }
    }
    const hidden = Object.defineProperty(new Error('no'), 'code', { value: 'E_HIDDEN' })
    const codes = [new GrpcError('no'), hidden, new DOMException('no', 'AbortError')]
    expect(codes.map((error) => describeException(error).extras)).toEqual([
      { code: 14 },
      { code: 'E_HIDDEN' },
      { code: 20 },
    ])
  })

  test('are none when the Error is plain', () => {
    expect(describeException(new Error('plain')).extras).toBeUndefined()
  })

  test('are the result of toJSON when the Error has a toJSON', () => {
    const error = Object.assign(new Error('no'), {
      secret: 1,
      toJSON: () => ({ message: 'no', status: 500 }),
    })
    expect(describeException(error).extras).toEqual({ status: 500 })
  })

  test('are the own fields when toJSON throws', () => {
    const error = Object.assign(new Error('no'), {
      status: 500,
      toJSON() {
        throw new Error('worse')
      },
    })
    expect(describeException(error).extras).toMatchObject({ status: 500 })
  })

  test('have both Errors when the Error is a SuppressedError', () => {
    const [thrown, suppressed] = [new Error('thrown'), new Error('suppressed')]
    const hidden = { enumerable: false }
    const error = Object.defineProperties(new Error('both'), {
      error: { value: thrown, ...hidden },
      suppressed: { value: suppressed, ...hidden },
    })
    expect(describeException(error).extras).toEqual({ suppressed, error: thrown })
  })

  test('are read when getters throw', () => {
    const error = Object.defineProperties(new Error('no'), {
      a: { enumerable: true, get: () => { throw new Error('worse') } }, // prettier-ignore
      message: { get: () => { throw new Error('worst') } }, // prettier-ignore
      b: { enumerable: true, value: 1 },
    })
    const { attributes, extras } = describeException(error)
    expect(attributes['exception.message']).toBe('[Throws: worst]')
    expect(extras).toEqual({ a: '[Throws: worse]', b: 1 })
  })

  test('are a placeholder when a Proxy forbids to list them', () => {
    const ownKeys = (): never => {
      throw new Error('no')
    }
    expect(describeException(new Proxy(new Error('hidden'), { ownKeys })).extras).toEqual({
      '[Throws]': 'no',
    })
  })
})

test('describeException returns type, message, stack and extras when the error is serialized', () => {
  const serialized = {
    type: 'TypeError',
    message: 'no',
    stack: 'TypeError: no\n    at a',
    code: 'E',
    cause: { message: 'why' },
  }
  expect(describeException(serialized)).toEqual({
    attributes: {
      'exception.type': 'TypeError',
      'exception.message': 'no',
      'exception.stacktrace': 'TypeError: no\n    at a',
    },
    extras: { code: 'E', cause: { message: 'why' } },
  })
  expect(describeException({ name: 'Named', message: 'no' })).toEqual({
    attributes: { 'exception.type': 'Named', 'exception.message': 'no' },
    extras: undefined,
  })
})

test('describeException gives text attributes when the exception is no Error', () => {
  const stack = 'TypeError: no\n    at a'
  expect(
    [42, 'no', { code: 12 }, { message: { a: 1 }, name: 7 }, { message: 'no', stack }].map(
      (value) => describeException(value).attributes,
    ),
  ).toEqual([
    { 'exception.message': '42' },
    { 'exception.message': 'no' },
    { 'exception.type': '12' },
    { 'exception.type': '7', 'exception.message': '[object Object]' },
    { 'exception.type': 'TypeError', 'exception.message': 'no', 'exception.stacktrace': stack },
  ])
})

test('isError returns true when the value is an Error of any realm, and for no other value', () => {
  expect([new Error('a'), new RefusedError('b'), vm.runInNewContext('new Error("c")')].every(isError)).toBe(
    true,
  )
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const others = [
    { name: 'Error', message: 'a', stack: 'b' },
    { code: 'E' },
    'Error: a',
    1,
    null,
    undefined,
    proxy,
  ]
  expect(others.some(isError)).toBe(false)
})
