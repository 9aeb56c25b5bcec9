import assert from 'node:assert/strict'
import { assertSame, type Check, type Harness } from './harness.ts'
import type { ConformanceRecord } from './types.ts'

export type ErrorBehavior =
  | 'error.alone'
  | 'error.message'
  | 'error.fields'
  | 'error.cause'
  | 'error.aggregate'
  | 'error.subclass'
  | 'error.code'
  | 'error.serialized'
  | 'error.lookalike'

class ValidationError extends Error {}

/** Checks of Errors and `exception.*`. */
export const errorChecks: Readonly<Record<ErrorBehavior, Check>> = {
  async 'error.alone'({ open, record }) {
    const logger = await open()
    logger.logError(new TypeError('boom'))
    const { body, severityNumber, attributes } = await record()
    assert.equal(body, 'boom')
    assert.ok(severityNumber >= 17, `severity number ${severityNumber} must be 17 (ERROR) or more`)
    assert.equal(attributes['exception.type'], 'TypeError')
    assert.equal(attributes['exception.message'], 'boom')
    assert.match(String(attributes['exception.stacktrace']), /^TypeError: boom\n\s+at /)
  },

  async 'error.message'({ open, record }) {
    const logger = await open()
    logger.logErrorWith('saving failed', new RangeError('disk full'))
    const { body, attributes } = await record()
    // Some libraries append the Error's message to the text.
    assert.match(String(body), /^saving failed/)
    assert.equal(attributes['exception.type'], 'RangeError')
    assert.equal(attributes['exception.message'], 'disk full')
    assert.match(String(attributes['exception.stacktrace']), /^RangeError: disk full\n\s+at /)
  },

  async 'error.fields'(harness) {
    const logger = await harness.open()
    const error = Object.assign(new Error('refused'), { errno: -111, request: { attempts: [1, 2] } })
    logger.logErrorWith('no connection', error)
    const fields = errorFields(harness, await harness.record())
    assertSame(fields['errno'], -111, 'errno')
    assertSame(fields['request'], { attempts: [1, 2] }, 'an own field of the error')
  },

  async 'error.cause'(harness) {
    const logger = await harness.open()
    const cause = Object.assign(new TypeError('inner'), { code: 'E_INNER' })
    logger.logErrorWith('outer failed', new Error('outer', { cause }))
    const record = await harness.record()
    const stacktrace = String(record.attributes['exception.stacktrace'])
    assert.match(stacktrace, /^Error: outer\n[^]+\nCaused by: TypeError: inner\n\s+at /)
    const causeFields = errorFields(harness, record)['cause'] as Record<string, unknown>
    assert.equal(causeFields['type'], 'TypeError')
    assert.equal(causeFields['message'], 'inner')
    assert.equal(causeFields['code'], 'E_INNER')
  },

  async 'error.aggregate'(harness) {
    const logger = await harness.open()
    const error = new AggregateError([new TypeError('first'), new RangeError('second')], 'all failed')
    logger.logErrorWith('no mirror left', error)
    const record = await harness.record()
    assert.equal(record.attributes['exception.type'], 'AggregateError')
    const errors = errorFields(harness, record)['errors'] as Record<string, unknown>[]
    assert.deepEqual(
      errors.map(({ type, message }) => [type, message]),
      [
        ['TypeError', 'first'],
        ['RangeError', 'second'],
      ],
    )
  },

  async 'error.subclass'({ open, record }) {
    const logger = await open()
    logger.logErrorWith('bad input', new ValidationError('no name'))
    assert.equal((await record()).attributes['exception.type'], 'ValidationError')
    logger.logError(new ValidationError('no name'))
    assert.equal((await record()).attributes['exception.type'], 'ValidationError')
  },

  async 'error.code'(harness) {
    const logger = await harness.open()
    const error = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
    logger.logErrorWith('no connection', error)
    const record = await harness.record()
    assert.equal(record.attributes['exception.type'], 'Error')
    assert.equal(errorFields(harness, record)['code'], 'ECONNREFUSED')
  },

  async 'error.serialized'({ open, record, info }) {
    const logger = await open()
    const stack = 'RangeError: disk full\n    at save (shop.js:1:2)'
    logger.log(info, 'saving failed', { error: { message: 'disk full', stack, code: 'E_FULL' } })
    const { attributes } = await record()
    assert.equal(attributes['exception.type'], 'RangeError')
    assert.equal(attributes['exception.message'], 'disk full')
    assert.equal(attributes['exception.stacktrace'], stack)
    assertSame(attributes['error'], { code: 'E_FULL' }, 'the other fields, without the stack')
  },

  async 'error.lookalike'({ open, record, info }) {
    const logger = await open()
    logger.log(info, 'no error at all', { user: { name: 'Ada', code: 'A1', message: 'hi' }, error: 'none' })
    const { attributes } = await record()
    const exceptionKeys = Object.keys(attributes).filter((key) => key.startsWith('exception.'))
    assert.deepEqual(exceptionKeys, [], 'a record without an Error must have no exception.*')
    assertSame(
      attributes['user'],
      { name: 'Ada', code: 'A1', message: 'hi' },
      'an object that looks like an error',
    )
    assert.equal(attributes['error'], 'none')
  },
}

/** Returns the own fields and causes of an Error from the attribute `errorKey` of the subject, or all attributes when `errorKey` is `''`. */
function errorFields({ subject }: Harness, { attributes }: ConformanceRecord): Record<string, unknown> {
  const { errorKey = 'error' } = subject
  if (errorKey === '') return attributes
  const fields = attributes[errorKey]
  assert.ok(
    typeof fields === 'object' && fields !== null,
    `attribute ${errorKey} must be a map with the Error's fields`,
  )
  return fields as Record<string, unknown>
}
