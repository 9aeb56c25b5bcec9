import { hostname } from 'node:os'
import {
  type Adapter,
  copyFields,
  isError,
  LogbridgeError,
  type LogRecord,
  numericSeverity,
  safeGet,
  type SerializedError,
  type SeverityNumber,
  toHrTime,
} from '@logbridge/bridge'
import { BUNYAN_SCALE, errorAmong, filePath } from '@logbridge/bridge/internal'

/** A level's name. https://github.com/trentm/node-bunyan#levels */
export type BunyanLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** bunyan's own `levelFromName`: the package itself is not needed to read its records. */
const LEVELS: Readonly<Record<BunyanLevel, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
}
const NAMES: ReadonlyMap<unknown, string> = new Map(
  Object.entries(LEVELS).map(([name, level]) => [level, name]),
)

/** Fields that bunyan makes and that have a place of their own, or say only that this is bunyan's format (`v`). */
const CORE_FIELDS = new Set(['name', 'hostname', 'pid', 'level', 'msg', 'time', 'v', 'src'])
const OWN_HOSTNAME = hostname()
/** `process.pid` is a getter that takes 17 ns. */
const OWN_PID = process.pid

/** A record as bunyan hands it to a raw stream. https://github.com/trentm/node-bunyan#core-fields */
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
 * The mapping of `index.ts`.
 * @param overrides severity numbers by level: a name of bunyan's, or a number as text
 * @throws LogbridgeError `INVALID_OPTION` for an override of a level that bunyan cannot have
 */
export function createAdapter(
  overrides: Readonly<Record<string, SeverityNumber>> | undefined,
): Adapter<BunyanRecord> {
  const severities = new Map<number, SeverityNumber>(BUNYAN_SCALE)
  for (const [level, severity] of Object.entries(overrides ?? {})) {
    severities.set(resolveLevel('severity', /^\d+$/.test(level) ? Number(level) : level), severity)
  }
  return {
    library: 'bunyan',
    classify: ({ level, name }) => ({
      severityNumber: severities.get(level) ?? numericSeverity(level, BUNYAN_SCALE),
      severityText: NAMES.get(level) ?? String(level),
      scope: typeof name === 'string' ? name : undefined,
    }),
    convert,
  }
}

/**
 * A level as bunyan resolves it: a name in any case, or a whole number that is not negative.
 * @throws LogbridgeError `INVALID_OPTION`, naming the option
 */
export function resolveLevel(option: string, level: unknown): number {
  const number = typeof level === 'string' ? LEVELS[level.toLowerCase() as BunyanLevel] : level
  if (Number.isInteger(number) && (number as number) >= 0) return number as number
  const names = Object.keys(LEVELS).join(', ')
  throw new LogbridgeError(
    'INVALID_OPTION',
    `@logbridge/bunyan: option ${option} has the level ${JSON.stringify(level)}; a level is one of ${names} or a whole number`,
  )
}

/** A record from the line that bunyan gives to streams that are not raw; what cannot be read is a message. */
export function parseLine(line: string): BunyanRecord {
  try {
    return JSON.parse(line) as BunyanRecord
  } catch {
    return { level: LEVELS.info, msg: line }
  }
}

/** The record is shared with the logger's other raw streams: it is read, and nothing else. */
function convert(given: BunyanRecord): LogRecord {
  // A `toJSON` among the fields says what bunyan prints.
  const record = typeof given['toJSON'] === 'function' ? printed(given, given['toJSON']) : given
  const { msg, time, name, pid } = record
  const attributes = copyFields(record, CORE_FIELDS)
  const timestamp = toHrTime(time)
  if (timestamp === undefined && time !== undefined) attributes['time'] = time
  if (typeof name !== 'string') attributes['name'] = name
  // The process's own are on the resource.
  if (pid !== OWN_PID) attributes['pid'] = pid
  if (record.hostname !== OWN_HOSTNAME) attributes['hostname'] = record.hostname
  if (record.src !== undefined) placeSource(attributes, record.src)
  return {
    timestamp,
    body: msg,
    attributes,
    exception: serializedError(record.err) ?? errorAmong(attributes),
  }
}

function printed(record: BunyanRecord, toJSON: Function): BunyanRecord {
  try {
    const json: unknown = toJSON.call(record, '')
    return typeof json === 'object' && json !== null ? (json as BunyanRecord) : record
  } catch {
    // bunyan prints no record then.
    return record
  }
}

/**
 * `src` as bunyan makes it, as the stable attributes of https://opentelemetry.io/docs/specs/semconv/code/; one that the
 * user put there stays.
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
 * `err` after a serializer: bunyan's own makes `{ message, name, stack, code, signal }`, also where the logger has no
 * serializers and was given a bare Error.
 */
function serializedError(err: unknown): SerializedError | undefined {
  if (typeof err !== 'object' || err === null || isError(err)) return undefined
  const isText = (key: string): boolean => typeof safeGet(err, key) === 'string'
  return isText('message') && (isText('stack') || isText('name') || isText('type'))
    ? (err as SerializedError)
    : undefined
}
