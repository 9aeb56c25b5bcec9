/*
 * winston, `format.json()`. https://github.com/winstonjs/logform#json
 *
 * | line                                    | LogRecord                                                                 |
 * | --------------------------------------- | ------------------------------------------------------------------------- |
 * | `timestamp`                             | timestamp                                                                 |
 * | `level`                                 | severityNumber by the name of winston's and syslog's levels, severityText |
 * | `message`                               | body                                                                      |
 * | `label`                                 | instrumentation scope                                                     |
 * | `stack`, an Error in `err`, `error`, …  | `exception.type`, `.message`, `.stacktrace`                               |
 * | all other fields                        | attributes, span                                                          |
 */
import { moveLevelName, move, moveScope, moveTime } from '../fields.ts'
import { createRecord } from '../record.ts'
import { moveSpan } from '../traceContext.ts'
import type { Format } from './format.ts'

export const winston: Format = {
  name: 'winston',
  recognizes: ({ level, message }) => typeof level === 'string' && message !== undefined,
  convert(fields, settings) {
    const record = createRecord('winston', fields)
    moveTime(record, fields, 'timestamp', settings)
    moveLevelName(record, fields, 'level', settings)
    record.body = move(fields, 'message')
    moveScope(record, fields, 'label')
    moveSpan(record, fields)
    return record
  },
}
