/*
 * bunyan. https://github.com/trentm/node-bunyan#core-fields
 *
 * | line                            | LogRecord                                                                             |
 * | ------------------------------- | ------------------------------------------------------------------------------------- |
 * | `time`                          | timestamp                                                                             |
 * | `level`                         | severityNumber: 10, 20, 30, 40, 50, 60 are 1, 5, 9, 13, 17, 21; severityText          |
 * | `msg`                           | body                                                                                  |
 * | `name`                          | instrumentation scope                                                                 |
 * | `src`                           | `code.file.path`, `code.line.number`, `code.function.name`                            |
 * | `err`                           | `exception.type`, `.message`, `.stacktrace`; other fields stay under that key         |
 * | `v`                             | left out, because it is the version of the format                                     |
 * | all other fields                | attributes, span                                                                      |
 */
import { isFields } from '@logbridge/bridge/internal'
import { addInner, move, moveScope, moveTime } from '../fields.ts'
import { createRecord } from '../record.ts'
import { moveSpan } from '../traceContext.ts'
import type { Format } from './format.ts'
import { movePinoLevel } from './pino.ts'

const SOURCE = { file: 'code.file.path', line: 'code.line.number', func: 'code.function.name' }

export const bunyan: Format = {
  name: 'bunyan',
  recognizes: ({ v, level, name, hostname, pid }) =>
    v !== undefined &&
    level !== undefined &&
    name !== undefined &&
    hostname !== undefined &&
    pid !== undefined,
  convert(fields, settings) {
    const record = createRecord('bunyan', fields)
    moveTime(record, fields, 'time', settings)
    movePinoLevel(record, fields, settings)
    record.body = move(fields, 'msg')
    moveScope(record, fields, 'name')
    if (typeof fields['v'] === 'number') fields['v'] = undefined
    const { src, err } = fields
    if (isFields(src) && typeof src['file'] === 'string' && typeof src['line'] === 'number') {
      fields['src'] = undefined
      addInner(fields, 'src', src, SOURCE)
    }
    moveSpan(record, fields)
    if (isFields(err) && typeof err['message'] === 'string' && isNamed(err)) record.exception = err
    return record
  },
}

/** Tests for an Error that a serializer has made. */
function isNamed({ stack, name, type }: Record<string, unknown>): boolean {
  return typeof stack === 'string' || typeof name === 'string' || typeof type === 'string'
}
