/*
 * pino. https://getpino.io/#/docs/api?id=options
 *
 * | line                            | LogRecord                                                                     |
 * | ------------------------------- | ----------------------------------------------------------------------------- |
 * | `time`                          | timestamp                                                                     |
 * | `level`: number, or its name    | severityNumber: 10, 20, 30, 40, 50, 60 are 1, 5, 9, 13, 17, 21; severityText  |
 * | `msg`                           | body                                                                          |
 * | `name`                          | instrumentation scope                                                         |
 * | `err`, `error`, serialized      | `exception.type`, `.message`, `.stacktrace`; other fields stay under that key |
 * | `trace_id`, `span_id`, …        | trace id, span id, flags                                                      |
 * | all other fields                | attributes                                                                    |
 */
import { numericSeverity, type SeverityScale } from '@logbridge/bridge'
import { extractException } from '@logbridge/bridge/internal'
import { move, moveLevelName, moveScope, moveTime } from '../fields.ts'
import { createRecord } from '../record.ts'
import type { Settings } from '../settings.ts'
import { moveSpan } from '../traceContext.ts'
import type { Fields, ParsedRecord } from '../types.ts'
import type { Format } from './format.ts'

const NAMES: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}
/** Scale of pino and bunyan. */
const SCALE: SeverityScale = [
  [10, 1],
  [20, 5],
  [30, 9],
  [40, 13],
  [50, 17],
  [60, 21],
]

export const pino: Format = {
  name: 'pino',
  recognizes: ({ level, time, msg, pid, hostname }) =>
    typeof level === 'number'
      ? time !== undefined || typeof msg === 'string'
      : typeof level === 'string' && time !== undefined && pid !== undefined && hostname !== undefined,
  convert(fields, settings) {
    const record = createRecord('pino', fields)
    movePinoLevel(record, fields, settings)
    moveTime(record, fields, 'time', settings)
    record.body = move(fields, 'msg')
    moveScope(record, fields, 'name')
    moveSpan(record, fields)
    record.exception = extractException(fields, 'err', undefined)
    return record
  },
}

/** Moves a level of the scale that pino and bunyan share. A formatter may have written its name. */
export function movePinoLevel(record: ParsedRecord, fields: Fields, settings: Settings): void {
  const { level } = fields
  if (typeof level !== 'number') return moveLevelName(record, fields, 'level', settings)
  fields['level'] = undefined
  const name = NAMES[level]
  const number = String(level)
  record.severityText = name ?? number
  record.severityNumber =
    settings.severity.get(number) ??
    (name === undefined ? undefined : settings.severity.get(name)) ??
    numericSeverity(level, SCALE)
}
