import { describe, expect, test } from 'vitest'
import winston, { type Logform } from 'winston'
import { arrivedOne } from './arrived.ts'

const { format } = winston

class ValidationError extends Error {}

function failure(): ValidationError & { code: string } {
  return Object.assign(new ValidationError('boom', { cause: new TypeError('inner') }), { code: 'E_BOOM' })
}

const WITH_CAUSE = expect.stringMatching(/^Error: boom\n\s+at [^]+\nCaused by: TypeError: inner\n\s+at /)
const CAUSE = expect.objectContaining({ type: 'TypeError', message: 'inner' })
const WHOLE = {
  'exception.type': 'ValidationError',
  'exception.message': 'boom',
  'exception.stacktrace': WITH_CAUSE,
}
const AMONG_FIELDS = { ...WHOLE, code: 'E_BOOM', cause: CAUSE }
const UNDER_ERROR = { ...WHOLE, error: { code: 'E_BOOM', cause: CAUSE } }

describe('OtelTransport sends an Error as exception.*', () => {
  test.each<[string, (logger: winston.Logger) => void, string, object]>([
    ['alone', (logger) => logger.error(failure()), 'boom', AMONG_FIELDS],
    ['alone, by log()', (logger) => logger.log('error', failure()), 'boom', AMONG_FIELDS],
    ['behind a text', (logger) => logger.error('saving', failure()), 'saving boom', AMONG_FIELDS],
    ['as message', (logger) => logger.log('error', { message: failure() }), 'boom', UNDER_ERROR],
    ['as error', (logger) => logger.error('saving', { error: failure() }), 'saving', UNDER_ERROR],
    [
      'as err, with fields',
      (logger) => logger.error('saving', { err: failure(), id: 7 }),
      'saving',
      { ...WHOLE, err: { code: 'E_BOOM', cause: CAUSE }, id: 7 },
    ],
    [
      'behind fields',
      (logger) => logger.error('saving', { id: 7 }, failure()),
      'saving',
      { ...UNDER_ERROR, id: 7 },
    ],
    ['in place of a token', (logger) => logger.error('saving %s', failure()), 'saving %s', UNDER_ERROR],
    ['behind a token', (logger) => logger.error('%d', 7, failure()), '%d', { ...UNDER_ERROR, splat: [7] }],
  ])('when the Error is logged %s', async (_, run, body, attributes) => {
    const record = await arrivedOne(run)
    expect(record.body).toBe(body)
    expect(record.attributes).toEqual(attributes)
  })

  test('with its code when the code is no enumerable field', async () => {
    const hidden = (): Error => Object.defineProperty(new Error('no'), 'code', { value: 'E_NO' })
    expect((await arrivedOne((logger) => logger.error(hidden()))).attributes).toMatchObject({ code: 'E_NO' })
    expect((await arrivedOne((logger) => logger.error('saving', hidden()))).attributes).toMatchObject({
      code: 'E_NO',
    })
    const selective = winston.format.printf(({ message }) => JSON.stringify({ message }))
    const { attributes } = await arrivedOne((logger) => logger.error(hidden()), { format: selective })
    expect(attributes).not.toHaveProperty('code')
  })

  test('with both Errors when it is a SuppressedError', async () => {
    const error = Object.defineProperties(new Error('both'), {
      error: { value: new Error('thrown') },
      suppressed: { value: new Error('suppressed') },
    })
    const { attributes } = await arrivedOne((logger) => logger.error('saving', error))
    expect(attributes).toMatchObject({ error: { message: 'thrown' }, suppressed: { message: 'suppressed' } })
  })

  test('with its cause when a method returns the cause', async () => {
    const cause = new TypeError('inner')
    const run = (logger: winston.Logger): void => {
      logger.error('saving', new Error('outer', { cause: () => cause }))
    }
    const { attributes } = await arrivedOne(run)
    expect(attributes['exception.stacktrace']).toContain('\nCaused by: TypeError: inner\n')
    expect(attributes).not.toHaveProperty('cause')
  })

  test('with its stack when its toJSON returns the message alone', async () => {
    class PaymentError extends Error {
      toJSON(): object {
        return { message: this.message, orderId: 7 }
      }
    }
    const { attributes } = await arrivedOne((logger) => logger.error(new PaymentError('declined')))
    expect(attributes).toEqual({
      'exception.type': 'PaymentError',
      'exception.message': 'declined',
      'exception.stacktrace': expect.stringMatching(/^Error: declined\n/),
      orderId: 7,
    })
    class MaskedError extends PaymentError {
      override toJSON(): object {
        return { message: 'masked' }
      }
    }
    const masked = await arrivedOne((logger) => logger.error(new MaskedError('card 4111')))
    expect(masked).toMatchObject({ body: 'masked', attributes: { 'exception.type': 'MaskedError' } })
    expect(JSON.stringify(masked)).not.toContain('4111')
  })

  test('when the Error is alone in an object, which is the message', async () => {
    const { body, attributes } = await arrivedOne((logger) => logger.error({ err: failure() }))
    expect(body).toEqual({
      err: expect.objectContaining({ type: 'ValidationError', code: 'E_BOOM', cause: CAUSE }),
    })
    expect(attributes).toEqual(WHOLE)
  })

  test('when the Error is behind a text that format.splat() formats', async () => {
    const { body, attributes } = await arrivedOne((logger) => logger.error('saving %d', 7, failure()), {
      format: format.splat(),
    })
    expect(body).toBe('saving 7')
    expect(attributes).toMatchObject(UNDER_ERROR)
  })

  test('when format.splat() formats the Error into the text', async () => {
    const { body, attributes } = await arrivedOne((logger) => logger.error('saving: %s', failure()), {
      format: format.splat(),
    })
    expect(body).toMatch(/^saving: ValidationError: boom/)
    expect(attributes).toMatchObject(WHOLE)
  })

  test('when the Error is behind fields that format.splat() merges', async () => {
    const { attributes } = await arrivedOne((logger) => logger.error('saving', { id: 7 }, failure()), {
      format: format.splat(),
    })
    expect(attributes).toMatchObject({ ...UNDER_ERROR, id: 7 })
  })

  test('when a child logger turns the Error into a plain object', async () => {
    const { body, attributes } = await arrivedOne((logger) =>
      logger.child({ id: 7 }).error(new TypeError('boom')),
    )
    expect(body).toBe('boom')
    expect(attributes).toEqual({
      id: 7,
      'exception.type': 'TypeError',
      'exception.message': 'boom',
      'exception.stacktrace': expect.stringMatching(/^TypeError: boom\n\s+at /),
    })
  })

  test('with cause and a message of several lines when a child logger turns the Error into a plain object', async () => {
    const error = new RangeError('one\ntwo', { cause: new TypeError('inner') })
    const { attributes } = await arrivedOne((logger) => logger.child({}).error(error))
    expect(attributes).toEqual({
      cause: CAUSE,
      'exception.type': 'RangeError',
      'exception.message': 'one\ntwo',
      'exception.stacktrace': expect.stringMatching(
        /^RangeError: one\ntwo\n[^]+\nCaused by: TypeError: inner\n/,
      ),
    })
  })

  test('when the transport has a format', async () => {
    const { body, attributes } = await arrivedOne(
      (logger) => logger.error(failure()),
      {},
      { format: format.json() },
    )
    expect(body).toBe('boom')
    expect(attributes).toEqual(AMONG_FIELDS)
  })

  test.each<[string, (logger: winston.Logger) => void]>([
    ['alone', (logger) => logger.error(failure())],
    ['behind a text', (logger) => logger.error('saving', failure())],
    ['as err', (logger) => logger.error('saving', { err: failure() })],
  ])('when the Error is logged %s and format.metadata() gathers the fields', async (_, run) => {
    const { attributes } = await arrivedOne(run, { format: format.metadata() })
    // The causes of an Error that winston has spread over the record are in `metadata` alone.
    const stack = expect.stringMatching(/^Error: boom\n\s+at /)
    expect(attributes).toMatchObject({ ...WHOLE, 'exception.stacktrace': stack })
  })

  test('once when a record has two Errors, and the second is a value', async () => {
    const { attributes } = await arrivedOne((logger) =>
      logger.error('both', { id: 7 }, failure(), new RangeError('too')),
    )
    expect(attributes).toMatchObject(UNDER_ERROR)
    expect(attributes['splat']).toEqual([expect.objectContaining({ type: 'RangeError', message: 'too' })])
  })
})

