import { describeException } from './exception.ts'
import { show } from './shown.ts'

const FIELDS = [
  'timestamp',
  'observedTimestamp',
  'severityNumber',
  'severityText',
  'body',
  'attributes',
  'exception',
  'eventName',
  'context',
] as const

/**
 * Converts a record of the Logs API. A field whose getter throws is left out, and a value that is no object counts as a record without
 * fields.
 */
export function readRecord<Record extends object, T>(convert: (record: Record) => T, record: Record): T {
  try {
    return convert(record)
  } catch {
    return convert(readableRecord(record) as Record)
  }
}

/**
 * Returns the `exception.*` attributes of a record's `exception`. A value without the parts of an error, e.g. a Map, becomes the message,
 * printed by `util.inspect` in bounded time.
 */
export function exceptionAttributes(exception: unknown): Record<string, unknown> {
  const { attributes } = describeException(exception)
  return Object.keys(attributes).length > 0 ? attributes : { 'exception.message': show(exception) }
}

/** Copies the fields of a record that can be read. */
function readableRecord(record: unknown): object {
  const source = (typeof record === 'object' && record !== null ? record : {}) as Record<string, unknown>
  const readable: Record<string, unknown> = {}
  for (const name of FIELDS) {
    try {
      readable[name] = source[name]
    } catch {
      // Leave the field out.
    }
  }
  return readable
}
