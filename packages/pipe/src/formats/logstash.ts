/*
 * logstash-logback-encoder. https://github.com/logfellow/logstash-logback-encoder#loggingevent-fields
 *
 * | line                                          | LogRecord                                                       |
 * | --------------------------------------------- | --------------------------------------------------------------- |
 * | `@timestamp`                                  | timestamp                                                       |
 * | `level`, `level_value`                        | severityNumber, severityText                                    |
 * | `message`                                     | body                                                            |
 * | `logger_name`                                 | instrumentation scope                                           |
 * | `thread_name`                                 | `thread.name`                                                   |
 * | `caller_class_name`, `caller_method_name`, …  | `code.function.name`, `code.file.path`, `code.line.number`      |
 * | `stack_trace`, `throwable_class`              | `exception.type`, `.message`, `.stacktrace`                     |
 * | `@version`                                    | left out, because it is the version of the format               |
 * | all other fields: MDC, `tags`, …              | attributes, span                                                |
 */
import type { SeverityScale } from '@logbridge/bridge'
import { parseStackTrace } from '../exceptions/java.ts'
import { moveLevelName, move, moveScope, moveText, moveTime, rename, moveLevelNumber } from '../fields.ts'
import { createRecord } from '../record.ts'
import { moveSpan } from '../traceContext.ts'
import type { Fields } from '../types.ts'
import type { Format } from './format.ts'

/** Levels of logback. https://logback.qos.ch/apidocs/ch.qos.logback.classic/ch/qos/logback/classic/Level.html */
const SCALE: SeverityScale = [
  [5000, 1],
  [10_000, 5],
  [20_000, 9],
  [30_000, 13],
  [40_000, 17],
]

export const logstash: Format = {
  name: 'logstash',
  recognizes: (fields) => fields['@version'] !== undefined && fields['@timestamp'] !== undefined,
  convert(fields, settings) {
    const record = createRecord('logstash', fields)
    moveTime(record, fields, '@timestamp', settings)
    if (fields['@version'] === '1' || fields['@version'] === 1) fields['@version'] = undefined
    moveLevelName(record, fields, 'level', settings)
    moveLevelNumber(record, fields, 'level_value', settings, SCALE)
    record.body = move(fields, 'message')
    moveScope(record, fields, 'logger_name')
    rename(fields, 'thread_name', 'thread.name')
    moveCallerData(fields)
    const stack = moveText(fields, 'stack_trace')
    if (stack !== undefined) {
      record.exception = parseStackTrace(stack)
      const type = fields['throwable_class']
      if (record.exception.type === undefined && typeof type === 'string') record.exception.type = type
      if (type === record.exception.type) fields['throwable_class'] = undefined
    }
    moveSpan(record, fields)
    return record
  },
}

function moveCallerData(fields: Fields): void {
  const type = fields['caller_class_name']
  const method = fields['caller_method_name']
  if (typeof type === 'string' && typeof method === 'string') {
    fields['caller_class_name'] = undefined
    fields['caller_method_name'] = `${type}.${method}`
  }
  rename(fields, 'caller_method_name', 'code.function.name')
  rename(fields, 'caller_file_name', 'code.file.path')
  rename(fields, 'caller_line_number', 'code.line.number')
}
