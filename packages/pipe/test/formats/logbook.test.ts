import { expect, test } from 'vitest'
import { parseLine } from '../../src/index.ts'
import { conformance, linesOf } from '../conformance.ts'

conformance({
  format: 'logbook',
  files: ['logbook.jsonl'],
  repeated: ['level', 'greenlet', 'heavy_initialized', 'information_pulled', 'frame_correction', 'time'],
  fieldsAt: 'extra',
})

test.each([
  ['.5', 5000],
  ['.50', 50_000],
  ['.194462', 194_462_000],
  ['', 0],
])('parseLine reads the fraction %j of logbook as a count of microseconds', (fraction, nanos) => {
  const [line] = linesOf('logbook.jsonl') as [string]
  const changed = line.replace(/("time": "[^".]*)\.\d+Z"/, `$1${fraction}Z"`)
  expect(parseLine(changed)).toMatchObject({ timestamp: [Date.parse('2026-11-29T11:00:25Z') / 1000, nanos] })
})