describe('format.errors()', () => {
  test.each<[string, (logger: winston.Logger) => void, string]>([
    ['of an Error alone', (logger) => logger.error(failure()), 'boom'],
    ['of an Error as message', (logger) => logger.log('error', { message: failure() }), 'boom'],
  ])('keeps stack and fields %s when the option stack is true', async (_, run, expected) => {
    const formats = format.combine(format.errors({ stack: true }), format.json())
    const { body, attributes } = await arrivedOne(run, { format: formats })
    expect(body).toBe(expected)
    expect(attributes).toEqual(AMONG_FIELDS)
  })

  const TYPE_AND_MESSAGE = {
    'exception.type': 'ValidationError',
    'exception.message': 'boom',
    code: 'E_BOOM',
  }
  const alone = (logger: winston.Logger) => logger.error(failure())
  const asMessage = (logger: winston.Logger) => logger.log('error', { message: failure() })

  test.each<[string, object | undefined, (logger: winston.Logger) => void, object]>([
    ['without stack', undefined, alone, TYPE_AND_MESSAGE],
    ['without stack, as message', undefined, asMessage, TYPE_AND_MESSAGE],
    ['without stack, with cause', { cause: true }, alone, { ...TYPE_AND_MESSAGE, cause: CAUSE }],
    [
      'without stack, with cause, as message',
      { cause: true },
      asMessage,
      { ...TYPE_AND_MESSAGE, cause: CAUSE },
    ],
    ['with stack and cause', { stack: true, cause: true }, alone, AMONG_FIELDS],
    ['with stack and cause, as message', { stack: true, cause: true }, asMessage, AMONG_FIELDS],
  ])('decides on stack and cause when used %s', async (_, options, run, expected) => {
    const { body, attributes } = await arrivedOne(run, { format: format.errors(options) })
    expect(body).toBe('boom')
    expect(attributes).toEqual(expected)
  })

  test('decides on stack and cause when used by the transport', async () => {
    const hidden = await arrivedOne(alone, {}, { format: format.errors() })
    expect(hidden.attributes).not.toHaveProperty('exception.stacktrace')
    const shown = await arrivedOne(alone, {}, { format: format.errors({ stack: true, cause: true }) })
    expect(shown.attributes).toEqual(AMONG_FIELDS)
    const clone = format((info) => ({ ...info }))
    const spread = await arrivedOne(alone, {}, { format: clone() })
    expect(spread).toMatchObject({ body: 'boom', attributes: TYPE_AND_MESSAGE })
  })

  test('keeps stack and cause when used by a child logger', async () => {
    const { attributes } = await arrivedOne((logger) => logger.child({ id: 7 }).error(failure()), {
      format: format.errors({ stack: true, cause: true }),
    })
    expect(attributes).toMatchObject({ id: 7, code: 'E_BOOM', cause: CAUSE, 'exception.message': 'boom' })
  })
})

