import { LogbridgeError } from './error.ts'
import type { SeverityNumber } from './types.ts'

/** Numeric scale of levels: ascending `[level, severity number]` pairs, such as pino's `[[10, 1], [20, 5], …]`. */
export type SeverityScale = readonly (readonly [level: number, severity: SeverityNumber])[]

/**
 * Maps a level to a severity number by a library's scale. Interpolates between two levels of the scale (35 on pino's scale is 11), and
 * extrapolates above the last level, up to 24. A level below the first level gets the severity number of the first level. NaN gets 0, as does any
 * level on an empty scale.
 */
export function numericSeverity(level: number, scale: SeverityScale): SeverityNumber {
  const first = scale[0]
  if (first === undefined || Number.isNaN(level)) return 0
  if (level <= first[0] || scale.length === 1) return first[1]
  let upper = 1
  while (upper < scale.length - 1 && level >= scale[upper]![0]) upper += 1
  const [fromLevel, fromSeverity] = scale[upper - 1]!
  const [toLevel, toSeverity] = scale[upper]!
  if (toLevel === fromLevel) return toSeverity
  const share = (level - fromLevel) / (toLevel - fromLevel)
  return Math.min(Math.floor(fromSeverity + share * (toSeverity - fromSeverity)), 24) as SeverityNumber
}

/**
 * Severity numbers of level names, with the aliases that logging libraries use. One table for all adapters.
 * https://opentelemetry.io/docs/specs/otel/logs/data-model-appendix/#appendix-b-severitynumber-example-mappings
 */
const NAMED: ReadonlyMap<string, SeverityNumber> = new Map<string, SeverityNumber>([
  ['silly', 1],
  ['trace', 1],
  ['debug', 5],
  ['verbose', 6],
  ['http', 7],
  ['info', 9],
  ['information', 9],
  ['informational', 9],
  ['notice', 10],
  ['warn', 13],
  ['warning', 13],
  ['err', 17],
  ['error', 17],
  ['crit', 18],
  ['critical', 21],
  ['alert', 19],
  ['emerg', 21],
  ['emergency', 21],
  ['fatal', 21],
  ['panic', 21],
])

/** Finds the severity number of a level by its name or alias (`warning`, `ERR`), in any case. Returns 0 for another name. */
export function namedSeverity(level: string): SeverityNumber {
  return NAMED.get(level) ?? NAMED.get(level.toLowerCase()) ?? 0
}

/** Returns a severity number of the data model unchanged, and 0 for any other value. */
export function validSeverity(value: unknown): SeverityNumber {
  return typeof value === 'number' && value >= 1 && value < 25 ? (Math.trunc(value) as SeverityNumber) : 0
}

/** Merges the severity numbers of a library's levels with the option `severity`, which takes precedence. */
export function severityTable(
  defaults: Readonly<Record<string, SeverityNumber>>,
  overrides: Readonly<Record<string, SeverityNumber>> | undefined,
): ReadonlyMap<string, SeverityNumber> {
  return new Map([...Object.entries(defaults), ...Object.entries(overrides ?? {})])
}

/** Makes the error for a value of the option `level` that the library does not know. */
export function unknownLevel(library: string, level: unknown, known: Iterable<string>): LogbridgeError {
  return new LogbridgeError(
    'INVALID_OPTION',
    `@logbridge/${library}: option level is ${JSON.stringify(level)}; it accepts one of ${[...known].join(', ')}`,
  )
}
