import { expect, test } from 'vitest'
import { parseLine } from '../src/index.ts'

test('parseLine returns the severity, time, and fields of a line of pino', () => {
  const line =
    '{"level":40,"time":1790000000123,"pid":7,"hostname":"h","msg":"stock is low","order":{"id":42}}'
  expect(parseLine(line)).toEqual({
    format: 'pino',
    timestamp: [1_790_000_000, 123_000_000],
    severityNumber: 13,
    severityText: 'warn',
    scope: 'pino',
    body: 'stock is low',
    attributes: { pid: 7, hostname: 'h', order: { id: 42 } },
  })
})

test('parseLine returns a line that is no JSON as the body', () => {
  expect(parseLine('{"level":40,')).toEqual({
    format: 'text',
    severityNumber: 0,
    body: '{"level":40,',
    attributes: {},
  })
})