describe('a format that hides a part of an Error', () => {
  const hiding = (change: (info: winston.Logform.TransformableInfo) => void) =>
    arrivedOne((logger) => logger.error('saving', failure()), {
      format: format((info) => {
        change(info)
        return info
      })(),
    })

  test('hides the stack when it deletes the stack', async () => {
    const { attributes } = await hiding((info) => delete info['stack'])
    expect(attributes).toEqual({
      'exception.type': 'ValidationError',
      'exception.message': 'boom',
      code: 'E_BOOM',
      cause: CAUSE,
    })
  })

  test('hides message and stack when it masks both', async () => {
    const { body, attributes } = await hiding((info) => {
      info.message = 'saving ***'
      info['stack'] = 'Error: ***\n    at here'
    })
    expect(body).toBe('saving ***')
    expect(attributes).toMatchObject({ 'exception.stacktrace': 'Error: ***\n    at here' })
    expect(attributes).not.toHaveProperty('exception.message')
  })

  test('hides the cause when it deletes the cause', async () => {
    const { attributes } = await hiding((info) => delete info['cause'])
    expect(attributes).not.toHaveProperty('cause')
    expect(attributes['exception.stacktrace']).not.toContain('inner')
  })

  test('hides a field when it masks the field', async () => {
    const { attributes } = await hiding((info) => (info['code'] = '***'))
    expect(attributes['code']).toBe('***')
    expect(JSON.stringify(attributes)).not.toContain('E_BOOM')
  })
})

