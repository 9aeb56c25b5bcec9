import type { HrTime, SerializedError, SeverityNumber } from '@logbridge/bridge'
import type { Context } from '@opentelemetry/api'

/** Names of the formats, in the order in which a line is tested for them. */
export type FormatName =
  | 'otlp'
  | 'loguru'
  | 'clef'
  | 'logbook'
  | 'logstash'
  | 'ecs'
  | 'logback'
  | 'bunyan'
  | 'pino'
  | 'zap'
  | 'slog'
  | 'logrus'
  | 'log4js'
  | 'python-json-logger'
  | 'structlog'
  | 'zerolog'
  | 'winston'
  | 'json'
  | 'text'

/** Fields of a JSON object. */
export type Fields = Record<string, unknown>

/**
 * Log record that a line became. Has the fields of the record of the Logs API, so that `Logger.emit` takes it.
 * An attribute with the value `undefined` has been moved to another place, and is omitted.
 */
export interface ParsedRecord {
  readonly format: Exclude<FormatName, 'otlp'>
  /** Time in the line; `undefined` when the line has none. */
  timestamp: HrTime | undefined
  /** Time at which a container runtime got the line; `undefined` outside of its files. */
  observedTimestamp: HrTime | undefined
  /** Severity number 1-24; 0 when the line has no level, or an unknown level. */
  severityNumber: SeverityNumber
  /** Name of the level in the library's own spelling. */
  severityText: string | undefined
  /** Name of the logger, else of the library: the instrumentation scope. `undefined` when the format is of no library. */
  scope: string | undefined
  body: unknown
  /** All other fields, nested values nested. The object belongs to the reader of the record. */
  attributes: Fields
  /** Exception of the record. */
  exception: Error | SerializedError | undefined
  /** Context with the span that the line names. */
  context: Context | undefined
  /** Attributes of the resource that the line names, such as `service.name` of ECS. */
  resource: Fields | undefined
}

/** Line of OTLP's JSON encoding: one export request of one signal, which passes whole. */
export interface OtlpLine {
  readonly format: 'otlp'
  readonly signal: 'logs' | 'traces' | 'metrics'
  /** Request as JSON, as it stands in the line. */
  readonly json: string
  /** The request, parsed. Integers beyond the safe integers are bigints. */
  readonly request: Fields
}

/** Result for a line. */
export type ParsedLine = ParsedRecord | OtlpLine
