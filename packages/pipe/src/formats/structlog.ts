/*
 * structlog, JSONRenderer. https://www.structlog.org/en/stable/processors.html
 *
 * | line                                               | LogRecord                                                            |
 * | -------------------------------------------------- | -------------------------------------------------------------------- |
 * | `timestamp`: ISO, or seconds                       | timestamp                                                            |
 * | `level`, `level_number`                            | severityNumber, severityText                                         |
 * | `event`; `message` of EventRenamer                 | body                                                                 |
 * | `logger`                                           | instrumentation scope                                                |
 * | `func_name`, `pathname`, `filename`, `lineno`      | `code.function.name`, `code.file.path`, `code.line.number`           |
 * | `process`, `process_name`, `thread`, `thread_name` | `process.pid`, `process.name`, `thread.id`, `thread.name`            |
 * | `exception`: text, or a list of `dict_tracebacks`  | `exception.type`, `.message`, `.stacktrace`, as Python prints them   |
 * | `stack`                                            | `code.stacktrace`                                                    |
 * | all other fields                                   | attributes, span                                                     |
 */
import { moveLevelName, move, moveScope, moveTime, rename, moveLevelNumber } from '../fields.ts'
import { exceptionOfDicts, hasOtherFields, withoutLocals } from '../exceptions/pythonDicts.ts'
import { parseTraceback } from '../exceptions/pythonText.ts'
import { createRecord } from '../record.ts'
import type { Settings } from '../settings.ts'
import { movePythonSource } from '../source.ts'
import { moveSpan } from '../traceContext.ts'
import type { Fields, ParsedRecord } from '../types.ts'
import type { Format } from './format.ts'
import { isPythonJson, moveProcess, PYTHON_LEVELS, PYTHON_SCALE } from './python.ts'

export const structlog: Format = {
  name: 'structlog',
  recognizes({ event, msg, message, level, timestamp, levelname }, text) {
    if (typeof event === 'string') return msg === undefined && message === undefined
    return (
      typeof message === 'string' &&
      typeof level === 'string' &&
      levelname === undefined &&
      (typeof timestamp === 'number' || isPythonJson(text))
    )
  },
  convert(fields, settings) {
    const record = createRecord('structlog', fields)
    moveTime(record, fields, 'timestamp', settings)
    moveLevelName(record, fields, 'level', settings, PYTHON_LEVELS)
    moveLevelNumber(record, fields, 'level_number', settings, PYTHON_SCALE)
    record.body = move(fields, fields['event'] === undefined ? 'message' : 'event')
    moveScope(record, fields, 'logger')
    moveSpan(record, fields)
    moveException(record, fields, settings)
    movePythonSource(fields, 'func_name')
    moveProcess(fields, 'process_name', 'thread_name')
    if (typeof fields['stack'] === 'string') rename(fields, 'stack', 'code.stacktrace')
    return record
  },
}

function moveException(record: ParsedRecord, fields: Fields, { keepLocals }: Settings): void {
  const { exception } = fields
  if (typeof exception === 'string') record.exception = parseTraceback(exception)
  else if (exception !== undefined) {
    record.exception = exceptionOfDicts(exception)
    if (keepLocals || hasOtherFields(exception)) {
      fields['exception'] = keepLocals ? exception : withoutLocals(exception)
      return
    }
  }
  if (record.exception !== undefined) fields['exception'] = undefined
}
