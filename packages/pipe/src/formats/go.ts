/* Parts that the loggers of Go share. */
import type { SerializedError } from '@logbridge/bridge'
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
