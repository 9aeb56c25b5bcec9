/**
 * Compiles queries to SQL over the tables of the store. Every text of a query becomes a parameter.
 *
 * The SQL reads `record` (logs, spans, or metrics), `resource`, and `scope`, and calls `matches(pattern, flags, json)` of
 * `regularExpression.ts`. Each condition is 0 or 1, never NULL, so that a negation holds for a record without the field.
 */
import { EXCEPTION_KEYS, FIELDS, SEARCHED, type Field, type Signal } from './fields.ts'
import { toJsonFragment, toJsonText } from './jsonText.ts'
import { expected, type Comparison, type Query } from './query.ts'
import { checkPattern } from './regularExpression.ts'
import { requiredText } from './requiredText.ts'
import { toDurationNanos, toNumber, toSeverityRange, toTimeNanos } from './values.ts'

export type SqlParameter = string | number | bigint

/** Condition of a WHERE clause with its parameters in order. */
export interface Sql {
  readonly text: string
  readonly parameters: readonly SqlParameter[]
}

/**
 * Compiles a query.
 *
 * @param nowMillis milliseconds since the epoch, from which `since=15m` counts
 * @throws QueryError for a value that a field cannot have, and for a wrong pattern
 */
export function compileQuery(query: Query, signal: Signal, nowMillis: number): Sql {
  switch (query.type) {
    case 'all':
      return sql('1')
    case 'and':
    case 'or':
      return joined(
        query.terms.map((term) => compileQuery(term, signal, nowMillis)),
        query.type === 'and' ? ' AND ' : ' OR ',
      )
    case 'not': {
      const { text, parameters } = compileQuery(query.term, signal, nowMillis)
      return { text: `NOT ${text}`, parameters }
    }
    case 'text':
      return compileText(query.text, signal)
    case 'compare':
      return compileComparison(query, signal, nowMillis)
  }
}

/** Compiles the JSON text of a field, NULL for a record without the field. */
export function compileField(name: string, signal: Signal): Sql {
  const field = FIELDS[signal].get(name)
  if (field === undefined) return attribute(name, signal)
  switch (field.kind) {
    case 'json':
      return sql(field.column)
    case 'exception':
      return sql(`${field.column} -> ?`, path([EXCEPTION_KEYS[0]!]))
    case 'text':
    case 'id':
      return sql(`json_quote(nullif(${field.column}, ''))`)
    default:
      return sql(`json_quote(${field.column})`)
  }
}

function compileText(text: string, signal: Signal): Sql {
  const { json, text: plain } = SEARCHED[signal]
  return joined(
    [
      ...json.map((column) => contains(column, toJsonFragment(text))),
      ...plain.map((column) => contains(column, text)),
    ],
    ' OR ',
  )
}

function compileComparison(comparison: Comparison, signal: Signal, nowMillis: number): Sql {
  if (comparison.operator === '!=') {
    const { text, parameters } = compileComparison({ ...comparison, operator: '=' }, signal, nowMillis)
    return { text: `NOT ${text}`, parameters }
  }
  const field = FIELDS[signal].get(comparison.field)
  if (field === undefined) {
    const condition = compareJson(attribute(comparison.field, signal), comparison)
    return comparison.operator === '=' ? withText(condition, comparison.value, signal) : condition
  }
  switch (field.kind) {
    case 'json':
      return compareJson(sql(field.column), comparison)
    case 'text':
      return compareText(field, comparison)
    case 'id':
      return compareId(field, comparison)
    case 'severity':
      return compareSeverity(field, comparison)
    case 'time':
      return compareNumber(field, comparison, toTimeNanos(comparison, nowMillis))
    case 'since':
      return compareNumber(field, only('=', comparison, '>='), toTimeNanos(comparison, nowMillis))
    case 'until':
      return compareNumber(field, only('=', comparison, '<='), toTimeNanos(comparison, nowMillis))
    case 'duration':
      return compareNumber(field, comparison, durationOf(comparison))
    case 'exception':
      return joined(
        EXCEPTION_KEYS.map((key) => compareJson(sql(`${field.column} -> ?`, path([key])), comparison)),
        ' OR ',
      )
  }
}

