/*
 * zerolog. https://github.com/rs/zerolog#readme
 *
 * | line                         | LogRecord                                                 |
 * | ---------------------------- | --------------------------------------------------------- |
 * | `time`: text or number       | timestamp                                                 |
 * | `level`, which may be absent | severityNumber: fatal, panic are 21, 22; severityText     |
 * | `message`                    | body                                                      |
 * | `caller`                     | `code.file.path`, `code.line.number`                      |
 * | `error`, `stack`             | `exception.message`, `exception.stacktrace`               |
 * | all other fields             | attributes, span                                          |
 */
import { isFields } from '@logbridge/bridge/internal'
import { moveLevelName, move, moveTime } from '../fields.ts'
import { createRecord } from '../record.ts'
import { moveCaller } from '../source.ts'
import { moveSpan } from '../traceContext.ts'
import type { Format } from './format.ts'
import { GO_LEVELS, moveError } from './go.ts'

export const zerolog: Format = {
  name: 'zerolog',
  recognizes: ({ level, time, message, timestamp, severity }) =>
    (typeof level === 'string' || level === undefined) &&
    (typeof time === 'string' || typeof time === 'number') &&
    (message === undefined || typeof message === 'string') &&
    (level !== undefined || message !== undefined) &&
    timestamp === undefined &&
    severity === undefined,
  convert(fields, settings) {
    const record = createRecord('zerolog', fields)
    moveTime(record, fields, 'time', settings)
    moveLevelName(record, fields, 'level', settings, GO_LEVELS)
    record.body = move(fields, 'message')
    moveCaller(fields, 'caller')
    moveSpan(record, fields)
    const exception = moveError(record, fields, 'error')
    const stack = exception && goStack(fields['stack'])
    if (stack !== undefined) {
      exception!.stack = stack
      fields['stack'] = undefined
    }
    return record
  },
}

/** Writes a stack of zerolog's pkgerrors as Go does. Returns `undefined` for any other value. */
function goStack(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  const lines: string[] = []
  for (const frame of value) {
    if (!isFields(frame) || Object.keys(frame).length !== 3) return undefined
    const { func, line, source } = frame
    if (typeof func !== 'string' || typeof source !== 'string') return undefined
    lines.push(`${func}\n\t${source}:${String(line)}`)
  }
  return lines.join('\n')
}
