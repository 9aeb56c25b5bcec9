import { numericSeverity, type SeverityNumber, type SeverityScale } from '@logbridge/bridge'
import type { Log4jsEvent } from './convert.ts'

/** Severity number of MARK, whose number 2^53 only keeps it from being filtered. The numbers of all other levels decide. */
export const SEVERITIES: Readonly<Record<string, SeverityNumber>> = { MARK: 9 }
/** Severity numbers by log4js's numbers, which the application may give to its own levels, and change for log4js's. */
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
