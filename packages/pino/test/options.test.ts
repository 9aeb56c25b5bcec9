import { describe, expect, test } from 'vitest'
import { type Case, check, EXCEPTION, failure, routes } from './routes.ts'

const keys: Record<string, Case> = {
  messageKey: {
    options: { messageKey: 'message' },
    log: (logger) => logger.child({}).info({ msg: 'a field' }, 'hello'),
    arrives: [{ body: 'hello', attributes: { msg: 'a field' } }],
  },
  errorKey: {
    options: { errorKey: 'failure' },
    log(logger) {
      logger.error(failure({ code: 'E1' }))
      logger.error({ failure: failure(), err: 'no error' }, 'failed')
    },
    arrives: [
      { body: 'boom', attributes: { ...EXCEPTION, failure: { code: 'E1' } } },
      { body: 'failed', attributes: { ...EXCEPTION, err: 'no error' } },
    ],
  },
  nestedKey: {
    options: { nestedKey: 'payload' },
    transport: { nestedKey: 'payload' },
    log(logger) {
      logger.child({ request: 7 }).info({ level: 1, time: 2, msg: 'a field' }, 'hello')
      logger.error({ err: failure({ code: 'E1' }), a: 1 }, 'failed')
    },
    arrives: [
      { body: 'hello', attributes: { request: 7, payload: { level: 1, time: 2, msg: 'a field' } } },
      { body: 'failed', attributes: { ...EXCEPTION, payload: { err: { code: 'E1' }, a: 1 } } },
    ],
  },
}

const others: Record<string, Case> = {
  'mixin, with levels': {
    options: { mixin: (_, level) => ({ at: level, a: 'mixed in', b: 2 }) },
    log: (logger) => logger.info({ a: 1 }, 'hello'),
    arrives: [{ attributes: { at: 30, a: 1, b: 2 } }],
  },
  mixinMergeStrategy: {
    options: {
      mixin: () => ({ a: 'mixed in' }),
      mixinMergeStrategy: (fields, mixed) => ({ ...fields, ...mixed }),
    },
    log: (logger) => logger.info({ a: 1, b: 2 }, 'hello'),
    arrives: [{ attributes: { a: 'mixed in', b: 2 } }],
  },
  'msgPrefix, of a child too': {
    options: { msgPrefix: '[shop] ' },
    log: (logger) => logger.child({}, { msgPrefix: '[cart] ' }).info('hello %s', 'world'),
    arrives: [{ body: '[shop] [cart] hello world' }],
  },
  'hooks.logMethod': {
    options: {
      hooks: {
        logMethod([fields, text], method) {
          method.call(this, { ...(fields as object), hooked: true }, text)
        },
      },
    },
    log: (logger) => logger.info({ a: 1 }, 'hello'),
    arrives: [{ body: 'hello', attributes: { a: 1, hooked: true } }],
  },
  'hooks.streamWrite': {
    options: { name: 'secret-shop', hooks: { streamWrite: (line) => line.replaceAll('secret', '***') } },
    log: (logger) => logger.info({ a: 'secret' }, 'a secret'),
    // In the thread that logs, the logger's name is known from the logger, and not sent when the line does not have it.
    arrives: [
      {
        body: 'a ***',
        scope: expect.stringMatching(/^(?:pino|\*\*\*-shop)$/) as string,
        attributes: expect.objectContaining({ a: '***' }) as object,
      },
    ],
  },
  'depthLimit and edgeLimit, which pino has for circular objects': {
    options: { depthLimit: 2, edgeLimit: 2 },
    log(logger) {
      const loop: Record<string, unknown> = { a: { b: { c: 1 } } }
      loop['loop'] = loop
      logger.info({ loop: { ...loop, z: 1 }, sibling: 1 }, 'hello')
    },
    arrives: [
      {
        attributes: {
          loop: {
            a: { b: '[Object]' },
            loop: { a: '[Object]', loop: '[Circular]' },
            '...': '1 item not stringified',
          },
          sibling: 1,
        },
      },
    ],
  },
  'base: null': {
    options: { base: null },
    log: (logger) => logger.info({ a: 1 }, 'hello'),
    arrives: [{ attributes: { a: 1 } }],
  },
  'base of the user, other processes too': {
    options: { base: { region: 'eu', pid: 1, hostname: 'elsewhere' } },
    log: (logger) => logger.info({ a: 1 }, 'hello'),
    arrives: [{ attributes: { region: 'eu', pid: 1, hostname: 'elsewhere', a: 1 } }],
  },
  crlf: {
    options: { crlf: true },
    log: (logger) => logger.info({ a: 1 }, 'hello'),
    arrives: [{ body: 'hello', attributes: { a: 1 } }],
  },
  'logger.setBindings': {
    log(logger) {
      const child = logger.child({ request: 7 })
      child.info('before')
      child.setBindings({ user: 'ada' })
      child.info('after')
    },
    arrives: [
      { body: 'before', attributes: { request: 7 } },
      { body: 'after', attributes: { request: 7, user: 'ada' } },
    ],
  },
}

/** Hook that pino 8 lacks. */
const SINCE_9 = 'hooks.streamWrite'

describe.each(routes)('adapter through %s', (route, open) => {
  const known = Object.entries(others).filter(([name]) => name !== SINCE_9 || !route.endsWith('pino 8'))
  describe('reads a line when the logger has the option', () => {
    test.each(Object.entries(keys))('%s', (_, example) => check(open, example))
  })
  describe('sends a record when the logger has', () => {
    test.each(known)('%s', (_, example) => check(open, example))
  })
})
