import { type Adapter, type HrTime, type LogRecord, namedSeverity, toHrTime } from '@logbridge/bridge'
import {
  activeContext,
  callSites,
  extractException,
  isFields,
  removeSpanFields,
} from '@logbridge/bridge/internal'
import { fieldsOf, linePrefixOf, type Line } from './line.ts'
import { createLoggerReader, type Levels, type LineConfig } from './logger.ts'
import { readMetadata, readMillis } from './metadata.ts'
import { createUnchangedLoggers } from './unchangedLogger.ts'
import type { Severity, SeverityOf } from './severity.ts'
import { extractContext } from './context.ts'

const UNKNOWN: Severity = { text: undefined, number: 0 }

/**
 * Creates the adapter for lines of this thread. pino passes the logger with each line.
 * @param nameIsScope `false` when the option `scope` names the scope; a logger's name then stays an attribute
 * @param readsMetadata `false` when each record is read from its line
 */
export function createAdapter(
  severityOf: SeverityOf,
  nameIsScope: boolean,
  readsMetadata: boolean,
): Adapter<Line> {
  const loggers = createLoggerReader()
  const unchanged = createUnchangedLoggers(loggers, nameIsScope)
  const fromText = fromLines(severityOf, {
    config: ({ logger, unchanged }) => unchanged?.config ?? loggers.config(logger),
    scope({ logger, text, unchanged }) {
      if (unchanged) return unchanged.scope
      return nameIsScope && logger ? loggers.name(logger, text) : undefined
    },
    context: () => undefined,
  })
  const adapter = { ...fromText, callers }
  if (!readsMetadata) return adapter
  return {
    ...adapter,
    classify(line) {
      const { logger, writtenTo } = line
      if (logger && writtenTo) line.unchanged = unchanged(logger, writtenTo)
      return adapter.classify(line)
    },
    convert(line, classified) {
      const record = line.unchanged && readMetadata(line, line.unchanged)
      return record ?? adapter.convert(line, classified)
    },
  }
}

/** Returns the callers of the logger's method that wrote a line, e.g. of `logger.info`. */
function callers({ logger, level }: Line): NodeJS.CallSite[] {
  const method: unknown = logger?.[logger.levels.labels[level!]!]
  return typeof method === 'function' ? callSites(method as () => void) : []
}

/** Creates the adapter for lines in pino's worker, which has the lines, and the logger's configuration once. */
export function createWorkerAdapter(
  severityOf: SeverityOf,
  nameIsScope: boolean,
  config: LineConfig,
): Adapter<Line> {
  let hasName = nameIsScope
  return fromLines(severityOf, {
    config: () => config,
    scope(line) {
      // A named logger writes its name on each line. After a line without it, `name` is a field of the application.
      const { name } = linePrefixOf(line)
      hasName &&= name !== undefined
      return hasName ? parseText(name!.value) : undefined
    },
    context: extractContext,
  })
}

/** Parses a JSON text. A text without escapes needs no JSON.parse. */
function parseText(json: string): string {
  return json.includes('\\') ? (JSON.parse(json) as string) : json.slice(1, -1)
}

/** Facts about a line beside its text. */
interface Source {
  config(line: Line): LineConfig
  scope(line: Line): string | undefined
  /** Returns the context of the log call from the fields, and removes its fields; `undefined` for the active context. */
  context(fields: Record<string, unknown>): LogRecord['context']
}

function fromLines(severityOfLevel: SeverityOf, source: Source): Adapter<Line> {
  /** A formatter may write the word of another system: `"severity":"WARNING"`. */
  function severityOf(level: string | number, levels: Levels): Severity {
    const found = severityOfLevel(level, levels)
    return found.number === 0 && typeof level === 'string'
      ? { text: level, number: namedSeverity(level) }
      : found
  }

  function findSeverity(line: Line): Severity {
    const { levels } = source.config(line)
    if (line.level !== undefined) return severityOf(line.level, levels)
    const { level } = linePrefixOf(line)
    if (level !== undefined) {
      const value = level.value.startsWith('"') ? parseText(level.value) : Number(level.value)
      const found = severityOf(value, levels)
      // Under another key, which `formatters.level` chose, the value counts when it is the name of a level: `"severity":"INFO"`.
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
    // Without their logger, equal texts are no proof.
    isSameCall: (previous, line) =>
      line.logger !== undefined && previous.logger === line.logger && previous.text === line.text,
    convert(line, { scope }) {
      const config = source.config(line)
      const fields = fieldsOf(line, config)
      if (fields === undefined) return { body: line.text.replace(/\r?\n$/, '') }
      const { messageKey, errorKey, nestedKey } = config
      const timestamp = extractTime(line, fields)
      extractLevel(line, fields)
      extractName(line, fields, scope)
      // pino puts the logged object and the mixin's fields under `nestedKey`; the message stays outside.
      const nested = nestedKey ? fields[nestedKey] : undefined
      const logged = isFields(nested) ? nested : fields
      const context = source.context(logged)
      // The bridge removes the fields of the span from the attributes alone.
      if (logged !== fields) removeSpanFields(logged, context ?? activeContext())
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

/** Reads and removes the time. A time that cannot be read stays an attribute, and the record gets the time of the call. */
function extractTime(line: Line, fields: Record<string, unknown>): HrTime | undefined {
  const { level, time } = linePrefixOf(line)
  const millis = time && readMillis(time.value)
  if (millis !== undefined) return toHrTime(millis)
  const json = time?.value ?? line.time
  // pino's `timestamp` is off. A line of another writer may have a time behind the prefix.
  if (json === undefined && level !== undefined) return undefined
  const text = json?.startsWith('"') ? json.slice(1, -1) : json
  const timestamp = toHrTime(text ?? fields['time'])
  if (timestamp === undefined) {
    if (time) restoreField(fields, time.key, time.value)
  } else if (!time && (json === undefined || JSON.stringify(fields['time']) === json)) delete fields['time']
  return timestamp
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
  // A child's name stands behind its parent's.
  if (scope !== undefined && fields['name'] === scope) delete fields['name']
}

/** Adds a field of the prefix, unless the line has a later field with the same key: JSON.parse keeps the later field. */
function restoreField(fields: Record<string, unknown>, key: string, json: string): void {
  if (!Object.hasOwn(fields, key)) fields[key] = JSON.parse(json)
}
