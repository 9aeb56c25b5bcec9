import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ReceivedValue } from '../../src/model.ts'
import { toJsonFragment, toJsonText } from '../../src/query/jsonText.ts'
import { parseQuery, QueryError, type Query } from '../../src/query/query.ts'
import { compileQuery } from '../../src/query/sql.ts'
import type { Signal } from '../../src/query/fields.ts'
import { defineFunctions, SCHEMA } from '../../src/store/schema.ts'

const NOW = Date.parse('2026-11-29T10:00:00Z')
const NANOS = BigInt(NOW) * 1_000_000n

interface Log {
  time?: bigint
  severity?: number
  body?: ReceivedValue
  attributes?: Record<string, ReceivedValue>
  resource?: Record<string, ReceivedValue>
  scopeAttributes?: Record<string, ReceivedValue>
  service?: string
  scope?: string
  event?: string
  trace?: string
  span?: string
}

/** Creates the tables with the given logs. */
function databaseOf(logs: readonly Log[]): DatabaseSync {
  const database = new DatabaseSync(':memory:')
  database.exec(SCHEMA)
  defineFunctions(database)
  const insert = (table: string, values: Record<string, SQLInputValue>): void => {
    const columns = Object.keys(values)
    database
      .prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`)
      .run(...Object.values(values))
  }
  for (const [id, log] of logs.entries()) {
    const raw = String(id)
    insert('resources', {
      id,
      service: log.service ?? '',
      attributes: toJsonText(log.resource ?? {}),
      raw: Buffer.from(raw),
      schema_url: '',
    })
    insert('scopes', {
      id,
      name: log.scope ?? '',
      version: '',
      attributes: toJsonText(log.scopeAttributes ?? {}),
      raw: Buffer.from(raw),
      schema_url: '',
    })
    insert('logs', {
      id,
      time: log.time ?? NANOS,
      severity: log.severity ?? 0,
      severity_text: '',
      body: toJsonText(log.body ?? null),
      event_name: log.event ?? '',
      trace_id: log.trace ?? '',
      span_id: log.span ?? '',
      attributes: toJsonText(log.attributes ?? {}),
      resource: id,
      scope: id,
      raw: Buffer.from(raw),
    })
  }
  return database
}

function select(database: DatabaseSync, query: Query, signal: Signal = 'logs'): number[] {
  const { text, parameters } = compileQuery(query, signal, NOW)
  const rows = database
    .prepare(
      `SELECT record.id FROM ${signal} AS record JOIN resources AS resource ON resource.id = record.resource
       JOIN scopes AS scope ON scope.id = record.scope WHERE ${text} ORDER BY record.id`,
    )
    .all(...parameters)
  return rows.map(({ id }) => Number(id))
}

function matching(logs: readonly Log[], text: string): number[] {
  const database = databaseOf(logs)
  try {
    return select(database, parseQuery(text))
  } finally {
    database.close()
  }
}

function isMatch(log: Log, text: string): boolean {
  return matching([log], text).length === 1
}

describe('compileQuery', () => {
  it.each<[string, Log, boolean]>([
    ['level>=warn', { severity: 13 }, true],
    ['level>=warn', { severity: 12 }, false],
    ['level=error', { severity: 18 }, true],
    ['level>error', { severity: 20 }, false],
    ['level<=info', { severity: 12 }, true],
    ['level=17', { severity: 18 }, false],
    ['service=shop', { service: 'shop' }, true],
    ['logger~pay', { scope: 'http.PAYMENT' }, true],
    ['msg~"timed out"', { body: 'request Timed out after 3 s' }, true],
    ['msg="a"', { body: 'a' }, true],
    ['msg.order.id=7', { body: { order: { id: 7 } } }, true],
    ['payment.amount>10', { attributes: { 'payment.amount': 10.5 } }, true],
    ['payment.amount>10', { attributes: { payment: { amount: 11 } } }, true],
    ['payment.amount>10', { attributes: { 'payment.amount': '11' } }, false],
    ['payment.amount>10', { attributes: { 'payment.amount': 5, payment: { amount: 11 } } }, false],
    ['payment.amount>10', { attributes: { 'payment.amount': true } }, false],
    ['a.b.c=1', { attributes: { 'a.b': { c: 1 } } }, true],
    ['a.b.c=1', { attributes: { a: { b: { c: 1 } } } }, true],
    ['id=9007199254740993', { attributes: { id: 9007199254740993n } }, true],
    ['id=9007199254740992', { attributes: { id: 9007199254740993n } }, false],
    ['id>9007199254740992', { attributes: { id: 9007199254740993n } }, true],
    ['express=true', { attributes: { express: true } }, true],
    ['express=1', { attributes: { express: true } }, false],
    ['code=10', { attributes: { code: '10' } }, true],
    ['code=10.0', { attributes: { code: 10 } }, true],
    ['level=warn', { attributes: { level: 'warn' } }, false],
    ['attr.level=warn', { attributes: { level: 'warn' } }, true],
    ['host.name=a', { resource: { 'host.name': 'a' } }, true],
    ['resource.host.name=a', { attributes: { 'host.name': 'a' } }, false],
    ['host.name=a', { attributes: { 'host.name': 'b' }, resource: { 'host.name': 'a' } }, false],
    ['library=x', { scopeAttributes: { library: 'x' } }, true],
    ['scope.library=x', { scopeAttributes: { library: 'x' } }, true],
    ['-route=/health', {}, true],
    ['route!=/health', { attributes: { route: '/health' } }, false],
    ['route=*', { attributes: { route: '/' } }, true],
    ['route=*', {}, false],
    ['trace=4BF9', { trace: '4bf92f3577b34da6a3ce929d0e0e4736' }, true],
    ['trace=5', { trace: '4bf92f3577b34da6a3ce929d0e0e4736' }, false],
    ['exception~refused', { attributes: { 'exception.message': 'connection REFUSED' } }, true],
    ['msg=~/time[d ]*out$/i', { body: 'Timed out' }, true],
    ['msg=~/^out/', { body: 'timed out' }, false],
    ['scope=~/^http\\./', { scope: 'http.server' }, true],
    ['since=15m', { time: NANOS - 14n * 60_000_000_000n }, true],
    ['since=15m', { time: NANOS - 16n * 60_000_000_000n }, false],
    ['until=2026-11-29T09:59:59.5Z', { time: NANOS - 400_000_000n }, false],
    ['time<2026-11-29T10:00:00.000000001Z', { time: NANOS }, true],
    ['time<=9999-12-31', {}, true],
    ['time>9999-12-31', {}, false],
    [`since=${'9'.repeat(400)}d`, {}, true],
    ['timeout', { attributes: { reason: 'Timeout' } }, true],
    ['timeout', { scope: 'timeout' }, true],
    ['100%', { body: '100 of 100' }, false],
    ['a_b', { body: 'axb' }, false],
    ['nfoo', { body: 'line\nfoo' }, false],
    ['"line\nfoo"', { body: 'a line\nfoo' }, true],
    [String.raw`"C:\\temp"`, { body: String.raw`C:\temp\x` }, true],
  ])('answers %s', (text, log, expected) => {
    expect(isMatch(log, text)).toBe(expected)
  })

  it.each([
    ['payment.amount>lots', 'a number'],
    [
      'level>=errr',
      'expected trace, debug, info, warn, error, fatal, or a number from 0 to 24 at character 4, found "level>=errr"',
    ],
    ['level=constructor', 'expected trace, debug'],
    ['since=1constructor', 'a time such as'],
    ['level~warn', '='],
    ['trace=xyz', 'hex'],
    ['trace>4b', '='],
    ['service>a', '='],
    ['since>15m', '='],
    ['time>yesterday', 'a time such as'],
    ['msg=~/(/', 'expected a pattern of RE2 (missing closing ): `(`) at character 4, found "msg=~("'],
    ['msg=~/a/x', 'expected the flags i, m, or s after the pattern, not x, at character 4'],
  ])('refuses %s with its position', (text, message) => {
    const compile = () => compileQuery(parseQuery(`ok ${text}`), 'logs', NOW)
    expect(compile).toThrow(QueryError)
    expect(compile).toThrow(message)
    try {
      compile()
    } catch (error) {
      expect((error as QueryError).location.start).toBe(3)
    }
  })

  it('takes linear time for a pattern that is exponential with backtracking', () => {
    expect(isMatch({ body: 'a'.repeat(5000) }, 'msg=~/(a+)+$x/')).toBe(false)
  })

  it('answers as a filter in memory does', () => {
    const property = fc.property(
      fc.array(arbitraryLog, { minLength: 1, maxLength: 8 }),
      arbitraryQuery,
      (logs, query) => {
        const database = databaseOf(logs)
        try {
          const expected = logs.flatMap((log, id) => (filter(log, query) ? [id] : []))
          expect(select(database, query)).toEqual(expected)
        } finally {
          database.close()
        }
      },
    )
    fc.assert(property, { numRuns: 3000 })
  })
})

// Few keys and values, so that queries match often.
const KEYS = ['a', 'b', 'a.b', 'c"d', 'e\\f', 'g\nh', 'é', '__proto__']
const arbitraryScalar: fc.Arbitrary<ReceivedValue> = fc.oneof(
  fc.constantFrom<ReceivedValue>(
    'x',
    'X y',
    '10',
    'true',
    '"',
    'é%_',
    'a\nb',
    10,
    10.5,
    -3,
    0,
    1e300,
    2n ** 60n,
    true,
    false,
    null,
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
)
const arbitraryAttributes = fc.dictionary(
  fc.constantFrom(...KEYS),
  fc.oneof(arbitraryScalar, fc.dictionary(fc.constantFrom('a', 'b', 'a.b'), arbitraryScalar)),
  { noNullPrototype: false },
)
const arbitraryLog: fc.Arbitrary<Log> = fc.record({
  severity: fc.integer({ min: 0, max: 24 }),
  body: arbitraryScalar,
  attributes: arbitraryAttributes,
  resource: arbitraryAttributes,
  scope: fc.constantFrom('', 'x', 'http'),
})
const location = { start: 0, end: 0 }
const arbitraryComparison: fc.Arbitrary<Query> = fc.record({
  type: fc.constant('compare' as const),
  field: fc.constantFrom(
    'a',
    'b',
    'a.b',
    'a.a',
    'b.a.b',
    'attr.a',
    'resource.a',
    'c"d',
    'e\\f',
    'g\nh',
    'é',
    '__proto__',
    'msg',
  ),
  operator: fc.constantFrom('=' as const, '!=' as const, '~' as const),
  value: fc.constantFrom(
    'x',
    'X',
    '10',
    '10.50',
    '-3',
    'true',
    'null',
    '"',
    'é%',
    '_',
    'a\nb',
    'nb',
    '1152921504606846976',
    '*',
    'y',
  ),
  start: fc.constant(0),
  end: fc.constant(0),
})
const arbitraryNumeric: fc.Arbitrary<Query> = fc.record({
  type: fc.constant('compare' as const),
  field: fc.constantFrom('a', 'a.b', 'b', 'resource.b'),
  operator: fc.constantFrom('<' as const, '<=' as const, '>' as const, '>=' as const),
  value: fc.constantFrom('10', '10.5', '-3', '0', '1e300', '1152921504606846975'),
  start: fc.constant(0),
  end: fc.constant(0),
})
const arbitraryText: fc.Arbitrary<Query> = fc
  .constantFrom('x', 'y', 'é', 'http', '%', 'nb')
  .map((text) => ({ type: 'text', text, ...location }))
const { query: arbitraryQuery } = fc.letrec<{ query: Query }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    arbitraryComparison,
    arbitraryNumeric,
    arbitraryText,
    tie('query').map((term): Query => ({ type: 'not', term })),
    fc
      .tuple(
        fc.constantFrom('and' as const, 'or' as const),
        fc.array(tie('query'), { minLength: 1, maxLength: 3 }),
      )
      .map(([type, terms]): Query => ({ type, terms })),
  ),
}))

/** Filters in memory, as the README describes the language. */
function filter(log: Log, query: Query): boolean {
  switch (query.type) {
    case 'all':
      return true
    case 'and':
      return query.terms.every((term) => filter(log, term))
    case 'or':
      return query.terms.some((term) => filter(log, term))
    case 'not':
      return !filter(log, query.term)
    case 'text': {
      const values = [log.body ?? null, ...Object.entries(log.attributes ?? {}).flat(), log.scope ?? '']
      return values.some((value) => textsOf(value).some((text) => includes(text, query.text)))
    }
    case 'compare': {
      const { field, operator, value } = query
      const found = field === 'msg' ? (log.body ?? null) : lookUp(log, field)
      switch (operator) {
        case '=':
          return isEqual(found, value)
        case '!=':
          return !isEqual(found, value)
        case '~':
          return found !== undefined && isFound(found, value)
        default:
          return compare(found, operator, value)
      }
    }
  }
}

function lookUp(log: Log, field: string): ReceivedValue | undefined {
  const prefix = ['attr.', 'resource.'].find((each) => field.startsWith(each)) ?? ''
  const key = field.slice(prefix.length)
  const objects =
    prefix === 'attr.'
      ? [log.attributes]
      : prefix === 'resource.'
        ? [log.resource]
        : [log.attributes, log.resource]
  for (const object of objects) {
    const parts = key.split('.')
    for (let flat = parts.length; flat > 0; flat -= 1) {
      let value: unknown = object
      for (const part of [parts.slice(0, flat).join('.'), ...parts.slice(flat)]) {
        const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, part)
        value = isObject ? (value as Record<string, unknown>)[part] : undefined
      }
      if (value !== undefined) return value as ReceivedValue
    }
  }
  return undefined
}

function isEqual(found: ReceivedValue | undefined, value: string): boolean {
  if (value === '*') return found !== undefined
  if (typeof found === 'number' || typeof found === 'bigint') {
    return (
      value.trim() !== '' &&
      (value === String(found) || (typeof found === 'number' && Number(value) === found))
    )
  }
  return found !== undefined && typeof found !== 'object'
    ? String(found) === value
    : found === null && value === 'null'
}

function compare(found: ReceivedValue | undefined, operator: string, value: string): boolean {
  if (typeof found !== 'number' && typeof found !== 'bigint') return false
  const limit = /^-?\d+$/.test(value) ? BigInt(value) : Number(value)
  return { '<': found < limit, '<=': found <= limit, '>': found > limit, '>=': found >= limit }[operator]!
}

/** Finds text in a string, or in the JSON of another value. */
function isFound(value: ReceivedValue, text: string): boolean {
  return typeof value === 'string' ? includes(value, text) : includes(toJsonText(value), toJsonFragment(text))
}

function textsOf(value: ReceivedValue): string[] {
  if (typeof value !== 'object' || value === null)
    return [typeof value === 'string' ? value : toJsonText(value)]
  return Object.entries(value).flatMap(([key, each]) => [key, ...textsOf(each)])
}

/** Finds text, with ASCII letters of either case. */
function includes(text: string, part: string): boolean {
  const lower = (each: string) => each.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
  return lower(text).includes(lower(part))
}
