/*
 * python-json-logger, with the attributes of Python's LogRecord. https://docs.python.org/3/library/logging.html#logrecord-attributes
 *
 * | line                                                  | LogRecord                                                          |
 * | ----------------------------------------------------- | ------------------------------------------------------------------ |
 * | `created`, `timestamp`, `asctime`                     | timestamp, of the first that the line has                          |
 * | `levelname`, `levelno`                                | severityNumber, severityText; both unset when absent               |
 * | `message`                                             | body                                                               |
 * | `name`                                                | instrumentation scope                                              |
 * | `funcName`, `pathname`, `filename`, `lineno`          | `code.function.name`, `code.file.path`, `code.line.number`         |
 * | `process`, `processName`, `thread`, `threadName`      | `process.pid`, `process.name`, `thread.id`, `thread.name`          |
 * | `exc_info`: text, or lines                            | `exception.type`, `.message`, `.stacktrace`                        |
 * | `stack_info`                                          | `code.stacktrace`                                                  |
 * | `otelTraceID`, `otelSpanID`, `otelTraceSampled`       | trace id, span id, flags                                           |
 * | `otelServiceName`                                     | `service.name` of the resource                                     |
 * | all other fields                                      | attributes, span                                                   |
 */
import {
  moveLevelName,
  move,
  moveScope,
  moveText,
  moveTime,
  removeNull,
  rename,
  moveLevelNumber,
} from '../fields.ts'
import { parseTraceback } from '../exceptions/pythonText.ts'
import { createRecord } from '../record.ts'
import { movePythonSource } from '../source.ts'
import { moveSpan } from '../traceContext.ts'
import type { Fields } from '../types.ts'
import type { Format } from './format.ts'
import { isPythonJson, moveProcess, placeUnnamedLevel, PYTHON_SCALE } from './python.ts'

export const pythonJsonLogger: Format = {
  name: 'python-json-logger',
  recognizes: ({ levelname, levelno, message, level, event }, text) =>
    typeof levelname === 'string' ||
    typeof levelno === 'number' ||
    (message !== undefined && level === undefined && event === undefined && isPythonJson(text)),
  convert(fields, settings) {
    const record = createRecord('python-json-logger', fields)
    for (const key of ['created', 'timestamp', 'asctime'])
      if (record.timestamp === undefined) moveTime(record, fields, key, settings)
    moveLevelName(record, fields, 'levelname', settings)
    placeUnnamedLevel(record)
    moveLevelNumber(record, fields, 'levelno', settings, PYTHON_SCALE)
    record.body = move(fields, 'message')
    moveScope(record, fields, 'name')
    if (!moveSpan(record, fields)) removeNoSpan(fields)
    const service = moveText(fields, 'otelServiceName')
    if (service) record.resource = { 'service.name': service }
    const text = linesOf(fields['exc_info'])
    record.exception = text === undefined ? undefined : parseTraceback(text)
    if (record.exception !== undefined) fields['exc_info'] = undefined
    const stack = linesOf(fields['stack_info'])
    if (stack !== undefined) {
      fields['stack_info'] = stack
      rename(fields, 'stack_info', 'code.stacktrace')
    }
    movePythonSource(fields, 'funcName')
    moveProcess(fields, 'processName', 'threadName')
    for (const key of ['exc_info', 'exc_text', 'stack_info', 'taskName', 'args']) removeNull(fields, key)
    return record
  },
}

/** Removes the ids that OpenTelemetry's instrumentation writes without a span: `"otelTraceID": "0"`. */
function removeNoSpan(fields: Fields): void {
  const { otelTraceID, otelSpanID } = fields
  if (otelTraceID !== '0' || otelSpanID !== '0') return
  fields['otelTraceID'] = fields['otelSpanID'] = undefined
  if (fields['otelTraceSampled'] === false) fields['otelTraceSampled'] = undefined
}

/** Returns a text, or the text of its lines. */
function linesOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return Array.isArray(value) && value.length > 0 && value.every((line) => typeof line === 'string')
    ? value.join('\n')
    : undefined
}
