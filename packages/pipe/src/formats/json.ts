/*
 * JSON of any other program, by the usual names of the fields. Each row reads the first of its names that the line has.
 *
 * | line                                                        | LogRecord                                     |
 * | ----------------------------------------------------------- | --------------------------------------------- |
 * | `time`, `timestamp`, `@timestamp`, `ts`, `date`, `datetime` | timestamp                                     |
 * | `level`, `severity`, `levelname`, `lvl`, `loglevel`         | severityNumber by its name, severityText      |
 * | `message`, `msg`, `event`                                   | body                                          |
 * | `logger`                                                    | instrumentation scope                         |
 * | `trace_id`, `span_id`, …                                    | trace id, span id, flags                      |
 * | all other fields                                            | attributes                                    |
 */
import { move, moveLevelName, moveScope, moveTime } from '../fields.ts'
import { createRecord } from '../record.ts'
import { moveSpan } from '../traceContext.ts'
import type { Format } from './format.ts'

const TIMES = ['time', 'timestamp', '@timestamp', 'ts', 'date', 'datetime']
const LEVELS = ['level', 'severity', 'levelname', 'lvl', 'loglevel']
const MESSAGES = ['message', 'msg', 'event']

export const json: Format = {
  name: 'json',
  recognizes: () => true,
  convert(fields, settings) {
    const record = createRecord('json', fields)
    for (const key of TIMES) if (record.timestamp === undefined) moveTime(record, fields, key, settings)
    for (const key of LEVELS)
      if (record.severityText === undefined) moveLevelName(record, fields, key, settings)
    const message = MESSAGES.find((key) => fields[key] !== undefined && fields[key] !== null)
    if (message !== undefined) record.body = move(fields, message)
    moveScope(record, fields, 'logger')
    moveSpan(record, fields)
    return record
  },
}
