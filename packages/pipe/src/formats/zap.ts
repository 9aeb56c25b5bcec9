/*
 * zap, with the keys of its production and of its development configuration. https://pkg.go.dev/go.uber.org/zap/zapcore#EncoderConfig
 *
 * | line                            | LogRecord                                                                              |
 * | ------------------------------- | -------------------------------------------------------------------------------------- |
 * | `ts`, `T`                       | timestamp                                                                              |
 * | `level`, `L`                    | severityNumber: dpanic, panic, fatal are 21, 22, 23; severityText                      |
 * | `msg`, `M`                      | body                                                                                   |
 * | `logger`, `N`                   | instrumentation scope                                                                  |
 * | `caller`, `C`; `func`, `F`      | `code.file.path`, `code.line.number`; `code.function.name`                             |
 * | `error`, `errorVerbose`         | `exception.message`, `exception.stacktrace`                                            |
 * | `stacktrace`, `S`               | `exception.stacktrace` of an error without `errorVerbose`, otherwise `code.stacktrace` |
 * | all other fields, `errorCauses` | attributes, span                                                                       |
 */
import { moveLevelName, move, moveScope, moveText, moveTime, rename } from '../fields.ts'
import { createRecord } from '../record.ts'
import type { LevelNames } from '../settings.ts'
import { moveCaller } from '../source.ts'
import { moveSpan } from '../traceContext.ts'
import type { Format } from './format.ts'
import { moveError } from './go.ts'

const LEVELS: LevelNames = { dpanic: 21, panic: 22, fatal: 23 }

export const zap: Format = {
  name: 'zap',
  recognizes: ({ level, ts, L, M, T }) =>
    (typeof level === 'string' && ts !== undefined) ||
    (typeof L === 'string' && (M !== undefined || T !== undefined)),
  convert(fields, settings) {
    const record = createRecord('zap', fields)
    const isDevelopment = fields['level'] === undefined && fields['L'] !== undefined
    moveTime(record, fields, isDevelopment ? 'T' : 'ts', settings)
    moveLevelName(record, fields, isDevelopment ? 'L' : 'level', settings, LEVELS)
    record.body = move(fields, isDevelopment ? 'M' : 'msg')
    moveScope(record, fields, isDevelopment ? 'N' : 'logger')
    moveCaller(fields, isDevelopment ? 'C' : 'caller')
    rename(fields, isDevelopment ? 'F' : 'func', 'code.function.name')
    moveSpan(record, fields)
    const exception = moveError(record, fields, 'error')
    const stackKey = isDevelopment ? 'S' : 'stacktrace'
    if (exception !== undefined) {
      const stack = moveText(fields, 'errorVerbose') ?? moveText(fields, stackKey)
      if (stack !== undefined) exception.stack = stack
    }
    rename(fields, stackKey, 'code.stacktrace')
    return record
  },
}
