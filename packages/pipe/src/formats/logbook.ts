/*
 * logbook, `record.to_dict(json_safe=True)`. https://logbook.readthedocs.io/en/stable/api/base.html#logbook.LogRecord
 *
 * | line                                             | LogRecord                                                                 |
 * | ------------------------------------------------ | ------------------------------------------------------------------------- |
 * | `time`, whose fraction counts microseconds       | timestamp: `.5Z` is 5 µs                                                  |
 * | `level` 9, 10, 11, 12, 13, 14, 15                | severityNumber 1, 5, 9, 10, 13, 17, 21; severityText: the name            |
 * | `message`                                        | body                                                                      |
 * | `channel`                                        | instrumentation scope                                                     |
 * | `msg`, `args`                                    | `log.body.template`, `log.body.parameters`, when they differ from the body |
 * | `extra`                                          | attributes, span                                                          |
 * | `func_name`, `filename`, `lineno`                | `code.function.name`, `code.file.path`, `code.line.number`                |
 * | `process`, `thread`, `process_name`, …           | `process.pid`, `thread.id`, `process.name`, `thread.name`                 |
 * | `exception_name`, `exception_message`            | `exception.type`, `exception.message`                                     |
 * | `formatted_exception`                            | `exception.stacktrace`                                                    |
 * | `heavy_initialized`, `information_pulled`, …     | left out: state of logbook itself                                         |
 */
import { type HrTime, numericSeverity, type SerializedError, type SeverityScale } from '@logbridge/bridge'
import { isFields } from '@logbridge/bridge/internal'
import { withoutBuiltins } from '../exceptions/pythonText.ts'
import { addField, move, moveFields, moveScope, moveText, removeNull, rename } from '../fields.ts'
import { createRecord } from '../record.ts'
import type { Settings } from '../settings.ts'
import { movePythonSource } from '../source.ts'
import { parseIsoTime } from '../time.ts'
import { moveSpan } from '../traceContext.ts'
import type { Fields, ParsedRecord } from '../types.ts'
import type { Format } from './format.ts'
import { moveProcess } from './python.ts'

const SCALE: SeverityScale = [
  [9, 1],
  [10, 5],
  [11, 9],
  [12, 10],
  [13, 13],
  [14, 17],
  [15, 21],
]
const NAMES: Readonly<Record<number, string>> = {
  9: 'TRACE',
  10: 'DEBUG',
  11: 'INFO',
  12: 'NOTICE',
  13: 'WARNING',
  14: 'ERROR',
  15: 'CRITICAL',
}
/** Time up to its seconds, and the count of microseconds. */
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z$/
/** Fields of logbook's own state. */
const STATE: Readonly<Record<string, unknown>> = {
  heavy_initialized: true,
  information_pulled: true,
  frame_correction: 0,
}

export const logbook: Format = {
  name: 'logbook',
  recognizes: ({ channel, heavy_initialized: heavy }) => heavy !== undefined && channel !== undefined,
  convert(fields, settings) {
    const record = createRecord('logbook', fields)
    placeTime(record, fields, settings)
    placeLevel(record, fields, settings)
    record.body = move(fields, 'message')
    moveScope(record, fields, 'channel')
    placeTemplate(record, fields)
    const extra = moveFields(fields, 'extra')
    if (extra !== undefined) {
      moveSpan(record, extra)
      for (const key in extra) if (extra[key] !== undefined) addField(fields, key, extra[key], 'extra.')
    }
    placeException(record, fields)
    movePythonSource(fields, 'func_name')
    if (fields['greenlet'] === fields['thread']) fields['greenlet'] = undefined
    moveProcess(fields, 'process_name', 'thread_name')
    for (const key in STATE) if (fields[key] === STATE[key]) fields[key] = undefined
    for (const key of ['channel', 'process.name', 'process_name', 'module', 'greenlet'])
      removeNull(fields, key)
    return record
  },
}

function placeTime(record: ParsedRecord, fields: Fields, { zone }: Settings): void {
  const { time } = fields
  const found = typeof time === 'string' ? TIME.exec(time) : null
  const [, seconds, micros = '0'] = found ?? []
  const start: HrTime | undefined =
    seconds === undefined ? parseIsoTime(String(time), zone) : parseIsoTime(`${seconds}Z`, zone)
  if (start === undefined) return
  fields['time'] = undefined
  record.timestamp = found === null ? start : [start[0], Number(micros) * 1000]
}

function placeLevel(record: ParsedRecord, fields: Fields, { severity }: Settings): void {
  const { level } = fields
  if (typeof level !== 'number') return
  fields['level'] = undefined
  const name = NAMES[level] ?? String(level)
  record.severityText = name
  record.severityNumber = severity.get(name) ?? numericSeverity(level, SCALE)
}

/** Moves the message before formatting. Without arguments it is the body. */
function placeTemplate(record: ParsedRecord, fields: Fields): void {
  const { msg, args, kwargs } = fields
  if (msg === record.body) fields['msg'] = undefined
  else rename(fields, 'msg', 'log.body.template')
  if (Array.isArray(args) && args.length > 0) rename(fields, 'args', 'log.body.parameters')
  else if (args === null || Array.isArray(args)) fields['args'] = undefined
  if (kwargs === null || (isFields(kwargs) && Object.keys(kwargs).length === 0)) fields['kwargs'] = undefined
}

function placeException(record: ParsedRecord, fields: Fields): void {
  const type = moveText(fields, 'exception_name')
  const message = moveText(fields, 'exception_message')
  const stack = moveText(fields, 'formatted_exception')
  for (const key of ['exception_name', 'exception_message', 'formatted_exception']) removeNull(fields, key)
  if (type === undefined && message === undefined && stack === undefined) return
  const exception: SerializedError = {}
  if (type !== undefined) exception.type = withoutBuiltins(type)
  if (message !== undefined) exception.message = message
  if (stack !== undefined) exception.stack = stack.trimEnd()
  record.exception = exception
}
