/*
 * loguru, `logger.add(sink, serialize=True)`. https://loguru.readthedocs.io/en/stable/api/logger.html#record
 *
 * | line                                    | LogRecord                                                                        |
 * | --------------------------------------- | -------------------------------------------------------------------------------- |
 * | `record.time.repr`, else `.timestamp`   | timestamp                                                                        |
 * | `record.level.no`                       | severityNumber: 5, 10, 20, 25, 30, 40, 50 are 1, 5, 9, 10, 13, 17, 21            |
 * | `record.level.name`                     | severityText                                                                     |
 * | `record.message`                        | body                                                                             |
 * | `record.name`                           | instrumentation scope                                                            |
 * | `record.extra`                          | attributes, span                                                                 |
 * | `record.function`, `file.path`, `line`  | `code.function.name`, `code.file.path`, `code.line.number`                       |
 * | `record.process`, `record.thread`       | `process.pid`, `process.name`, `thread.id`, `thread.name`                        |
 * | `record.elapsed.seconds`                | `elapsed.seconds`                                                                |
 * | `record.exception`                      | `exception.type`, `.message`; `.stacktrace` is read from `text`                  |
 * | `text`, `module`, `file.name`, `.repr`  | left out, because they repeat the fields above; `level.icon` when it is loguru's |
 */
import { numericSeverity, type SerializedError, type SeverityScale } from '@logbridge/bridge'
import { isFields } from '@logbridge/bridge/internal'
import { plainTraceback } from '../exceptions/pythonText.ts'
import { addField, addInner } from '../fields.ts'
import { createRecord } from '../record.ts'
import type { Settings } from '../settings.ts'
import { parseIsoTime, parseTime } from '../time.ts'
import { moveSpan } from '../traceContext.ts'
import type { Fields, ParsedRecord } from '../types.ts'
import type { Format } from './format.ts'
import { json } from './json.ts'

const SCALE: SeverityScale = [
  [5, 1],
  [10, 5],
  [20, 9],
  [25, 10],
  [30, 13],
  [40, 17],
  [50, 21],
]
/** Icons of loguru's own levels. A level of the application has a blank by default. */
const ICONS: Readonly<Record<string, string>> = {
  TRACE: '✏️',
  DEBUG: '🐞',
  INFO: 'ℹ️',
  SUCCESS: '✔️',
  WARNING: '⚠️',
  ERROR: '❌',
  CRITICAL: '☠️',
}

const FILE = { path: 'code.file.path', name: '' }
const PROCESS = { id: 'process.pid', name: 'process.name' }
const THREAD = { id: 'thread.id', name: 'thread.name' }
const ELAPSED = { seconds: 'elapsed.seconds', repr: '' }
const TIME = { repr: '', timestamp: '' }
const LEVEL = { name: '', no: '' }
const LEVEL_WITH_OWN_ICON = { ...LEVEL, icon: '' }
const EXCEPTION = { type: '', value: '', traceback: '' }
/** Prefix of a field whose key `extra` has as well. */
const PREFIX = 'record.'

export const loguru: Format = {
  name: 'loguru',
  recognizes: ({ text, record }) =>
    typeof text === 'string' && isFields(record) && isFields(record['level']) && 'message' in record,
  convert(fields, settings) {
    const { record: inner, text } = fields
    if (!isFields(inner)) return json.convert(fields, settings)
    const { extra } = inner
    const attributes = isFields(extra) ? extra : {}
    const record = createRecord('loguru', attributes)
    moveSpan(record, attributes)
    for (const key in inner) place(record, inner, key, typeof text === 'string' ? text : '', settings)
    for (const key in fields) {
      if ((key !== 'text' || typeof text !== 'string') && key !== 'record')
        addField(attributes, key, fields[key], 'line.')
    }
    return record
  },
}

function place(record: ParsedRecord, inner: Fields, key: string, text: string, settings: Settings): void {
  const { attributes } = record
  const value = inner[key]
  switch (key) {
    case 'time':
      return placeTime(record, value, settings)
    case 'level':
      if (isFields(value)) return placeLevel(record, value, settings)
      return addField(attributes, key, value, PREFIX)
    case 'message':
      record.body = value
      return
    case 'name':
      if (typeof value === 'string' && value !== '') record.scope = value
      else if (value !== null) addField(attributes, key, value, PREFIX)
      return
    case 'extra':
      if (value !== attributes) addField(attributes, key, value, PREFIX)
      return
    case 'function':
      return addField(attributes, 'code.function.name', value, PREFIX)
    case 'line':
      return addField(attributes, 'code.line.number', value, PREFIX)
    case 'file':
      return addInner(attributes, key, value, FILE)
    case 'process':
      return addInner(attributes, key, value, PROCESS)
    case 'thread':
      return addInner(attributes, key, value, THREAD)
    case 'elapsed':
      return addInner(attributes, key, value, ELAPSED)
    case 'module':
      if (!isModuleOf(value, inner['file'])) addField(attributes, key, value, PREFIX)
      return
    case 'exception':
      if (isFields(value)) placeException(record, value, text, inner['message'], settings)
      else if (value !== null) addField(attributes, key, value, PREFIX)
      return
    default:
      addField(attributes, key, value, PREFIX)
  }
}

function placeTime(record: ParsedRecord, time: unknown, settings: Settings): void {
  const { repr, timestamp } = isFields(time) ? time : { repr: time, timestamp: undefined }
  const digits = typeof repr === 'string' ? parseIsoTime(repr, settings.zone) : undefined
  record.timestamp = digits ?? parseTime(timestamp, settings.zone)
  if (record.timestamp === undefined) addField(record.attributes, 'time', time, PREFIX)
  else addInner(record.attributes, 'time', time, TIME)
}

function placeLevel(record: ParsedRecord, level: Fields, { severity }: Settings): void {
  const { name, no, icon } = level
  if (typeof name === 'string') record.severityText = name
  const number = typeof no === 'number' ? numericSeverity(no, SCALE) : 0
  record.severityNumber = severity.get(String(name)) ?? number
  const isOwnIcon = icon === ' ' || icon === ICONS[record.severityText ?? '']
  addInner(record.attributes, 'level', level, isOwnIcon ? LEVEL_WITH_OWN_ICON : LEVEL)
}

/** Tests if a module is that of a file: `shop` of `shop.py`. */
function isModuleOf(module: unknown, file: unknown): boolean {
  const name = isFields(file) ? file['name'] : undefined
  return typeof module === 'string' && typeof name === 'string' && name.startsWith(module)
}

/** Moves the exception. Its traceback stands in the text alone, behind the message. */
function placeException(
  record: ParsedRecord,
  exception: Fields,
  text: string,
  message: unknown,
  { keepLocals }: Settings,
): void {
  const { type, value, traceback: hasTraceback } = exception
  const parsed: SerializedError = {}
  if (typeof type === 'string') parsed.type = type
  if (value !== undefined && value !== null)
    parsed.message = typeof value === 'string' ? value : JSON.stringify(value)
  const at = typeof message === 'string' ? text.indexOf(`${message}\n`) : -1
  const stack = at < 0 ? '' : plainTraceback(text.slice(at + (message as string).length + 1), keepLocals)
  if (stack !== '') parsed.stack = stack
  record.exception = parsed
  addInner(record.attributes, 'exception', exception, EXCEPTION)
  // A format of the application may have changed the message.
  if (stack === '' && hasTraceback === true) addField(record.attributes, 'text', text, 'line.')
}
