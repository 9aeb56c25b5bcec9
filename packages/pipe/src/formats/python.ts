/* Parts that the loggers of Python share. */
import { numericSeverity, type SeverityScale } from '@logbridge/bridge'
import { rename } from '../fields.ts'
import type { LevelNames } from '../settings.ts'
import type { Fields, ParsedRecord } from '../types.ts'

/** Levels of Python's logging. https://docs.python.org/3/library/logging.html#logging-levels */
export const PYTHON_SCALE: SeverityScale = [
  [5, 1],
  [10, 5],
  [20, 9],
  [30, 13],
  [40, 17],
  [50, 21],
]
/** Name of the method that logs an exception, and names that Python gives to numbers without a name. */
export const PYTHON_LEVELS: LevelNames = { exception: 17 }
const UNNAMED = /^Level (-?\d{1,9})$/

/** Tests for the blank behind the colon of a key, with which Python writes JSON, unlike JavaScript and Go. */
export function isPythonJson(text: string): boolean {
  return text.startsWith('": ', text.indexOf('":'))
}

/** Sets the severity number of a level that has a number as its name: `Level 25`. */
export function placeUnnamedLevel(record: ParsedRecord): void {
  const number = record.severityNumber === 0 ? UNNAMED.exec(record.severityText ?? '')?.[1] : undefined
  if (number !== undefined) record.severityNumber = numericSeverity(Number(number), PYTHON_SCALE)
}

/** Renames the fields of process and thread to the names of the semantic conventions. */
export function moveProcess(fields: Fields, processName: string, threadName: string): void {
  rename(fields, 'process', 'process.pid')
  rename(fields, processName, 'process.name')
  rename(fields, 'thread', 'thread.id')
  rename(fields, threadName, 'thread.name')
}
