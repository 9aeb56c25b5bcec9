import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, test } from 'vitest'
import { type Case, check, EXCEPTION, failure, routes } from './routes.ts'

function request(): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), {
    method: 'GET',
    url: '/cart',
    headers: { authorization: 'secret', accept: 'text/html' },
  })
}

const redact: Record<string, Case> = {
  'paths, in fields, errors, children and texts': {
    options: { redact: ['password', 'user.token', '*.secret', 'cards[*].number', 'err.config'] },
    log(logger) {
      const user = { name: 'ada', token: 't' }
      logger.info(
        { password: 'p', user, db: { secret: 's' }, cards: [{ number: '4111', brand: 'v' }] },
        'fields',
      )
      logger.child({ password: 'p', user }).info('child')
      logger.error(failure({ config: 'c' }))
      logger.info('with %o', { password: 'p' })
    },
    arrives: [
      {
        body: 'fields',
        attributes: {
          password: '[Redacted]',
          user: { name: 'ada', token: '[Redacted]' },
          db: { secret: '[Redacted]' },
          cards: [{ number: '[Redacted]', brand: 'v' }],
        },
      },
      {
        body: 'child',
        attributes: { password: '[Redacted]', user: { name: 'ada', token: '[Redacted]' } },
      },
      { body: 'boom', attributes: { ...EXCEPTION, err: { config: '[Redacted]' } } },
      { body: 'with {"password":"[Redacted]"}', attributes: {} },
    ],
  },
  'a censor function': {
    options: {
      redact: {
        paths: ['password', 'user.token'],
        censor: (value, path) => `${path.join('.')}: ${String(value).length} letters`,
      },
    },
    log: (logger) => logger.info({ password: 'abc', user: { token: 'ab' } }, 'hello'),
    arrives: [{ attributes: { password: 'password: 3 letters', user: { token: 'user.token: 2 letters' } } }],
  },
  remove: {
    options: { redact: { paths: ['password', 'user.token'], remove: true } },
    log: (logger) => logger.info({ password: 'abc', user: { token: 'ab', id: 1 } }, 'hello'),
    arrives: [{ attributes: { user: { id: 1 } } }],
  },
  "a child's own": {
    options: { redact: ['password'] },
    log(logger) {
      logger.child({ token: 't' }, { redact: ['token', 'card'] }).info({ card: '4111' }, 'of the child')
      logger.info({ password: 'p', card: '4111' }, 'of the parent')
    },
    arrives: [
      { attributes: { token: '[Redacted]', card: '[Redacted]' } },
      { attributes: { password: '[Redacted]', card: '4111' } },
    ],
  },
}

const serializers: Record<string, Case> = {
  'of errors': {
    options: {
      serializers: {
        err: (error: Error) => ({ type: 'Failure', message: error.message, stack: error.stack, at: 'home' }),
      },
    },
    log: (logger) => logger.error(failure({ code: 'E1' }), 'failed'),
    arrives: [
      { body: 'failed', attributes: { ...EXCEPTION, 'exception.type': 'Failure', err: { at: 'home' } } },
    ],
  },
  'of errors into text': {
    options: { serializers: { err: String } },
    log: (logger) => logger.error(failure(), 'failed'),
    arrives: [{ body: 'failed', attributes: { err: 'TypeError: boom' } }],
  },
  'of requests': {
    options: { serializers: { req: ({ method, url }: IncomingMessage) => ({ method, url }) } },
    log: (logger) => logger.info({ req: request() }, 'hello'),
    arrives: [{ attributes: { req: { method: 'GET', url: '/cart' } } }],
  },
  'of a request alone, as pino has it, and redacted': {
    options: { redact: ['req.headers.authorization'] },
    log: (logger) => logger.info(request(), 'hello'),
    arrives: [
      {
        attributes: {
          req: {
            method: 'GET',
            url: '/cart',
            headers: { authorization: '[Redacted]', accept: 'text/html' },
          },
        },
      },
    ],
  },
  'of the message': {
    options: { serializers: { msg: (text: string) => text.toUpperCase() } },
    log: (logger) => logger.info('hello'),
    arrives: [{ body: 'HELLO' }],
  },
  "a child's own": {
    options: { serializers: { user: () => 'user', card: () => 'card' } },
    log(logger) {
      const child = logger.child(
        { user: { id: 1 } },
        { serializers: { user: ({ id }: { id: number }) => `u${id}` } },
      )
      child.info({ card: '4111' }, 'of the child')
      logger.info({ user: { id: 1 } }, 'of the parent')
    },
    arrives: [{ attributes: { user: 'u1', card: 'card' } }, { attributes: { user: 'user' } }],
  },
}

const formatters: Record<string, Case> = {
  log: {
    options: { formatters: { log: ({ secret: _, ...fields }) => ({ ...fields, shown: true }) } },
    log: (logger) => logger.info({ secret: 's', a: 1 }, 'hello'),
    arrives: [{ attributes: { a: 1, shown: true } }],
  },
  bindings: {
    options: {
      base: { pid: 1, secret: 's' },
      formatters: { bindings: ({ pid }) => ({ process: pid as unknown }) },
    },
    log: (logger) => logger.child({ request: 7 }).info('hello'),
    arrives: [{ attributes: { process: 1, request: 7 } }],
  },
  "a child's own": {
    log(logger) {
      const formatters = {
        level: (label: string) => ({ level: label }),
        bindings: (fields: object) => ({ ...fields, bound: true }),
        log: (fields: object) => ({ ...fields, logged: true }),
      }
      logger.child({ request: 7 }, { formatters }).warn('hello')
    },
    arrives: [
      { severityText: 'warn', severityNumber: 13, attributes: { request: 7, bound: true, logged: true } },
    ],
  },
}

describe.each(routes)('adapter through %s', (_, open) => {
  describe('hides values when redact has', () => {
    test.each(Object.entries(redact))('%s', (_, example) => check(open, example))
  })
  describe('sends serialized values when there are serializers', () => {
    test.each(Object.entries(serializers))('%s', (_, example) => check(open, example))
  })
  describe('sends formatted fields when formatters has', () => {
    test.each(Object.entries(formatters))('%s', (_, example) => check(open, example))
  })
})
