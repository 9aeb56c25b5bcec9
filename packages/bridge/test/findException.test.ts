import vm from 'node:vm'
import { describe, expect, test } from 'vitest'
import { createRecordBuilder } from '../src/recordBuilder.ts'
import { ROOT_CONTEXT } from '../src/spanContext.ts'
import type { ApiLogRecord, SeverityNumber } from '../src/types.ts'

class PaymentError extends Error {}

const failed = (): PaymentError => Object.assign(new PaymentError('declined'), { code: 'E_CARD' })

function build(
  attributes: Record<string, unknown>,
  body: unknown = 'failed',
  severityNumber: SeverityNumber = 17,
): ApiLogRecord {
  return createRecordBuilder({})(
    { body, attributes },
    { severityNumber },
    undefined,
    ROOT_CONTEXT,
    [1, 2],
    false,
  )
}

const exception = (type: string, message: string, stack: unknown): Record<string, unknown> => ({
  'exception.type': type,
  'exception.message': message,
  'exception.stacktrace': stack,
})

describe('findException finds', () => {
  const error = failed()
  const stack = error.stack!
  const whole = exception('PaymentError', 'declined', stack)
  const text = exception('Error', 'declined', stack)

  test.for<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['an Error in err', { err: error, id: 7 }, { ...whole, err: { code: 'E_CARD' }, id: 7 }],
    ['an Error in error', { error }, { ...whole, error: { code: 'E_CARD' } }],
    ['an Error in exception', { exception: error }, { ...whole, exception: { code: 'E_CARD' } }],
    [
      'message and stack in err, with the type of the stack',
      { err: { message: 'declined', stack: stack.replace('Error', 'TypeError'), code: 1 } },
      { ...exception('TypeError', 'declined', stack.replace('Error', 'TypeError')), err: { code: 1 } },
    ],
    [
      'name, message and stack in error',
      { error: { name: 'CardError', message: 'declined', stack } },
      exception('CardError', 'declined', stack),
    ],
    [
      'a stack in lines in exception',
      { exception: { type: 'CardError', message: 'declined', stack: stack.split('\n') } },
      exception('CardError', 'declined', stack),
    ],
    ['the text of a stack in stack', { stack, id: 7 }, { ...text, id: 7 }],
    ['a stack in an array, of nest-winston', { stack: [stack] }, text],
    [
      'an Error in an array in stack, of nest-winston',
      { stack: [error] },
      { ...whole, error: { code: 'E_CARD' } },
    ],
    [
      'an Error in meta, of express-winston, and no stack twice',
      { meta: { error, stack, req: { url: '/' } } },
      { ...whole, meta: { error: { code: 'E_CARD' }, req: { url: '/' } } },
    ],
    [
      'message and stack one level deeper',
      { context: { err: { message: 'declined', stack }, id: 7 } },
      { ...text, context: { id: 7 } },
    ],
  ])('%s', ([, attributes, expected]) => {
    const copy = { ...attributes }
    expect(build(attributes).attributes).toEqual(expected)
    expect(attributes).toEqual(copy)
  })

  test('an Error of another realm', () => {
    const foreign = vm.runInNewContext('new RangeError("far")') as RangeError
    expect(build({ meta: { error: foreign } }).attributes).toMatchObject({
      'exception.type': 'RangeError',
      'exception.message': 'far',
    })
  })

  test('a stack in the body, which stays as it is printed', () => {
    for (const prefix of ['', 'saving failed: ', 'saving failed\n']) {
      const { body, attributes } = build({}, prefix + stack)
      expect(attributes).toEqual(text)
      expect(body).toBe(prefix + stack)
    }
  })

  test('the causes of a serialized error, once', () => {
    const cause = { message: 'why', stack: 'TypeError: why\n    at b' }
    const own = 'Error: no\n    at a'
    const both = `${own}\nCaused by: ${cause.stack}`
    const { attributes } = build({ err: { message: 'no', stack: own, cause } })
    expect(attributes).toMatchObject({ 'exception.stacktrace': both, err: { cause } })
    expect(build({ err: { message: 'no', stack: both, cause } }).attributes['exception.stacktrace']).toBe(
      both,
    )
  })
})

describe('findException finds none', () => {
  test.for<[string, Record<string, unknown>]>([
    ['in a text', { error: 'Error: no' }],
    ['in name, message, and code without a stack', { err: { name: 'Error', message: 'no', code: 1 } }],
    ['in a stack that is no stack of an Error', { stack: 'blue', meta: { stack: ['lamp', 'mern'] } }],
    ['in a stack of other values', { stack: [1, 2], err: { message: 'no', stack: 5 } }],
    ['two levels deep', { a: { b: { error: new Error('deep') } } }],
  ])('%s', ([, attributes]) => {
    const keys = Object.keys(build(attributes).attributes as object)
    expect(keys).toEqual(Object.keys(attributes))
  })

  test('in arrays that throw', () => {
    const { proxy, revoke } = Proxy.revocable([], {})
    revoke()
    const throwing = new Proxy(['a'], {
      get(target, key) {
        if (key === 'length' || key === '0') throw new Error('no')
        return Reflect.get(target, key) as unknown
      },
    })
    for (const stack of [proxy, throwing, new Proxy(['a'], { get: () => 1 })])
      expect(Object.keys(build({ stack }).attributes as object)).toEqual(['stack'])
  })

  test('in the body without the name of an Error before the frames', () => {
    const body = 'see\n    at the station'
    expect(build({}, body)).toMatchObject({ body, attributes: {} })
  })

  test('one level deep below WARN, where the search would cost each record', () => {
    const { attributes } = build({ meta: { error: failed() } }, 'fine', 9)
    expect(Object.keys(attributes as object)).toEqual(['meta'])
  })
})