describe('fields are attributes', () => {
  test.each([
    ['a stack that is no stack of an Error', { stack: 'blue' }],
    ['a text', { error: 'none' }],
    ['a text that is slow to search', { stack: '\n'.repeat(400_000) }],
    ['a look-alike', { err: { name: 'Error', message: 'm', code: 'c' } }],
  ])('when they hold %s', async (_, fields) => {
    expect((await arrivedOne((logger) => logger.error('x', fields))).attributes).toEqual(fields)
  })
})

describe('the shapes of frameworks: OtelTransport sends exception.* once', () => {
  const error = Object.assign(new TypeError('boom'), { code: 'E_BOOM' })
  const stack = error.stack!
  const BOOM = { 'exception.type': 'TypeError', 'exception.message': 'boom', 'exception.stacktrace': stack }
  const copied = (change: (info: Logform.TransformableInfo) => object) =>
    format((info) => ({ ...info, ...change(info) }))()
  const inPlace = format((info) => {
    info.message = info['stack']
    return info
  })()

  test.each<[string, (logger: winston.Logger) => void, winston.LoggerOptions, string, object]>([
    [
      'nest-winston, a stack in an array',
      (logger) => logger.error({ message: 'boom', stack: [stack], context: 'App' }),
      {},
      'boom',
      { ...BOOM, context: 'App' },
    ],
    [
      'nest-winston, an Error in an array',
      (logger) => logger.log('error', { message: 'boom', stack: [error] }),
      {},
      'boom',
      { ...BOOM, error: { code: 'E_BOOM' } },
    ],
    [
      'express-winston',
      (logger) =>
        logger.log({ level: 'error', message: 'middlewareError', meta: { error, stack, req: { url: '/' } } }),
      {},
      'middlewareError',
      { ...BOOM, meta: { error: { code: 'E_BOOM' }, req: { url: '/' } } },
    ],
    [
      '@strapi/logger',
      (logger) => logger.error(error),
      { format: copied(({ message, stack: own }) => ({ message: `${String(message)}\n${String(own)}` })) },
      `boom\n${stack}`,
      { ...BOOM, code: 'E_BOOM' },
    ],
    [
      'a format that copies the stack into the message',
      (logger) => logger.error(error),
      { format: copied(({ stack: own }) => ({ message: own })) },
      stack,
      { ...BOOM, code: 'E_BOOM' },
    ],
    ['a text of a stack', (logger) => logger.error(stack), {}, stack, BOOM],
  ])('of %s', async (_, run, options, body, attributes) => {
    const record = await arrivedOne(run, options)
    expect(record.attributes).toEqual(attributes)
    expect(record.body).toBe(body)
  })

  test('of a format that puts the stack into the message of the Error itself', async () => {
    const fresh = new TypeError('boom')
    const { body, attributes } = await arrivedOne((logger) => logger.error(fresh), { format: inPlace })
    expect(attributes).toMatchObject({ 'exception.type': 'TypeError', 'exception.message': 'boom' })
    expect(body).toBe(fresh.stack)
  })
})
