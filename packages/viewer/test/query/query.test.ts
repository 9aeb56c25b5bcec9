import { describe, expect, it } from 'vitest'
import { parseQuery, QueryError } from '../../src/query/query.ts'

/** Formats a query with parentheses and prefix operators. */
function shape(query: ReturnType<typeof parseQuery>): string {
  switch (query.type) {
    case 'all':
      return 'all'
    case 'and':
    case 'or':
      return `${query.type}(${query.terms.map(shape).join(', ')})`
    case 'not':
      return `not(${shape(query.term)})`
    case 'text':
      return JSON.stringify(query.text)
    case 'compare':
      return `${query.field} ${query.operator} ${query.value}${query.flags ? ` /${query.flags}` : ''}`
  }
}

function errorOf(text: string): QueryError {
  try {
    parseQuery(text)
  } catch (error) {
    if (error instanceof QueryError) return error
    throw error
  }
  throw new Error(`${text} is a query`)
}

describe('parseQuery', () => {
  it.each([
    ['', 'all'],
    ['  ', 'all'],
    ['timeout', '"timeout"'],
    ['"timed out"', '"timed out"'],
    [String.raw`"say \"hi\" \\"`, String.raw`"say \"hi\" \\"`],
    ['level>=warn service=shop', 'and(level >= warn, service = shop)'],
    ['a AND b c', 'and("a", "b", "c")'],
    ['a b OR c d', 'or(and("a", "b"), and("c", "d"))'],
    ['a (b OR c) d', 'and("a", or("b", "c"), "d")'],
    ['-route=/health', 'not(route = /health)'],
    ['NOT (a OR b)', 'not(or("a", "b"))'],
    ['--a', 'not(not("a"))'],
    ['payment.amount > 10', 'payment.amount > 10'],
    ['payment.amount>10', 'payment.amount > 10'],
    ['msg~"timed out"', 'msg ~ timed out'],
    ['msg =~ /time(d? )out/i', 'msg =~ time(d? )out /i'],
    [String.raw`url=~/\/orders\/\d+/`, String.raw`url =~ /orders/\d+`],
    ['"my key"=5', 'my key = 5'],
    ['url=http://shop/?a=b', 'url = http://shop/?a=b'],
    ['count=-5', 'count = -5'],
    ['ORDER', '"ORDER"'],
    ['ANDROID OR iOS', 'or("ANDROID", "iOS")'],
    ['order-id=7', 'order-id = 7'],
    ['a!=b', 'a != b'],
  ])('parses %s', (text, expected) => {
    expect(shape(parseQuery(text))).toBe(expected)
  })

  it.each([
    ['level>=', 7, 'expected a quote, or a value, found the end'],
    ['(a OR b', 7, '")"'],
    ['a OR', 4, '"("'],
    ['a )', 2, '"AND"'],
    ['"open', 5, 'expected a quote, found the end'],
    ['msg=~timeout', 5, 'a regular expression'],
    ['AND a', 0, 'a field'],
  ])('names the position and the expectation of %s', (text, start, expected) => {
    const error = errorOf(text)
    expect(error.location.start).toBe(start)
    expect(error.message).toContain(expected)
  })

  it('refuses a query that is too long or nested too deeply', () => {
    expect(errorOf('a'.repeat(5000)).message).toContain('at most 4096')
    expect(errorOf('('.repeat(4000)).message).toMatch(/expected|nested/)
  })
})
