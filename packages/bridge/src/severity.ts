import { LogbridgeError } from './error.ts'
import type { SeverityNumber } from './types.ts'

/** A numeric scale of levels: ascending `[level, severity number]` pairs, such as pino's `[[10, 1], [20, 5], …]`. */
export type SeverityScale = readonly (readonly [level: number, severity: SeverityNumber])[]

/** The scale that bunyan made and pino took over: TRACE 10 to FATAL 60. */
export const BUNYAN_SCALE: SeverityScale = [
  [10, 1],
  [20, 5],
  [30, 9],
  [40, 13],
  [50, 17],
  [60, 21],
]

/**
 * The severity of a number on a library's own scale. Between two named levels it lies in proportion (35 on
 * pino's scale is 11), above the last one likewise, up to 24; below the first it is the first.
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

/** A table from level name to severity number, with the user's `severity` option laid over it. */
export function severityTable(
  defaults: Readonly<Record<string, SeverityNumber>>,
  overrides: Readonly<Record<string, SeverityNumber>> | undefined,
): ReadonlyMap<string, SeverityNumber> {
  return new Map([...Object.entries(defaults), ...Object.entries(overrides ?? {})])
}

/** The error for a `level` option that the library does not know. */
export function unknownLevel(library: string, level: unknown, known: Iterable<string>): LogbridgeError {
  return new LogbridgeError(
    'INVALID_OPTION',
    `@logbridge/${library}: option level is ${JSON.stringify(level)}; it accepts one of ${[...known].join(', ')}`,
  )
}
