import { inspect } from 'node:util'
import log4js from 'log4js'
import { describe, expect, test } from 'vitest'
import { setUp } from './setUp.ts'

class Secret {
  [inspect.custom](): string {
    return '[secret]'
  }
  readonly value: string = 'hunter2'
  readonly error: Error = new Error('hunter2')
}

describe('appender sends what inspect.custom shows when the object is', () => {
  const secret = new Secret()

  test.for<[string, (logger: log4js.Logger) => void, unknown]>([
    ['the sole argument', (logger) => logger.info(secret), '[secret]'],
    ['in the sole argument', (logger) => logger.info({ token: secret }), { token: '[secret]' }],
    ['in objects alone', (logger) => logger.info({ a: secret }, { b: 1 }), [{ a: '[secret]' }, { b: 1 }]],
    ['behind a text', (logger) => logger.info('login', secret), 'login [secret]'],
  ])('%s', ([, log, body]) => {
    const { logger, emitted } = setUp()
    log(logger)
    expect(emitted[0]!.body).toEqual(body)
    expect(inspect(emitted[0]!.attributes, { depth: null })).not.toContain('hunter2')
  })

  test('in the context of a logger', () => {
    const { logger, emitted } = setUp()
    logger.addContext('user', { token: secret })
    logger.addContext('token', () => secret)
    logger.info('login')
    logger.clearContext()
    expect(emitted[0]!.attributes).toEqual({ user: { token: '[secret]' }, token: '[secret]' })
  })

  test('the sole argument behind a layout', () => {
    const { logger, emitted } = setUp({}, { layout: { type: 'messagePassThrough' } })
    logger.info(secret)
    logger.info({ token: secret })
    expect(emitted.map(({ body, attributes }) => [body, attributes])).toEqual([
      ['[secret]', {}],
      ['{ token: [secret] }', { token: '[secret]' }],
    ])
  })
})
