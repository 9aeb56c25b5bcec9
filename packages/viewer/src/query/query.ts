import { parse, SyntaxError as GrammarError } from './grammar.js'

/** Characters of the text of a query that a message calls by their offsets. */
export interface Location {
  /** Offset of the first character. */
  readonly start: number
  /** Offset after the last character. */
  readonly end: number
}

export type Operator = '=' | '!=' | '~' | '=~' | '<' | '<=' | '>' | '>='

/** Comparison of a field with a value. */
export interface Comparison extends Location {
  readonly type: 'compare'
  readonly field: string
  readonly operator: Operator
  /** Value as written, without its quotes; for `=~` the pattern. */
  readonly value: string
  /** Flags of a pattern. */
  readonly flags?: string
}

/** Parsed query. */
export type Query =
  | { readonly type: 'all' }
  | { readonly type: 'and' | 'or'; readonly terms: readonly Query[] }
  | { readonly type: 'not'; readonly term: Query }
  | ({ readonly type: 'text'; readonly text: string } & Location)
  | Comparison

/** Largest number of UTF-16 units of a query. */
const MAX_QUERY_LENGTH = 4096

/** Error in the text of a query. `location` names the characters that are wrong. */
export class QueryError extends Error {
  override readonly name = 'QueryError'
  readonly location: Location

  constructor(message: string, location: Location) {
    super(message)
    this.location = location
  }
}

/** Creates the error of a comparison, with its position and what is expected there. */
export function expected(what: string, { field, operator, value, start, end }: Comparison): QueryError {
  const found = JSON.stringify(`${field}${operator}${value}`)
  return new QueryError(`expected ${what} at character ${start + 1}, found ${found}`, { start, end })
}

/**
 * Parses the text of a query.
 *
 * @throws QueryError with the position and what is expected there
 * @example
 * ```ts
 * parseQuery('level>=warn -route=/health "timed out"')
 * ```
 */
export function parseQuery(text: string): Query {
  if (text.length > MAX_QUERY_LENGTH) {
    const location = { start: MAX_QUERY_LENGTH, end: text.length }
    throw new QueryError(`a query has at most ${MAX_QUERY_LENGTH} characters, not ${text.length}`, location)
  }
  try {
    return parse(text) as Query
  } catch (error) {
    if (error instanceof GrammarError) throw syntaxError(error)
    if (error instanceof RangeError) {
      throw new QueryError('parentheses and negations are nested too deeply', { start: 0, end: text.length })
    }
    throw error
  }
}

/**
 * Splits the text of a query into the texts of the terms that it joins by AND. A query with OR outside of parentheses is one term.
 *
 * @throws QueryError with the position and what is expected there
 * @example
 * ```ts
 * splitQuery('level>=warn -route=/health') // ['level>=warn', '-route=/health']
 * ```
 */
export function splitQuery(text: string): string[] {
  switch (parseQuery(text).type) {
    case 'all':
      return []
    case 'or':
      return [text.trim()]
    default:
      return parse(text, { startRule: 'Terms' }) as string[]
  }
}

function syntaxError({ expected, found, location }: GrammarError): QueryError {
  const { start, end } = location
  const names = expected.map(describeExpectation).filter((name) => name !== '')
  const message = `expected ${listed([...new Set(names)])}, found ${found === null ? 'the end' : JSON.stringify(found)} at character ${start.offset + 1}`
  return new QueryError(message, { start: start.offset, end: end.offset })
}

/** Describes one expectation. Hides blanks, which are allowed nearly everywhere. */
function describeExpectation(expectation: GrammarError['expected'][number]): string {
  switch (expectation.type) {
    case 'literal':
      if (expectation.text === '"') return 'a quote'
      // An escape is allowed in every quoted text.
      return expectation.text === '\\' ? '' : JSON.stringify(expectation.text)
    case 'other':
      return expectation.description === 'a blank' ? '' : expectation.description
    case 'end':
      return 'the end'
    default:
      return ''
  }
}

function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join('')
  return `${names.slice(0, -1).join(', ')}, or ${names.at(-1)}`
}
