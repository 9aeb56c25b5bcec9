import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createKeyMatcher, originalKey } from '../src/keys.ts'

describe('createKeyMatcher', () => {
  test.each([
    ['a*b', ['ab', 'axb', 'axb#2'], ['a', 'b', 'abc', 'axb#']],
    ['a*a', ['aa', 'aba'], ['a', 'aab']],
    ['*', ['', 'any', 'a\nb'], []],
    ['**', ['', 'any'], []],
    ['a*b*c', ['abc', 'a-b-c', 'abbcc'], ['acb', 'ab', 'bc']],
    ['*b*', ['b', 'abc'], ['', 'ac']],
    ['id', ['id', 'id#2', 'id#34'], ['id#', 'id#2b', 'i']],
    ['id#2', ['id#2', 'id#2#3'], ['id', 'id#3']],
  ])('finds keys when the pattern is %s', (pattern, found, others) => {
    const matches = createKeyMatcher([pattern])
    expect(found.filter((key) => !matches(key))).toEqual([])
    expect(others.filter((key) => matches(key))).toEqual([])
  })

  test('finds what a regular expression finds when keys and patterns are any', () => {
    const text = (letters: string) =>
      fc.array(fc.constantFrom(...letters.split('')), { maxLength: 8 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text('ab*'), text('ab#2'), (pattern, key) => {
        const expected = new RegExp(String.raw`^${pattern.replaceAll('*', '.*')}(?:#\d+)?$`, 's').test(key)
        expect(createKeyMatcher([pattern])(key)).toBe(expected)
      }),
      { numRuns: 5000 },
    )
  })

  test('searches a key as often when the key is twice as long', () => {
    const searches = (length: number): number => {
      let count = 0
      const key = Object.assign(Object('ab'.repeat(length)) as string, {
        indexOf: (part: string, at: number) => {
          count += 1
          return 'ab'.repeat(length).indexOf(part, at)
        },
      })
      createKeyMatcher(['*a*b*a*c'])(key)
      return count
    }
    expect([searches(10_000), searches(20_000)]).toEqual([3, 3])
  })
})

test('originalKey removes the number when a key was kept apart', () => {
  expect(['id', 'id#2', 'id#2#3', 'id#', '#2', 'a#b'].map(originalKey)).toEqual([
    'id',
    'id',
    'id#2',
    'id#',
    '',
    'a#b',
  ])
})
