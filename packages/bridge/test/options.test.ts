import { describe, expect, test } from 'vitest'
import { LogbridgeError } from '../src/error.ts'
import { bridgeOptionRules, checkOptions, oneOf, rules } from '../src/options.ts'
import { memoryProvider } from './memoryProvider.ts'

const check = (options: unknown): void => checkOptions('@logbridge/x', options, bridgeOptionRules)

test('checkOptions accepts each option when its value is as documented', () => {
  expect(() => check(undefined)).not.toThrow()
  expect(() =>
    check({
      loggerProvider: memoryProvider(),
      level: 'warn',
      severity: { audit: 10 },
      attributes: { team: 'shop' },
      include: ['user.*'],
      exclude: [],
      redact: ['password'],
      scope: 'shop',
      captureTemplate: true,
      captureCode: false,
      flushTimeoutMillis: 0,
      onError() {},
    }),
  ).not.toThrow()
  expect(() => check({ level: 30, redact() {}, scope: undefined })).not.toThrow()
})

describe('checkOptions names an option and its accepted values when the value is wrong:', () => {
  test.for<[string, unknown, string]>([
    ['loggerProvider', {}, 'a LoggerProvider (an object with a getLogger method)'],
    ['level', Number.NaN, 'a level of the library, by name or number'],
    ['severity', { info: 25 }, 'an object of level names and severity numbers from 1 to 24'],
    ['severity', { info: 0 }, 'an object of level names and severity numbers from 1 to 24'],
    ['severity', { info: 9.5 }, 'an object of level names and severity numbers from 1 to 24'],
    ['attributes', ['a'], 'an object'],
    ['include', 'user.*', 'an array of strings'],
    ['exclude', [1], 'an array of strings'],
    ['redact', 'password', 'an array of paths, or a function'],
    ['scope', '', 'a non-empty string, or a function'],
    ['captureTemplate', 1, 'true or false'],
    ['captureCode', 'yes', 'true or false'],
    ['flushTimeoutMillis', '3 s', 'a number of milliseconds from 0 to 2147483647'],
    ['onError', {}, 'a function'],
  ])('%s: %o', ([name, value, accepts]) => {
    const error = thrownBy(() => check({ [name]: value }))
    expect(error).toBeInstanceOf(LogbridgeError)
    expect(error).toMatchObject({ code: 'INVALID_OPTION', name: 'LogbridgeError' })
    expect((error as Error).message).toMatch(new RegExp(`^@logbridge/x: option ${name} (is|has) `))
    expect((error as Error).message.endsWith(`it accepts ${accepts}`)).toBe(true)
  })
})

test('checkOptions lists the options when an option is unknown', () => {
  const text =
    /there is no option lvel; did you mean level\? The options are loggerProvider, level, .*onError$/
  expect(() => check({ lvel: 'info' })).toThrow(text)
  expect(() => check({ constructor: 1 })).toThrow(/there is no option constructor/)
  expect(() => check({ colour: 1 })).toThrow(/there is no option colour; the options are loggerProvider/)
  expect(() => checkOptions('x', { spool: 1 }, {}, ['logs.spool'])).toThrow(/did you mean logs\.spool\?/)
  expect(() => check('warn')).toThrow(/options must be an object, not 'warn'$/)
})

test.each([
  [{ severity: { info: 9, audit: 25 } }, 'option severity has a value of audit that is 25; it accepts'],
  [{ exclude: ['a', 7] }, 'option exclude has an item 1 that is 7; it accepts'],
  [{ include: [{ password: 'hunter2' }] }, 'option include has an item 0 that is an object; it accepts'],
])('checkOptions names the key and its value when a part of the option is wrong: %o', (options, message) => {
  expect(() => check(options)).toThrow(message)
})

test('checkOptions hides the content of a value when the value is wrong', () => {
  const message = (value: unknown): string => (thrownBy(() => check({ captureCode: value })) as Error).message
  expect(message({ password: 'hunter2' })).not.toContain('hunter2')
  expect(message(['hunter2'])).not.toContain('hunter2')
  expect(message('x'.repeat(50))).toContain('a string of 50 characters')
})

test('rules accept a value when it is within the bounds', () => {
  expect([0, 1, 1.5, -1, '1'].map((value) => rules.count.test(value))).toEqual([
    false,
    true,
    false,
    false,
    false,
  ])
  expect([0, 2 ** 31 - 1, 2 ** 31, -1].map((value) => rules.millis.test(value))).toEqual([
    true,
    true,
    false,
    false,
  ])
  expect([0, 65_535, 65_536, 1.5].map((value) => rules.port.test(value))).toEqual([true, true, false, false])
  const rule = oneOf('grpc', 'http')
  expect(rule.accepts).toBe("'grpc' or 'http'")
  expect(['grpc', 'GRPC'].map((value) => rule.test(value))).toEqual([true, false])
})

function thrownBy(action: () => void): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
