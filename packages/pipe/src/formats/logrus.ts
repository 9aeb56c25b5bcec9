/*
 * logrus, JSONFormatter. https://pkg.go.dev/github.com/sirupsen/logrus#JSONFormatter
 *
 * | line                              | LogRecord                                                    |
 * | --------------------------------- | ------------------------------------------------------------ |
 * | `time`                            | timestamp                                                    |
 * | `level`                           | severityNumber: fatal, panic are 21, 22; severityText        |
 * | `msg`                             | body                                                         |
 * | `func`, `file`                    | `code.function.name`, `code.file.path`, `code.line.number`   |
 * | `error`                           | `exception.message`                                          |
 * | all other fields, `fields.msg`, … | attributes, span                                             |
 */
import { moveLevelName, move, moveTime, rename } from '../fields.ts'
import { createRecord } from '../record.ts'
import { moveCaller } from '../source.ts'
import { moveSpan } from '../traceContext.ts'
import type { Format } from './format.ts'
import { GO_LEVELS, moveError } from './go.ts'

export const logrus: Format = {
  name: 'logrus',
  recognizes: ({ level, msg, time }) =>
    typeof level === 'string' && typeof msg === 'string' && typeof time === 'string',
  convert(fields, settings) {
    const record = createRecord('logrus', fields)
    moveTime(record, fields, 'time', settings)
    moveLevelName(record, fields, 'level', settings, GO_LEVELS)
    record.body = move(fields, 'msg')
    rename(fields, 'func', 'code.function.name')
    moveCaller(fields, 'file')
    moveSpan(record, fields)
    moveError(record, fields, 'error')
    return record
  },
}
