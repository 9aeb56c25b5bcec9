import { describe, expect, test } from 'vitest'
import { LogbridgeError } from '../src/error.ts'
import {
  namedSeverity,
  numericSeverity,
  type SeverityScale,
  severityTable,
  unknownLevel,
} from '../src/severity.ts'

const PINO: SeverityScale = [
  [10, 1],
  [20, 5],
  [30, 9],
  [40, 13],
  [50, 17],
  [60, 21],
]

describe('numericSeverity', () => {
  test.for([
    [10, 1],
    [30, 9],
    [60, 21],
    // In proportion between two.
    [35, 11],
    [39, 12],
    [39.99, 12],
    [25, 7],
    // Beyond the last in proportion, up to 24.
    [63, 22],
    [68, 24],
    [70, 24],
    [Number.MAX_VALUE, 24],
    [Infinity, 24],
    // Below the first it is the first.
    [9, 1],
    [0, 1],
    [-5, 1],
    [-Infinity, 1],
    [Number.NaN, 0],
  ])('maps %d to %d when the scale is that of pino', ([level, severity]) => {
    expect(numericSeverity(level!, PINO)).toBe(severity)
  })

  test('returns 0 when the scale has no levels, and the same number when it has one level', () => {
    expect(numericSeverity(30, [])).toBe(0)
    expect([1, 5, 100].map((level) => numericSeverity(level, [[5, 9]]))).toEqual([9, 9, 9])
  })

  test('returns a number when two levels of the scale are equal', () => {
    const scale: SeverityScale = [[10, 5], [20, 9], [20, 9]] // prettier-ignore
    expect([15, 20, 30].map((level) => numericSeverity(level, scale))).toEqual([7, 9, 9])
  })
})

test('severityTable replaces and adds numbers when there are overrides', () => {
  const table = severityTable({ info: 9, warn: 13 }, { warn: 14, audit: 10 })
  expect(Object.fromEntries(table)).toEqual({ info: 9, warn: 14, audit: 10 })
  expect(severityTable({ info: 9 }, undefined).get('constructor')).toBeUndefined()
})

test('unknownLevel lists the levels when a level is unknown', () => {
  const error = unknownLevel('pino', 'inof', ['info', 'warn'])
  expect(error).toBeInstanceOf(LogbridgeError)
  expect(error.code).toBe('INVALID_OPTION')
  expect(error.message).toBe('@logbridge/pino: option level is "inof"; it accepts one of info, warn')
})

describe('namedSeverity', () => {
  test.for([
    ['silly trace', 1],
    ['debug', 5],
    ['verbose', 6],
    ['http', 7],
    ['info information informational', 9],
    ['notice', 10],
    ['warn warning', 13],
    ['err error', 17],
    ['crit', 18],
    ['alert', 19],
    ['critical emerg emergency fatal panic', 21],
    ['constructor', 0],
  ] as const)('knows %s in any case', ([names, severity]) => {
    for (const name of names.split(' ')) {
      const capital = name[0]!.toUpperCase() + name.slice(1)
      expect([name, name.toUpperCase(), capital].map(namedSeverity), name).toEqual([
        severity,
        severity,
        severity,
      ])
    }
  })
})
