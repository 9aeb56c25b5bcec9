/*
 * log/slog of Go, JSONHandler. https://pkg.go.dev/log/slog#JSONHandler
 *
 * | line                     | LogRecord                                                       |
 * | ------------------------ | --------------------------------------------------------------- |
 * | `time`                   | timestamp                                                       |
 * | `level`: `INFO`, `INFO+2`| severityNumber: slog's number + 9; severityText                 |
 * | `msg`                    | body                                                            |
 * | `source`                 | `code.function.name`, `code.file.path`, `code.line.number`      |
 * | `error`, `err`: text     | `exception.message`                                             |
 * | all other fields, groups | attributes, nested; span                                        |
 */
import type { SeverityNumber } from '@logbridge/bridge'
import { addInner, move, moveFields, moveText, moveTime, placeLevelName } from '../fields.ts'
import { createRecord } from '../record.ts'
import { moveSpan } from '../traceContext.ts'
import type { Format } from './format.ts'
import { moveError } from './go.ts'

const LEVEL = /^(DEBUG|INFO|WARN|ERROR)([+-]\d{1,6})?$/
const LEVELS: Readonly<Record<string, number>> = { DEBUG: 5, INFO: 9, WARN: 13, ERROR: 17 }
const SOURCE = { function: 'code.function.name', file: 'code.file.path', line: 'code.line.number' }

export const slog: Format = {
  name: 'slog',
  recognizes: ({ level, msg, time }) =>
    typeof msg === 'string' &&
    typeof level === 'string' &&
    LEVEL.test(level) &&
    (time === undefined || typeof time === 'string'),
  convert(fields, settings) {
    const record = createRecord('slog', fields)
    moveTime(record, fields, 'time', settings)
    const level = moveText(fields, 'level')
    if (level !== undefined) {
      placeLevelName(record, level, settings)
      const found = LEVEL.exec(level)
      if (found !== null && !settings.severity.has(level)) {
        const number = LEVELS[found[1]!]! + Number(found[2] ?? 0)
        record.severityNumber = Math.min(Math.max(number, 1), 24) as SeverityNumber
      }
    }
    record.body = move(fields, 'msg')
    const source = moveFields(fields, 'source')
    if (source !== undefined) addInner(fields, 'source', source, SOURCE)
    moveSpan(record, fields)
    if (moveError(record, fields, 'error') === undefined) moveError(record, fields, 'err')
    return record
  },
}
