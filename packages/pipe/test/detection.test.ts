import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createLineParser, createLineReader, type ParsedLine, parseLine } from '../src/index.ts'
import { linesOf } from './conformance.ts'

const FORMATS: Readonly<Record<string, string>> = {
  'ecs-nested': 'ecs',
  'ecs-pino': 'ecs',
  'ecs-winston': 'ecs',
  'python-json-logger-default': 'python-json-logger',
  'structlog-dict': 'structlog',
  'structlog-iso': 'structlog',
  'structlog-local': 'structlog',
  'structlog-unix': 'structlog',
  'zap-development': 'zap',
}
const fixtures = readdirSync(new URL('fixtures/lines/', import.meta.url)).map((file) => {
  const name = file.replace(/\.\w+$/, '')
  return { name, format: FORMATS[name] ?? name, lines: linesOf(file) }
})

/** Counts the formats of lines. */
function countFormats(parsed: readonly ParsedLine[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { format } of parsed) counts[format] = (counts[format] ?? 0) + 1
  return counts
}

test('parseLine confuses no format with another: the matrix of all fixtures is diagonal', () => {
  const matrix = fixtures.map(({ name, lines }) => [name, countFormats(lines.map((line) => parseLine(line)))])
  expect(matrix).toEqual(fixtures.map(({ name, format, lines }) => [name, { [format]: lines.length }]))
})

test('createLineParser finds the format of each line when the lines of two formats alternate', () => {
  const confused = new Set<string>()
  for (const first of fixtures) {
    for (const second of fixtures) {
      const parser = createLineParser()
      const count = Math.max(first.lines.length, second.lines.length)
      for (let index = 0; index < count; index += 1) {
        for (const { name, format, lines } of [first, second]) {
          const found = parser.parse(lines[index % lines.length]!).format
          if (found !== format) confused.add(`${name} beside ${first.name} and ${second.name} is ${found}`)
        }
      }
    }
  }
  expect([...confused]).toEqual([])
})

test('createLineReader finds the formats of stdout and stderr when one file has both', () => {
  const wrap = (line: string, stream: string): string =>
    `${JSON.stringify({ log: `${line}\n`, stream, time: '2026-11-29T10:00:00Z' })}\n`
  const [structlog, pino] = [linesOf('structlog-iso.jsonl'), linesOf('pino.jsonl')]
  const records: ParsedLine[] = []
  const reader = createLineReader({ onRecord: (record) => records.push(record) })
  for (let index = 0; index < structlog.length; index += 1)
    reader.write(Buffer.from(wrap(structlog[index]!, 'stdout') + wrap(pino[index]!, 'stderr')))
  reader.end()
  expect(countFormats(records)).toEqual({ structlog: structlog.length, pino: structlog.length })
})

test('parseLine obeys the name of a format, whatever the keys', () => {
  const line = '{"level":"info","message":"m","time":"2026-11-29T10:00:00Z","ts":1}'
  expect(parseLine(line, 'zerolog')).toMatchObject({ format: 'zerolog', body: 'm', attributes: { ts: 1 } })
  expect(parseLine(line, 'winston')).toMatchObject({
    format: 'winston',
    body: 'm',
    attributes: { ts: 1, time: '2026-11-29T10:00:00Z' },
  })
  expect(parseLine(line, 'text')).toMatchObject({ format: 'text', body: line, attributes: {} })
})
