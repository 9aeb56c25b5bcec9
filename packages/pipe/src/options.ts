import { oneOf, type OptionRule, rules, type SeverityNumber } from '@logbridge/bridge'
import type { FormatName } from './types.ts'

/** Options of how a line becomes a record. */
export interface LineOptions {
  /**
   * Format of the lines. `auto` finds the format of each line by its keys; a line that is no JSON is a text.
   * @default 'auto'
   */
  format?: FormatName | 'auto' | undefined
  /**
   * Keys of a line that hold level, time, message, and logger, where they differ from those of the format. A key of a nested field is a
   * path with dots.
   * @default the keys of the format
   * @example
   * ```ts
   * { level: 'sev', time: 'when', message: 'text' }
   * ```
   */
  map?: FieldMap | undefined
  /**
   * IANA time zone of times that name none, such as `Europe/Berlin`.
   * @default the machine's
   */
  timezone?: string | undefined
  /**
   * Severity numbers (1-24) by level name. They win over the format's own table.
   * @example
   * ```ts
   * { audit: 11 }
   * ```
   */
  severity?: Readonly<Record<string, SeverityNumber>> | undefined
  /**
   * Adds the line itself as the attribute `log.record.original`.
   * @default false
   */
  keepOriginal?: boolean | undefined
  /**
   * Keeps the local variables of the frames of a Python exception, which may hold secrets.
   * @default false
   */
  keepLocals?: boolean | undefined
}

/** Keys of a line by their meaning. */
export interface FieldMap {
  readonly level?: string | undefined
  readonly time?: string | undefined
  readonly message?: string | undefined
  readonly logger?: string | undefined
}

const FORMAT_NAMES: readonly (FormatName | 'auto')[] = [
  'auto',
  'otlp',
  'loguru',
  'clef',
  'logbook',
  'logstash',
  'ecs',
  'logback',
  'bunyan',
  'pino',
  'zap',
  'slog',
  'logrus',
  'log4js',
  'python-json-logger',
  'structlog',
  'zerolog',
  'winston',
  'json',
  'text',
]
const MAPPED = new Set(['level', 'time', 'message', 'logger'])

function isTimeZone(value: unknown): boolean {
  if (typeof value !== 'string') return false
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: value }))
  } catch {
    return false
  }
}

/** Rules of `LineOptions`. */
export const lineOptionRules: Readonly<Record<keyof LineOptions, OptionRule>> = {
  format: oneOf(...FORMAT_NAMES),
  map: {
    accepts: 'an object with the keys of level, time, message, and logger',
    test: (value) =>
      rules.object.test(value) &&
      Object.entries(value as object).every(
        ([name, key]) => MAPPED.has(name) && (key === undefined || rules.string.test(key)),
      ),
  },
  timezone: { accepts: 'the name of an IANA time zone, such as Europe/Berlin', test: isTimeZone },
  severity: rules.severityTable,
  keepOriginal: rules.boolean,
  keepLocals: rules.boolean,
}
