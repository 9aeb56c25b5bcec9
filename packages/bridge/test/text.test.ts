import { stripVTControlCharacters } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { containsText, stripEscapeSequences } from '../src/text.ts'

describe('stripEscapeSequences', () => {
  test.each([
    ['a color', '\u001b[31mred\u001b[39m', 'red'],
    ['a color of 24 bits', '\u001b[38;2;255;0;10mred\u001b[0m', 'red'],
    ['a color with colons', '\u001b[38:5:196mred\u001b[m', 'red'],
    ['a link', '\u001b]8;;https://example.com\u0007here\u001b]8;;\u0007', 'here'],
    [
      'a link with the other terminator',
      '\u001b]8;;https://example.com\u001b\\here\u001b]8;;\u001b\\',
      'here',
    ],
    ['a title, and what follows', '\u001b]0;title\u009cfirst \u001b[1msecond', 'first second'],
    ['a number of five digits', '\u001b[12345mred', 'red'],
    ['a cursor movement', '\u001b[2K\u001b[1Gdone', 'done'],
    ['text behind a command without a terminator', 'a\u001b]8;;b \u001b[1mc', 'a;;b c'],
    ['ordinary text', '[31m costs 5;6', '[31m costs 5;6'],
  ])('removes sequences alone when the text has %s', (_, given, expected) => {
    expect(stripEscapeSequences(given)).toBe(expected)
  })

  test('gives what stripVTControlCharacters of Node.js 24 gives when the text is any', () => {
    const part = fc.constantFrom(
      '\u001b',
      '\u009b',
      '\u0007',
      '\u009c',
      'é',
      '😀',
      '[',
      ']',
      '(',
      '#',
      ';',
      '?',
      ':',
      '0',
      'm',
      'A',
      'X',
      '\\',

      '22',
      '\u001b]',
      '\u001b\\',
    )
    const text = fc.array(part, { maxLength: 16 }).map((parts) => parts.join(''))
    fc.assert(
      // A parameter of more than four digits ends a sequence there, and is one here.
      fc.property(
        text.filter((each) => !/\d{5}/.test(each) && each.includes('\u001b')),
        (each) => {
          expect(stripEscapeSequences(each)).toBe(each.replace(NODE_24, ''))
          if (FOLLOWS_NODE_24) expect(stripEscapeSequences(each)).toBe(stripVTControlCharacters(each))
        },
      ),
      { numRuns: 5000 },
    )
  })
})

/** https://github.com/nodejs/node/blob/v24.0.0/lib/internal/util/inspect.js */
const NODE_24 =
  // oxlint-disable-next-line no-control-regex -- they are what it finds
  /(?:\u001b\][\s\S]*?(?:\u0007|\u001b\u005c|\u009c))|[\u001b\u009b][[\]()#;?]*(?:\d{1,4}(?:[;:]\d{0,4})*)?[\dA-PR-TZcf-nq-uy=><~]/g
const FOLLOWS_NODE_24 = Number.parseInt(process.versions.node) >= 24

describe('containsText', () => {
  const long = `${'a'.repeat(300)}b`

  test.each([
    ['a short text', 'an order was paid', 'order', true],
    ['no such text', 'an order was paid', 'cart', false],
    ['a long text', `first ${long} last`, long, true],
    ['a long text behind ones that begin like it', `${'a'.repeat(304)}b`, long, true],
    ['a long text that ends in another way', `${'a'.repeat(300)}c`, long, false],
    ['a longer text', 'a', long, false],
  ])('answers as includes() when it looks for %s', (_, text, part, expected) => {
    expect(containsText(text, part)).toBe(expected)
  })

  test('compares a long text as often when texts are twice as long', () => {
    const comparisons = (length: number): number => {
      let count = 0
      const text = Object.assign(Object('a'.repeat(length)) as string, {
        startsWith: (part: string, at: number) => {
          count += 1
          return 'a'.repeat(length).startsWith(part, at)
        },
      })
      containsText(text, `${'a'.repeat(length / 4)}b`)
      return count
    }
    expect([comparisons(20_000), comparisons(40_000)]).toEqual([8, 8])
  })
})
