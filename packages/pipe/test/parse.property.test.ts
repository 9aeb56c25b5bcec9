import fc from 'fast-check'
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  createLineReader,
  type FormatName,
  parseLine,
  type ParsedLine,
  type ParsedRecord,
} from '../src/index.ts'
import { FORMATS } from '../src/formats/formats.ts'
import { linesOf } from './conformance.ts'

/** Keys that the formats know, and some that they do not. */
const keys = [
  ...new Set(
    readdirSync(new URL('fixtures/lines/', import.meta.url))
      .filter((file) => file.endsWith('.jsonl'))
      .flatMap((file) => linesOf(file).flatMap((line) => Object.keys(JSON.parse(line) as object))),
  ),
  '__proto__',
  'constructor',
  'toString',
  '',
  '\uD800',
]
/** Texts that occur once, so that each can be found in the record. */
const marked = fc.nat({ max: 1e9 }).map((number) => `mark-${number}-`)
const value = fc.oneof(
  marked,
  fc.array(marked, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom(...keys), marked, { maxKeys: 3 }),
)
const entries = fc.array(fc.tuple(fc.constantFrom(...keys), value), { maxLength: 12 })

/** Writes fields as JSON, also those with equal keys. */
const jsonOf = (fields: readonly (readonly [string, unknown])[]): string =>
  `{${fields.map(([key, each]) => `${JSON.stringify(key)}:${JSON.stringify(each)}`).join(',')}}`

const marksIn = (text: string): string[] => text.match(/mark-\d+-/g) ?? []
const shown = (parsed: ParsedLine): string =>
  JSON.stringify(parsed, (_key, each: unknown) => (typeof each === 'bigint' ? String(each) : each))

test('parseLine loses no text of a line, whatever its keys and its format', () => {
  const names = ['auto', ...FORMATS.map(({ name }) => name)] as const
  fc.assert(
    fc.property(entries, fc.constantFrom(...names), (fields, format) => {
      const line = jsonOf(fields)
      const text = shown(parseLine(line, format))
      expect(marksIn(line).filter((mark) => !text.includes(mark))).toEqual([])
    }),
    { numRuns: 5000 },
  )
})

test('parseLine never throws, whatever the line and its format', () => {
  const fixtures = readdirSync(new URL('fixtures/lines/', import.meta.url)).flatMap(linesOf)
  const json = fc.json({ maxDepth: 4 })
  const piece = fc
    .constantFrom(...fixtures)
    .chain((line) => fc.nat({ max: line.length }).map((at) => line.slice(0, at)))
  const names: readonly (FormatName | 'auto')[] = ['auto', 'otlp', 'text', ...FORMATS.map(({ name }) => name)]
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary' }), json, piece),
      fc.constantFrom(...names),
      (line, format) => {
        expect(parseLine(line, format).format).toMatch(/./)
      },
    ),
    { numRuns: 3000 },
  )
})

test('parseLine takes a line for a text when no format can convert it', () => {
  const line = '{"event":"e","exception":[{"exc_type":{"toString":1},"exc_value":"v"}]}'
  expect(parseLine(line)).toMatchObject({ format: 'text', body: line, attributes: {} })
})

test('parseLine reads a line of any depth', () => {
  const deep = `{"message":"m","level":"info","deep":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
  expect(parseLine(deep)).toMatchObject({ format: 'winston', body: 'm' })
  expect(parseLine(`${deep.slice(0, -1)},"nan":NaN}`)).toMatchObject({ format: 'text' })
})

test('createLineReader gives the same records wherever its chunks end', () => {
  const fixtures = readdirSync(new URL('fixtures/lines/', import.meta.url)).flatMap(linesOf)
  const bytes = Buffer.from(`${fixtures.join('\n')}\n`)
  const read = (ends: readonly number[]): unknown[] => {
    const records: ParsedLine[] = []
    const reader = createLineReader({ timezone: 'UTC', onRecord: (record) => records.push(record) })
    let start = 0
    for (const end of [...ends, bytes.length]) {
      reader.write(bytes.subarray(start, end))
      start = end
    }
    reader.end()
    return records.map((record) => ({ ...record, context: (record as ParsedRecord).context !== undefined }))
  }
  const whole = read([])
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: bytes.length }), { maxLength: 20 }), (ends) => {
      expect(read(ends.toSorted((a, b) => a - b))).toEqual(whole)
    }),
    { numRuns: 30 },
  )
})
