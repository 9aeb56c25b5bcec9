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