/** Compares the JSON text of a value. */
function compareJson(json: Sql, comparison: Comparison): Sql {
  const { operator, value } = comparison
  switch (operator) {
    case '=':
      return value === '*' ? wrapped('', json, ' IS NOT NULL') : equalsJson(json, value)
    case '~':
      return wrapped('ifnull(', json, ` LIKE ? ESCAPE '\\', 0)`, likePattern(toJsonFragment(value)))
    case '=~':
      return matching(json, comparison)
    default: {
      const number = toNumber(value)
      if (number === undefined) throw expected('a number', comparison)
      const [low, high] = [-(2n ** 63n), 2n ** 63n - 1n]
      const bound = typeof number === 'bigint' && (number < low || number > high) ? Number(number) : number
      // JSON text that starts with a digit or a minus is a number. Other values never match.
      return {
        text: `ifnull((SELECT CASE WHEN json GLOB '[-0-9]*' THEN CAST(json AS NUMERIC) ${operator} ? END FROM (SELECT ${json.text} AS json)), 0)`,
        parameters: [bound, ...json.parameters],
      }
    }
  }
}

/** Looks for the value as text before the attribute is looked up, which takes longer: `pnpm bench viewer`. */
function withText(condition: Sql, value: string, signal: Signal): Sql {
  const text = toJsonFragment(value)
  // A number has other spellings, and `*` stands for any value.
  if (value === '*' || !(toNumber(value) === undefined || /^(?:0|[1-9]\d{0,14})$/.test(value)))
    return condition
  const body = FIELDS[signal].get('body')
  const columns = [
    'record.attributes',
    'resource.attributes',
    'scope.attributes',
    ...(body ? [body.column] : []),
  ]
  const texts = columns.map((column) => sql(`instr(${column}, ?)`, text))
  return joined([joined(texts, ' OR '), condition], ' AND ')
}

/** Compares JSON with each value that a query can mean: `10` is the number and the text. */
function equalsJson(json: Sql, value: string): Sql {
  const number = toNumber(value)
  const candidates = [
    toJsonText(value),
    ...(number === undefined ? [] : [String(number), toJsonText(Number(number))]),
    ...(value === 'true' || value === 'false' || value === 'null' ? [value] : []),
  ]
  const places = candidates.map(() => '?').join(', ')
  return wrapped('ifnull(', json, ` IN (${places}), 0)`, ...candidates)
}

function compareText({ column }: Field, comparison: Comparison): Sql {
  const { operator, value } = comparison
  switch (operator) {
    case '=':
      return value === '*' ? sql(`${column} <> ''`) : sql(`${column} = ?`, value)
    case '~':
      return contains(column, value)
    case '=~':
      return matching(sql(`json_quote(${column})`), comparison)
    default:
      throw expected('=, !=, ~, or =~ after a text field', comparison)
  }
}

/** Compares a trace or span id with the beginning of an id in hex. */
function compareId({ column }: Field, comparison: Comparison): Sql {
  const { operator, value } = comparison
  if (operator !== '=') throw expected('= or != after an id', comparison)
  if (value === '*') return sql(`${column} <> ''`)
  if (!/^[0-9a-f]{1,32}$/i.test(value))
    throw expected('the hex digits of an id, or its beginning', comparison)
  const id = value.toLowerCase()
  // 'g' follows all hex digits, so the range holds each id with this beginning, and the index serves it.
  return sql(`(${column} >= ? AND ${column} < ?)`, id, `${id}g`)
}

function compareSeverity({ column }: Field, comparison: Comparison): Sql {
  const { first, last } = toSeverityRange(comparison)
  switch (comparison.operator) {
    case '=':
      return sql(`${column} BETWEEN ? AND ?`, first, last)
    case '>=':
    case '<':
      return sql(`${column} ${comparison.operator} ?`, first)
    case '>':
    case '<=':
      return sql(`${column} ${comparison.operator} ?`, last)
    default:
      throw expected('=, !=, <, <=, >, or >= after level', comparison)
  }
}

