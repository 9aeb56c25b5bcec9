/* Parts that the loggers of Go share. */
import type { SerializedError } from '@logbridge/bridge'
import { isFields } from '@logbridge/bridge/internal'
import { moveText } from '../fields.ts'
import type { LevelNames } from '../settings.ts'
import type { Fields, ParsedRecord } from '../types.ts'

/** Levels above ERROR of zerolog and logrus: both end the program. */
export const GO_LEVELS: LevelNames = { fatal: 21, panic: 22 }

/** Moves the text of an error. Go's errors have no type. */
export function moveError(record: ParsedRecord, fields: Fields, key: string): SerializedError | undefined {
  const message = moveText(fields, key)
  if (message === undefined) return undefined
  // An empty type, because the bridge would read a missing one in the stack, which Go begins with a function.
  const exception: SerializedError = { type: '', message }
  record.exception = exception
  return exception
}

/** Writes a stack of zerolog's pkgerrors as Go does; `undefined` for any other value. */
export function goStack(value: unknown): string | undefined {
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
