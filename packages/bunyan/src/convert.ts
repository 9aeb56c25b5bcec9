import { hostname } from 'node:os'
import {
  type Adapter,
  copyFields,
  isError,
  type LogRecord,
  safeGet,
  type SerializedError,
  type SeverityNumber,
  toHrTime,
} from '@logbridge/bridge'
import { filePath } from '@logbridge/bridge/internal'
import { createSeverities, INFO, levelName } from './severity.ts'

/** Fields that bunyan adds. `v`, the version of the format, is left out; the others have their own place in a LogRecord. */
const CORE_FIELDS = {
  has(key: string): boolean {
    switch (key) {
      case 'name':
      case 'hostname':
      case 'pid':
      case 'level':
      case 'msg':
      case 'time':
      case 'v':
      case 'src':
        return true
      default:
        return false
    }
  },
}
const OWN_HOSTNAME = hostname()
/** Read once, because `process.pid` is a getter: `pnpm bench bunyan`. */
const OWN_PID = process.pid

/** Record as bunyan passes it to a raw stream. https://github.com/trentm/node-bunyan#core-fields */
export interface BunyanRecord {
  readonly name?: unknown
  readonly hostname?: unknown
  readonly pid?: unknown
  readonly level: number
  readonly msg?: unknown
  readonly time?: unknown
  readonly src?: unknown
  readonly err?: unknown
  readonly [field: string]: unknown
}

/**
 * Creates the adapter, with the mapping table of `index.ts`.
 * @param overrides severity numbers by level: bunyan's name of the level, or its number as text
 * @throws LogbridgeError `INVALID_OPTION` when bunyan cannot have one of these levels
 */
export function createAdapter(
  overrides: Readonly<Record<string, SeverityNumber>> | undefined,
): Adapter<BunyanRecord> {
  const severities = createSeverities(overrides)
  return {
    library: 'bunyan',
    classify: ({ level, name }) => ({
      severityNumber: severities(level),
      severityText: levelName(level),
      scope: typeof name === 'string' ? name : undefined,
    }),
    convert,
  }
}

/** Parses a line that bunyan writes to a stream that is not raw. A text that is no JSON becomes the message. */
export function parseLine(line: string): BunyanRecord {
  try {
    return JSON.parse(line) as BunyanRecord
  } catch {
    return { level: INFO, msg: line }
  }
}

/** Reads the record without changing it, because the logger's other raw streams get the same object. */
function convert(given: BunyanRecord): LogRecord {
  // bunyan prints the result of a field `toJSON`.
  const record = typeof given['toJSON'] === 'function' ? printed(given, given['toJSON']) : given
  const { msg, time, name, pid } = record
  const attributes = copyFields(record, CORE_FIELDS)
  const timestamp = toHrTime(time)
  if (timestamp === undefined && time !== undefined) attributes['time'] = time
  if (typeof name !== 'string') attributes['name'] = name
  // The resource has those of this process.
  if (pid !== OWN_PID) attributes['pid'] = pid
  if (record.hostname !== OWN_HOSTNAME) attributes['hostname'] = record.hostname
  if (record.src !== undefined) placeSource(attributes, record.src)
  return {
    timestamp,
    body: msg,
    attributes,
    exception: serializedError(record.err),
  }
}

function printed(record: BunyanRecord, toJSON: Function): BunyanRecord {
  try {
    const json: unknown = toJSON.call(record, '')
    return typeof json === 'object' && json !== null ? (json as BunyanRecord) : record
  } catch {
    // bunyan prints no record in this case.
    return record
  }
}

/**
 * Writes bunyan's `src` as `code.*`. A `src` of another shape stays an attribute.
 * https://opentelemetry.io/docs/specs/semconv/code/
 */
function placeSource(attributes: Record<string, unknown>, src: unknown): void {
  const [file, line, func] = ['file', 'line', 'func'].map((key) => safeGet(Object(src), key))
  if (typeof file !== 'string' || typeof line !== 'number') {
    attributes['src'] = src
    return
  }
  attributes['code.file.path'] = filePath(file)
  attributes['code.line.number'] = line
  if (typeof func === 'string') attributes['code.function.name'] = func
}

/**
 * Returns `err` when a serializer has made it. bunyan's serializer makes `{ message, name, stack, code, signal }`, also for a
 * logger without serializers when an Error is logged alone.
 */
function serializedError(err: unknown): SerializedError | undefined {
  if (typeof err !== 'object' || err === null || isError(err)) return undefined
  const isText = (key: string): boolean => typeof safeGet(err, key) === 'string'
  return isText('message') && (isText('stack') || isText('name') || isText('type'))
    ? (err as SerializedError)
    : undefined
}