function compareNumber({ column }: Field, comparison: Comparison, value: bigint): Sql {
  const { operator, field } = comparison
  if (operator === '~' || operator === '=~')
    throw expected(`=, !=, <, <=, >, or >= after ${field}`, comparison)
  return sql(`${column} ${operator} ?`, value)
}

function durationOf(comparison: Comparison): bigint {
  const nanos = toDurationNanos(comparison.value)
  if (nanos === undefined) throw expected('a duration such as 100ms or 1.5s', comparison)
  return nanos
}

/** Returns the comparison with another operator, when its operator is the allowed one. */
function only(allowed: '=', comparison: Comparison, operator: '>=' | '<='): Comparison {
  if (comparison.operator !== allowed) throw expected(`= after ${comparison.field}`, comparison)
  return { ...comparison, operator }
}

/**
 * Returns the JSON text of an attribute: of the record, else of the resource, else of the scope. The prefixes `attr.`, `resource.`, and
 * `scope.` name one of them. A flat key is preferred to a nested one.
 */
function attribute(field: string, signal: Signal): Sql {
  const [, prefix = '', key = ''] = /^(attr|resource|scope)\.(.+)$/s.exec(field) ?? []
  const columns = {
    attr: ['record.attributes'],
    resource: ['resource.attributes'],
    scope: ['scope.attributes'],
  }[prefix] ?? ['record.attributes', 'resource.attributes', 'scope.attributes']
  const body = FIELDS[signal].get('body')
  const inBody =
    prefix === '' && body !== undefined ? /^(?:body|msg|message)\.(.+)$/s.exec(field)?.[1] : undefined
  const sources = columns.flatMap((column) =>
    paths(prefix === '' ? field : key).map((each) => [column, each]),
  )
  if (inBody !== undefined) sources.push(...paths(inBody).map((each) => [body!.column, each]))
  // COALESCE needs two arguments.
  return sql(
    `coalesce(${sources.map(([column]) => `${column} -> ?`).join(', ')}, NULL)`,
    ...sources.map(([, each]) => each!),
  )
}

/** Most parts of a key that are looked up as nested objects. */
const MAX_NESTED_PARTS = 8

/** Returns the JSON paths of a key: flat first, then with more and more of its end nested. */
function paths(key: string): string[] {
  const parts = key.split('.')
  if (parts.length > MAX_NESTED_PARTS || parts.includes('')) return [path([key])]
  return parts.map((_, nested) => {
    const flat = parts.length - nested
    return path([parts.slice(0, flat).join('.'), ...parts.slice(flat)])
  })
}

function path(keys: readonly string[]): string {
  return `$${keys.map((key) => `.${toJsonText(key)}`).join('')}`
}

function matching(json: Sql, comparison: Comparison): Sql {
  const { value, flags = '' } = comparison
  checkPattern(comparison)
  const text = requiredText(value, flags)
  const matched = { text: `matches(?, ?, ${json.text})`, parameters: [value, flags, ...json.parameters] }
  // SQLite finds a text five times as fast as the regular expression: `pnpm bench viewer`.
  return text === '' ? matched : joined([wrapped('ifnull(instr(', json, ', ?), 0)', text), matched], ' AND ')
}

function contains(column: string, text: string): Sql {
  return sql(`${column} LIKE ? ESCAPE '\\'`, likePattern(text))
}

function likePattern(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`
}

function sql(text: string, ...parameters: SqlParameter[]): Sql {
  return { text, parameters }
}

function wrapped(before: string, { text, parameters }: Sql, after: string, ...more: SqlParameter[]): Sql {
  return { text: `${before}${text}${after}`, parameters: [...parameters, ...more] }
}

function joined(terms: readonly Sql[], separator: string): Sql {
  return {
    text: `(${terms.map(({ text }) => text).join(separator)})`,
    parameters: terms.flatMap(({ parameters }) => parameters),
  }
}
