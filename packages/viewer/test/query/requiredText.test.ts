import { RE2JS } from 're2js'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { requiredText } from '../../src/query/requiredText.ts'

describe('requiredText', () => {
  it.each([
    ['customer 99[0-9] timed', '', 'customer 99'],
    ['timed? outside', '', ' outside'],
    ['(timed)? out+x', '', ' out'],
    ['a{0}bc', '', 'bc'],
    ['timed|out', '', ''],
    ['(?i)timed', '', ''],
    ['timed', 'i', ''],
    [String.raw`\Qa.b\E`, '', ''],
    [String.raw`\d+ms`, '', 'ms'],
    ['[[:alpha:]]abc', '', ''],
  ])('finds a text of %j with the flags %j', (pattern, flags, text) => {
    expect(requiredText(pattern, flags)).toBe(text)
  })

  it('returns a text that each match contains', () => {
    const atom = fc.constantFrom(
      'a',
      'b',
      ' ',
      '.',
      '[ab]',
      '[^a]',
      '(ab)',
      '(a|b)',
      String.raw`\d`,
      String.raw`\.`,
      '^',
      '$',
      '-',
      '😀',
    )
    const part = fc
      .tuple(atom, fc.constantFrom('', '', '', '*', '+', '?', '{0,2}', '*?'))
      .map(([a, b]) => a + b)
    const pattern = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''))
    const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '1', '.', '-', '😀'), maxLength: 12 })
    fc.assert(
      fc.property(pattern, text, (given, searched) => {
        let matcher
        try {
          matcher = RE2JS.compile(given).matcher(searched)
        } catch {
          return true
        }
        return !matcher.find() || searched.includes(requiredText(given, ''))
      }),
      { numRuns: 5000 },
    )
  })
})
