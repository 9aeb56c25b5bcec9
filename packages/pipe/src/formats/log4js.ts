/*
 * log4js, with the layout of the package `log4js-json-layout`, or a layout that writes the event by `JSON.stringify`.
 * https://github.com/id0Sch/log4js-json-layout
 *
 * | line                                    | LogRecord                                                                 |
 * | --------------------------------------- | ------------------------------------------------------------------------- |
 * | `startTime`                             | timestamp                                                                 |
 * | `level`: name, or `{levelStr}`          | severityNumber, severityText                                              |
 * | `data`: text, or arguments              | body; a sole object: attributes                                           |
 * | `categoryName`                          | instrumentation scope                                                     |
 * | `fileName`, `lineNumber`, …             | `code.file.path`, `code.line.number`, `.column.number`, `.function.name`  |
 * | all other fields, `context`             | attributes, span                                                          |
 */
import { isFields } from '@logbridge/bridge/internal'
import {
  addField,
  addInner,
  moveLevelName,
  move,
  moveFields,
  moveScope,
  moveTime,
  placeLevelName,
  rename,
} from '../fields.ts'
import { createRecord } from '../record.ts'
import type { LevelNames } from '../settings.ts'
import { moveSpan } from '../traceContext.ts'
import type { Fields, ParsedRecord } from '../types.ts'
import type { Format } from './format.ts'

const LEVELS: LevelNames = { mark: 9 }
/** Fields of a level that its name stands for. */
const LEVEL = { level: '', levelStr: '', colour: '' }

export const log4js: Format = {
  name: 'log4js',
  recognizes: ({ categoryName, startTime, level }) =>
    typeof categoryName === 'string' && startTime !== undefined && level !== undefined,
  convert(fields, settings) {
    const record = createRecord('log4js', fields)
    moveTime(record, fields, 'startTime', settings)
    const { level } = fields
    if (isFields(level) && typeof level['levelStr'] === 'string') {
      fields['level'] = undefined
      placeLevelName(record, level['levelStr'], settings, LEVELS)
      addInner(fields, 'level', level, LEVEL)
    } else moveLevelName(record, fields, 'level', settings, LEVELS)
    moveScope(record, fields, 'categoryName')
    const context = moveFields(fields, 'context')
    for (const [key, value] of Object.entries(context ?? {})) addField(fields, key, value, 'context.')
    placeData(record, fields)
    rename(fields, 'fileName', 'code.file.path')
    rename(fields, 'lineNumber', 'code.line.number')
    rename(fields, 'columnNumber', 'code.column.number')
    rename(fields, 'functionName', 'code.function.name')
    rename(fields, 'callStack', 'code.stacktrace')
    moveSpan(record, fields)
    return record
  },
}

/** Joins the arguments as log4js does: texts to one, the sole object to attributes. Other arguments stay in `data`. */
function placeData(record: ParsedRecord, fields: Fields): void {
  const { data } = fields
  if (!Array.isArray(data)) {
    record.body = move(fields, 'data')
    return
  }
  const [first, second, ...rest] = data as unknown[]
  if (data.length === 1) {
    fields['data'] = undefined
    record.body = first
  } else if (rest.length === 0 && typeof first === 'string' && isFields(second)) {
    fields['data'] = undefined
    record.body = first
    for (const [key, value] of Object.entries(second)) addField(fields, key, value, 'data.')
  } else if (typeof first === 'string') record.body = first
}
