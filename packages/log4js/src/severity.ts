import { numericSeverity, type SeverityNumber, type SeverityScale } from '@logbridge/bridge'
import type { Log4jsEvent } from './convert.ts'

/** Severity numbers of log4js's levels. MARK has the level 2^53 because it is always logged. */
export const SEVERITIES: Readonly<Record<string, SeverityNumber>> = {
  TRACE: 1,
  DEBUG: 5,
  INFO: 9,
  WARN: 13,
  ERROR: 17,
  FATAL: 21,
  MARK: 9,
}
/** Severity numbers by log4js's numbers, for levels that the application adds. */
const SCALE: SeverityScale = [
  [5000, 1],
  [10_000, 5],
  [20_000, 9],
  [30_000, 13],
  [40_000, 17],
  [50_000, 21],
]

/** Returns the severity number of a level, 0 without a level. */
export function severityOf(
  level: Log4jsEvent['level'],
  severities: ReadonlyMap<string, SeverityNumber>,
): SeverityNumber {
  if (!level) return 0
  return severities.get(level.levelStr) ?? numericSeverity(level.level, SCALE)
}
