import { describe, test } from 'vitest'
import { type Case, check, routes } from './routes.ts'

const SYSLOG = { emerg: 0, alert: 1, crit: 2, error: 3, warning: 4, notice: 5, info: 6, debug: 7 }
const custom: Record<string, Case> = {
  'between those of pino are in proportion, and have their own names': {
    options: { level: 'silly', customLevels: { notice: 35, audit: 65, silly: 5 } },
    log: (logger) => ['notice', 'audit', 'silly'].forEach((level) => logger[level]!('hello')),
    arrives: severities({ notice: 11, audit: 23, silly: 1 }),
  },
  'with useOnlyCustomLevels, known by their names or in proportion between these': {
    options: {
      level: 'all',
      customLevels: { all: 0, info: 1, warning: 2, error: 3, alarm: 4 },
      useOnlyCustomLevels: true,
    },
    log: (logger) => ['all', 'info', 'warning', 'error', 'alarm'].forEach((level) => logger[level]!('hello')),
    arrives: severities({ all: 9, info: 9, warning: 13, error: 17, alarm: 21 }),
  },
  'with useOnlyCustomLevels, on the scale of pino': {
    options: { level: 'low', customLevels: { low: 15, mid: 30, high: 55 }, useOnlyCustomLevels: true },
    log: (logger) => ['low', 'mid', 'high'].forEach((level) => logger[level]!('hello')),
    arrives: severities({ low: 3, mid: 9, high: 19 }),
  },
  'descending, as those of syslog': {
    options: { level: 'debug', customLevels: SYSLOG, useOnlyCustomLevels: true, levelComparison: 'DESC' },
    log: (logger) => Object.keys(SYSLOG).forEach((level) => logger[level]!('hello')),
    arrives: severities({
      emerg: 24,
      alert: 22,
      crit: 19,
      error: 17,
      warning: 14,
      notice: 11,
      info: 9,
      debug: 5,
    }),
  },
  'in no order at all': {
    options: {
      level: 'info',
      customLevels: { info: 5, fatal: 10, error: 20, odd: 100 },
      useOnlyCustomLevels: true,
    },
    log: (logger) => logger['odd']!('hello'),
    arrives: severities({ odd: 1 }),
  },
  "a child's own": {
    options: { level: 'info' },
    log(logger) {
      const child = logger.child({}, { level: 'debug' })
      child.debug('of the child')
      logger.debug('of the parent')
      child.level = 'error'
      child.info('later')
      child.error('later')
    },
    arrives: [{ body: 'of the child' }, { body: 'later', severityText: 'error' }],
  },
}

function severities(expected: Record<string, number>): Case['arrives'] {
  return Object.entries(expected).map(([severityText, severityNumber]) => ({ severityText, severityNumber }))
}

const formatted: Record<string, Case> = {
  'level as text': levelAs((label) => ({ level: label })),
  'level in upper case': levelAs((label) => ({ level: label.toUpperCase() })),
  'level under another key': levelAs((label) => ({ severity: label.toUpperCase() }), { severity: 'WARN' }),
  'level and its name': levelAs((label, number) => ({ level: number, severity: label.toUpperCase() }), {
    severity: 'WARN',
  }),
  'level behind its name': levelAs((label, number) => ({ severity: label.toUpperCase(), level: number }), {
    severity: 'WARN',
  }),
  'level as text, of a custom level': {
    options: {
      customLevels: { notice: 35 },
      formatters: { level: (label) => ({ level: label.toUpperCase() }) },
    },
    log: (logger) => logger['notice']!('hello'),
    arrives: [{ severityText: 'notice', severityNumber: 11 }],
  },
}

function levelAs(level: (label: string, number: number) => object, attributes: object = {}): Case {
  return {
    options: { name: 'shop', formatters: { level } },
    log: (logger) => logger.warn({ a: 1 }, 'hello'),
    arrives: [
      {
        severityText: 'warn',
        severityNumber: 13,
        scope: 'shop',
        body: 'hello',
        attributes: { ...attributes, a: 1 },
      },
    ],
  }
}

describe.each(routes)('adapter through %s', (_, open) => {
  describe('sends severities when custom levels are', () => {
    test.each(Object.entries(custom))('%s', (_, example) => check(open, example))
  })
  describe('sends severities when formatters.level writes the', () => {
    test.each(Object.entries(formatted))('%s', (_, example) => check(open, example))
  })
})
