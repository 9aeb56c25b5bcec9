import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { endOfText, parseObject } from '../src/json.ts'

const text = fc.string({ unit: fc.constantFrom('"', '\\', ',', ':', '12345678901234567890', ' ', 'é') })
const digits = fc
  .tuple(fc.constantFrom('', '-'), fc.integer({ min: 14, max: 22 }), fc.bigInt({ min: 0n, max: 10n ** 22n }))
  .map(([sign, length, value]) => `${sign}${String(value + 10n ** 22n).slice(0, length)}`)
const number = fc.oneof(
  digits,
  fc.tuple(digits, fc.constantFrom('.5', 'e1', 'E-1', '.0')).map((parts) => parts.join('')),
  fc.constantFrom('9007199254740991', '9007199254740992', '9223372036854775807', '-9223372036854775808'),
  fc.constantFrom('9223372036854775808', '100000000000000000000', '012345678901234567', '1234567890123456x'),
)
const space = fc.constantFrom('', '', ' ', '\n\t')
const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    number,
    text.map((each) => JSON.stringify(each)),
    fc.array(tie('value')).map((all) => `[${all.join(',')}]`),
    fc
      .array(fc.tuple(fc.oneof(text, fc.constantFrom('__proto__', 'a', '1')), space, tie('value'), space))
      .map(
        (all) => `{${all.map(([key, a, any, b]) => `${JSON.stringify(key)}${a}:${b}${any}${a}`).join(',')}}`,
      ),
  ),
}))
/** Some are broken: a piece is left out. */
const json = fc.tuple(value, fc.option(fc.nat(200), { freq: 5 })).map(([any, cut]) =>
  `{"a":${any}}`
    .split('')
    .filter((_, at) => at !== cut)
    .join(''),
)

/** Parses with the source text of each number, as JSON.parse passes it to a reviver. */
function parseBySource(text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text, (_key, value: unknown, context?: { source: string }) => {
      const { source } = context!
      if (typeof value !== 'number' || Number.isSafeInteger(value) || !/^-?\d+$/.test(source)) return value
      if (Math.abs(value) >= 2 ** 63 && String(value) === source) return value
      return source.length > 20 ? source : BigInt(source)
    })
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined
  } catch {
    return undefined
  }
}

describe('parseObject', () => {
  test('keeps each integer exactly when the JSON is any', () => {
    let exact = 0
    fc.assert(
      fc.property(json, (each) => {
        const parsed = parseObject(each)
        expect(parsed).toEqual(parseBySource(each))
        if (typeof parsed?.['a'] === 'bigint') exact += 1
      }),
      { numRuns: 2000 },
    )
    expect(exact).toBeGreaterThan(40)
  })

  test('calls back for no value when a long integer is among many', () => {
    const parse = vi.spyOn(JSON, 'parse')
    try {
      const parsed = parseObject(`{"numbers":[${'1,'.repeat(1000)}12345678901234567]}`)
      expect((parsed!['numbers'] as unknown[]).at(-1)).toBe(12345678901234567n)
      expect(parse.mock.calls.map((call) => call[1])).toEqual([undefined])
    } finally {
      parse.mockRestore()
    }
  })

  test('keeps an integer exactly when it is nested deeply', () => {
    const depth = 100_000
    let inner: unknown = parseObject(`{"a":${'['.repeat(depth)}12345678901234567${']'.repeat(depth)}}`)!['a']
    while (Array.isArray(inner)) inner = inner[0]
    expect(inner).toBe(12345678901234567n)
  })

  test('makes no bigint of an integer when it is longer than any int64', () => {
    const digits = '7'.repeat(16_000_000)
    expect(parseObject(`{"a":${digits}}`)!['a'] === digits).toBe(true)
  })
})

describe('endOfText', () => {
  test.each([
    ['""', 1],
    ['"a","b"', 2],
    [String.raw`"a\"b"`, 5],
    [String.raw`"a\\"`, 4],
    [String.raw`"\\\""`, 5],
    [String.raw`"a\"`, -1],
    ['"a', -1],
  ])('finds the closing quote when the text is %s', (json, end) => {
    expect(endOfText(json, 0)).toBe(end)
  })

  test('looks at each backslash once when there are quotes between them', () => {
    const counts = [1000, 2000].map((length) => {
      const json = `"${String.raw`\\\"`.repeat(length)}"`
      let count = 0
      const counted = Object.assign(Object(json) as string, {
        charCodeAt: (at: number) => {
          count += 1
          return json.charCodeAt(at)
        },
      })
      expect(endOfText(counted, 0)).toBe(json.length - 1)
      return count
    })
    expect(counts[1]! / counts[0]!).toBeCloseTo(2, 1)
  })
})
