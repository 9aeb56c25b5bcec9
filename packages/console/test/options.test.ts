import { describe, expect, test } from 'vitest'
import { bridgeConsole } from '../src/index.ts'
import { bridged, newConsole } from './bridged.ts'

test('level filters records when they are less severe', () => {
  const { console, records } = bridged({ level: 'warn' })
  console.log('a')
  console.count()
  // Prints by calling `error`.
  console.trace('t')
  console.warn('b')
  console.assert(false)
  expect(records.map(({ severityText }) => severityText)).toEqual(['warn', 'assert'])
})

test('severity sets other numbers, also for level, when it names methods', () => {
  const { console, records } = bridged({ level: 'warn', severity: { log: 14, table: 3 } })
  console.info('a')
  console.log('b')
  console.table([1])
  expect(records.map(({ body, severityNumber }) => [body, severityNumber])).toEqual([['b', 14]])
})

describe('bridgeConsole throws, and leaves the console unchanged, when there is', () => {
  test.for<[string, object, RegExp]>([
    ['an option that does not exist', { method: ['log'] }, /no option method; the options are .*console/],
    ['a console that is none', { console: {} }, /option console is an object; it accepts a console$/],
    ['no console', { console: null }, /option console is null; it accepts a console$/],
    [
      'a level that is no method',
      { level: 'fatal' },
      /option level is "fatal"; it accepts one of trace, debug, log,/,
    ],
    ['a numeric level', { level: 30 }, /option level is 30; it accepts one of trace/],
    [
      'a severity for no method',
      { severity: { fatal: 21 } },
      /option severity .* an object of console methods/,
    ],
    [
      'a severity out of range',
      { severity: { log: 25 } },
      /option severity .* severity numbers from 1 to 24$/,
    ],
    [
      'a frozen console',
      { console: Object.freeze(newConsole().console) },
      /console has methods that cannot be replaced/,
    ],
  ])('%s', ([, options, message]) => {
    const { log } = globalThis.console
    const create = (): unknown => bridgeConsole(options)
    expect(create).toThrow(message)
    expect(create).toThrow(expect.objectContaining({ name: 'LogbridgeError', code: 'INVALID_OPTION' }))
    expect(globalThis.console.log).toBe(log)
  })

  test('a console with one method that cannot be replaced', () => {
    const { console } = newConsole()
    const { trace } = console
    Object.defineProperty(console, 'warn', { writable: false, configurable: false })
    expect(() => bridgeConsole({ console })).toThrow(/cannot be replaced/)
    expect(console.trace).toBe(trace)
  })
})

test('redact and exclude hide the fields of each object when a call has several', () => {
  const { console, record } = bridged({ redact: ['card.number'], exclude: ['password'] })
  const of = (n: number): object => ({ password: `p${n}`, card: { number: n } })
  console.log('paid', of(1), of(2))
  const card = { number: '[Redacted]' }
  expect(record().attributes).toMatchObject({ card, 'card#2': card })
  console.log('paid', of(1), of(2))
  expect(Object.keys(record().attributes as object)).toEqual(['card', 'card#2', 'log.iostream'])
})

test('bridgeConsole does not compile when an option is wrong', () => {
  // @ts-expect-error no such method
  expect(() => bridgeConsole({ level: 'loud' })).toThrow(/level/)
  // @ts-expect-error no such option
  expect(() => bridgeConsole({ color: 'red' })).toThrow(/color/)
  // @ts-expect-error no such method
  expect(() => bridgeConsole({ severity: { shout: 17 } })).toThrow(/severity/)
})
