import { type Adapter, type HrTime, type LogRecord, toHrTime } from '@logbridge/bridge'
import { isObject, extractException } from './exception.ts'
import { type Field, fieldsOf, linePrefixOf, type Line } from './line.ts'
import { createLoggerReader, type LineConfig } from './logger.ts'
import type { Severity, SeverityOf } from './severity.ts'
import { removeActiveSpan, extractContext } from './trace.ts'

const UNKNOWN: Severity = { text: undefined, number: 0 }

/**
 * Reads the lines of loggers in this thread: pino names the logger of each.
 * @param nameIsScope `false` leaves a logger's name among the attributes, because the user has named the scope
 */
export function createAdapter(severityOf: SeverityOf, nameIsScope: boolean): Adapter<Line> {
  const loggers = createLoggerReader()
  return fromLines(severityOf, {
    config: ({ logger }) => loggers.config(logger),
    scope: ({ logger, text }) => (nameIsScope && logger ? loggers.name(logger, text) : undefined),
    context: removeActiveSpan,
  })
}

/** Reads lines that have crossed into a worker: there is only the line, and what pino says once of its logger. */
export function createWorkerAdapter(
  severityOf: SeverityOf,
  nameIsScope: boolean,
  config: LineConfig,
): Adapter<Line> {
  let hasName = nameIsScope
  return fromLines(severityOf, {
    config: () => config,
    scope(line) {
      // A logger with a name writes it on each line. One line without tells that it has none, and `name` is a field.
      const { name } = linePrefixOf(line)
      hasName &&= name !== undefined
      return hasName ? parseText(name!.value) : undefined
    },
    context: extractContext,
  })
}

/** JSON.parse of a text, which most often has nothing to unescape. */
function parseText(json: string): string {
  return json.includes('\\') ? (JSON.parse(json) as string) : json.slice(1, -1)
}

/** How one gets to know what the line does not say. */
interface Source {
  config(line: Line): LineConfig
  scope(line: Line): string | undefined
  /** Takes the span that `traceContext` put there off the fields. */
  context(fields: Record<string, unknown>): LogRecord['context']
}

function fromLines(severityOf: SeverityOf, source: Source): Adapter<Line> {
  function findSeverity(line: Line): Severity {
    const { levels } = source.config(line)
    if (line.level !== undefined) return severityOf(line.level, levels)
    const { level } = linePrefixOf(line)
    if (level !== undefined) {
      const value = level.value.startsWith('"') ? parseText(level.value) : Number(level.value)
      const found = severityOf(value, levels)
      // Under a key of `formatters.level`'s own, it is a level only if it is called like one: `"severity":"INFO"`.
      if (level.key === 'level' || (typeof value === 'string' && found.number !== 0)) return found
    }
    const field = fieldsOf(line, source.config(line))?.['level']
    return typeof field === 'string' || typeof field === 'number' ? severityOf(field, levels) : UNKNOWN
  }

  return {
    library: 'pino',
    classify(line) {
      const { text: severityText, number: severityNumber } = findSeverity(line)
      return { severityNumber, severityText, scope: source.scope(line) }
    },
    isSameCall: (previous, line) => previous.text === line.text && previous.logger === line.logger,
    convert(line, { scope }) {
      const config = source.config(line)
      const fields = fieldsOf(line, config)
      if (fields === undefined) return { body: line.text.replace(/\r?\n$/, '') }
      const { messageKey, errorKey, nestedKey } = config
      const timestamp = extractTime(line, fields)
      extractLevel(line, fields)
      extractName(line, fields, scope)
      // pino puts what was logged, and what the mixin added, under `nestedKey`; the message stays outside.
      const nested = nestedKey ? fields[nestedKey] : undefined
      const logged = isObject(nested) ? nested : fields
      const context = source.context(logged)
      const exception = extractException(logged, errorKey, line.logged)
      const body = line.message ?? fields[messageKey]
      if (Object.hasOwn(fields, messageKey)) delete fields[messageKey]
      return {
        timestamp,
        body,
        attributes: fields,
        exception,
        context,
      }
    },
  }
}

/** What is not understood stays an attribute, and the time of the call is the record's. */
function extractTime(line: Line, fields: Record<string, unknown>): HrTime | undefined {
  const { level, time } = linePrefixOf(line)
  const millis = time && readMillis(time)
  if (millis !== undefined) return toHrTime(millis)
  const json = time?.value ?? line.time
  // pino was told to write none. Lines of others may have one that is not in the head.
  if (json === undefined && level !== undefined) return undefined
  const text = json?.startsWith('"') ? json.slice(1, -1) : json
  const timestamp = toHrTime(text ?? fields['time'])
  if (timestamp === undefined) {
    if (time) restoreField(fields, time.key, time.value)
  } else if (!time && (json === undefined || JSON.stringify(fields['time']) === json)) delete fields['time']
  return timestamp
}

/** The 13 digits that pino writes by default, which `toHrTime` would first have to tell from other texts: 0.1 us. */
export function readMillis({ value }: Field): number | undefined {
  if (value.length !== 13) return undefined
  const millis = Number(value)
  // No room for a quote, a sign or decimals.
  return millis >= 1e12 ? millis : undefined
}

function extractLevel(line: Line, fields: Record<string, unknown>): void {
  const { level, other } = linePrefixOf(line)
  if (other) restoreField(fields, other.key, other.value)
  if (level === undefined) {
    if (line.level === undefined || line.level === fields['level']) delete fields['level']
  } else if (level.key !== 'level') restoreField(fields, level.key, level.value)
}

function extractName(line: Line, fields: Record<string, unknown>, scope: string | undefined): void {
  const { name } = linePrefixOf(line)
  if (name && name.value.slice(1, -1) !== scope) restoreField(fields, 'name', name.value)
  // That of a child comes after its parent's.
  if (scope !== undefined && fields['name'] === scope) delete fields['name']
}

/** Of two fields with one key the later one counts, as in JSON.parse. */
function restoreField(fields: Record<string, unknown>, key: string, json: string): void {
  if (!Object.hasOwn(fields, key)) fields[key] = JSON.parse(json)
}
