/*
 * logback, JsonEncoder. https://logback.qos.ch/manual/encoders.html#JsonEncoder
 *
 * | line                                          | LogRecord                                                                      |
 * | --------------------------------------------- | ------------------------------------------------------------------------------ |
 * | `timestamp` in ms, `nanoseconds` of its second | timestamp                                                                      |
 * | `level`                                       | severityNumber, severityText                                                   |
 * | `formattedMessage`, else `message` filled     | body                                                                           |
 * | `message`, `arguments`                        | `log.body.template`, `log.body.parameters`, when they differ from the body     |
 * | `loggerName`                                  | instrumentation scope                                                          |
 * | `threadName`                                  | `thread.name`                                                                  |
 * | `mdc`, `kvpList`                              | attributes, span                                                               |
 * | `throwable`                                   | `exception.type`, `.message`, `.stacktrace`, as Java prints them               |
 * | all other fields: `context`, `markers`, …     | attributes                                                                     |
 */
import type { HrTime } from '@logbridge/bridge'
import { isFields } from '@logbridge/bridge/internal'
import { exceptionOfThrowable, hasOtherFields } from '../exceptions/java.ts'
import {
  addField,
  moveFields,
  moveLevelName,
  moveScope,
  moveText,
  moveTime,
  removeNull,
  rename,
} from '../fields.ts'
import { createRecord } from '../record.ts'
import { moveSpan } from '../traceContext.ts'
import type { Fields, ParsedRecord } from '../types.ts'
import type { Format } from './format.ts'

export const logback: Format = {
  name: 'logback',
  recognizes: ({ timestamp, level, loggerName, threadName, formattedMessage, throwable, kvpList }) =>
    typeof level === 'string' &&
    (typeof timestamp === 'number' || timestamp === undefined) &&
    (typeof loggerName === 'string' || typeof threadName === 'string') &&
    (loggerName !== undefined ||
      formattedMessage !== undefined ||
      throwable !== undefined ||
      kvpList !== undefined),
  convert(fields, settings) {
    const record = createRecord('logback', fields)
    moveTime(record, fields, 'timestamp', settings)
    const { nanoseconds } = fields
    if (record.timestamp !== undefined && isNanosOf(nanoseconds, record.timestamp)) {
      record.timestamp = [record.timestamp[0], nanoseconds]
      fields['nanoseconds'] = undefined
    }
    moveLevelName(record, fields, 'level', settings)
    moveScope(record, fields, 'loggerName')
    rename(fields, 'threadName', 'thread.name')
    placeMessage(record, fields)
    const mdc = moveFields(fields, 'mdc')
    for (const key in mdc) addField(fields, key, mdc[key], 'mdc.')
    movePairs(fields)
    moveSpan(record, fields)
    const { throwable } = fields
    record.exception = exceptionOfThrowable(throwable)
    if (record.exception !== undefined && !hasOtherFields(throwable)) fields['throwable'] = undefined
    for (const key of ['throwable', 'mdc', 'kvpList', 'markers', 'arguments']) removeNull(fields, key)
    return record
  },
}

/** Tests if a number is the nanoseconds of a second that has the milliseconds of a time. */
function isNanosOf(value: unknown, [, nanos]: HrTime): value is number {
  return typeof value === 'number' && value >= 0 && value < 1e9 && Math.floor(value / 1e6) === nanos / 1e6
}

/** Places the message. A template that the body was made of stays as an attribute. */
function placeMessage(record: ParsedRecord, fields: Fields): void {
  const template = fields['message']
  const parameters = fields['arguments']
  const formatted = moveText(fields, 'formattedMessage')
  const hasParameters = Array.isArray(parameters) && parameters.length > 0
  record.body =
    formatted ?? (typeof template === 'string' && hasParameters ? fill(template, parameters) : template)
  if (template === record.body) fields['message'] = undefined
  else rename(fields, 'message', 'log.body.template')
  if (hasParameters) rename(fields, 'arguments', 'log.body.parameters')
  else if (Array.isArray(parameters)) fields['arguments'] = undefined
}

/** Puts arguments in the place of `{}`. https://www.slf4j.org/faq.html#logging_performance */
function fill(template: string, parameters: readonly unknown[]): string {
  const [first = '', ...rest] = template.split('{}')
  return rest.reduce(
    (text, part, index) => `${text}${index < parameters.length ? shown(parameters[index]) : '{}'}${part}`,
    first,
  )
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Moves the key-value pairs of the fluent API: `[{"order":42}]`. */
function movePairs(fields: Fields): void {
  const { kvpList } = fields
  if (!Array.isArray(kvpList) || !kvpList.every(isFields)) return
  fields['kvpList'] = undefined
  for (const pair of kvpList) for (const key in pair) addField(fields, key, pair[key], 'kvp.')
}
