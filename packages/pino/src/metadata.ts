/**
 * Metadata that pino sets on a stream with each line: the logged object and the message, before pino has written them as JSON. They are
 * read in place of the line of an unchanged logger, because that takes less time, and because values that JSON cannot carry arrive whole.
 */
import { type HrTime, isError, type LogRecord, toHrTime } from '@logbridge/bridge'
import { extractException, isOmitted } from '@logbridge/bridge/internal'
import { fieldsOf, type Line } from './line.ts'
import { isDefaultSerializer, type UnchangedLogger } from './unchangedLogger.ts'

const { hasOwnProperty } = Object.prototype

/** Least length of a line that is searched for circular references. */
const LONG_LINE = 8192
/** Text of pino for a circular reference. */
const CIRCULAR = '"[Circular]"'

/**
 * Reads a record from the metadata. A field that has a serializer is read from the line.
 * @returns `undefined` when the whole line has to be read
 */
export function readMetadata(line: Line, logger: UnchangedLogger): LogRecord | undefined {
  const { logged, loggedMessage, text } = line
  if (typeof logged !== 'object' || logged === null) return undefined
  if (typeof loggedMessage === 'function' || typeof loggedMessage === 'symbol') return undefined
  // pino cuts an object with a circular reference, which may be a whole server, at its limits.
  if (text.length >= LONG_LINE && text.includes(CIRCULAR)) return undefined
  const timestamp = readTime(line.time)
  // pino's `timestamp` is off when the time is empty.
  if (timestamp === undefined && line.time !== '') return undefined
  try {
    return readLogged(line, logged as Record<string, unknown>, logger, timestamp)
  } catch {
    // A getter threw at the second reading.
    return undefined
  }
}

function readLogged(
  line: Line,
  logged: Record<string, unknown>,
  { config, serializers, bindings, scope }: UnchangedLogger,
  timestamp: HrTime | undefined,
): LogRecord | undefined {
  const { messageKey, errorKey } = config
  if (serializers[messageKey]) return undefined
  const attributes: Record<string, unknown> = { ...bindings }
  for (const key in logged) {
    if (!hasOwnProperty.call(logged, key)) continue
    let value = logged[key]
    const serializer = serializers[key] || (key === errorKey && serializers['err'])
    if (serializer && !keepsValue(serializer, value)) {
      const fields = fieldsOf(line, config)
      // The reader of the line may have taken the name for the logger's.
      if (fields === undefined || key === 'name') return undefined
      value = Object.hasOwn(fields, key) ? fields[key] : undefined
    }
    // An assignment to `__proto__` would change the prototype.
    if (key === '__proto__') return undefined
    if (!isOmitted(value)) attributes[key] = value
  }
  const body = line.loggedMessage === undefined ? attributes[messageKey] : line.loggedMessage
  // A deleted field would make the object slow: `pnpm bench pino`.
  if (Object.hasOwn(attributes, messageKey)) attributes[messageKey] = undefined
  if (scope !== undefined && attributes['name'] === scope) attributes['name'] = undefined
  const exception = extractException(attributes, errorKey, logged)
  return { timestamp, body, attributes, exception, context: undefined }
}

/**
 * Tests if a value is read in place of the result of its serializer. pino's default serializer maps each object with a text as message; the bridge
 * maps those of them that are Errors.
 */
function keepsValue(serializer: unknown, value: unknown): boolean {
  const isObject = typeof value === 'object' && value !== null
  return (
    (!isObject || (isError(value) && typeof value.message === 'string')) && isDefaultSerializer(serializer)
  )
}

function readTime(json: string | undefined): HrTime | undefined {
  if (json === undefined) return undefined
  const millis = readMillis(json)
  if (millis !== undefined) return toHrTime(millis)
  // A `timestamp` function may write further fields, which are no time.
  return toHrTime(json.startsWith('"') ? json.slice(1, -1) : json)
}

/** Reads the 13 digits that pino writes by default, without the tests of `toHrTime`: `pnpm bench pino`. */
export function readMillis(json: string): number | undefined {
  if (json.length !== 13) return undefined
  const millis = Number(json)
  // 13 characters leave no room for a quote, a sign, or decimals.
  return millis >= 1e12 ? millis : undefined
}
