import type { Fields, ParsedRecord } from './types.ts'

/** Libraries of the formats, which are the scopes of records whose line names no logger. */
const LIBRARIES: Readonly<Partial<Record<ParsedRecord['format'], string>>> = {
  loguru: 'loguru',
  clef: 'serilog',
  logbook: 'logbook',
  logstash: 'logback',
  logback: 'logback',
  bunyan: 'bunyan',
  pino: 'pino',
  zap: 'zap',
  slog: 'slog',
  logrus: 'logrus',
  log4js: 'log4js',
  'python-json-logger': 'python-json-logger',
  structlog: 'structlog',
  zerolog: 'zerolog',
  winston: 'winston',
}

/** Creates a record without parts, so that all records have one shape. */
export function createRecord(format: ParsedRecord['format'], attributes: Fields): ParsedRecord {
  return {
    format,
    timestamp: undefined,
    observedTimestamp: undefined,
    severityNumber: 0,
    severityText: undefined,
    scope: LIBRARIES[format],
    body: undefined,
    attributes,
    exception: undefined,
    context: undefined,
    resource: undefined,
  }
}
