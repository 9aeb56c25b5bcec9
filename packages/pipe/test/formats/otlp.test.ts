import { expect, test } from 'vitest'
import { createLineReader, type ParsedLine, parseLine } from '../../src/index.ts'
import { linesOf } from '../conformance.ts'

const lines = linesOf('otlp.jsonl')

test('parseLine passes a request of any signal whole', () => {
  expect(lines.map((line) => parseLine(line))).toEqual(
    ['logs', 'logs', 'traces', 'metrics', 'metrics'].map((signal, index) => ({
      format: 'otlp',
      signal,
      json: lines[index],
      request: JSON.parse(lines[index]!),
    })),
  )
})

test('createLineReader passes requests out of the file of a container runtime', () => {
  const records: ParsedLine[] = []
  const reader = createLineReader({ onRecord: (record) => records.push(record) })
  for (const line of lines) reader.write(Buffer.from(`2026-11-29T10:00:00Z stdout F ${line}\n`))
  reader.end()
  expect(records.map((record) => record.format === 'otlp' && record.json)).toEqual(lines)
})

test('parseLine takes a field of the same name that is no list for a field of the application', () => {
  expect(parseLine('{"resourceLogs":"none","message":"m","level":"info"}')).toMatchObject({
    format: 'winston',
    attributes: { resourceLogs: 'none' },
  })
})
