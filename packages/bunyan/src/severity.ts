import {
  LogbridgeError,
  namedSeverity,
  numericSeverity,
  type SeverityNumber,
  type SeverityScale,
} from '@logbridge/bridge'

/** Name of a level. https://github.com/trentm/node-bunyan#levels */
export type BunyanLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** Copy of bunyan's `levelFromName`, because records can be read without the package. */
const LEVELS: Readonly<Record<BunyanLevel, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
}
/** Severity numbers of bunyan's levels. Other levels lie between them. */
const SCALE: SeverityScale = [
  [LEVELS.trace, 1],
  [LEVELS.debug, 5],
  [LEVELS.info, 9],
  [LEVELS.warn, 13],
  [LEVELS.error, 17],
  [LEVELS.fatal, 21],
]
/** Level of a line that cannot be parsed. */
export const INFO: number = LEVELS.info
const NAMES: ReadonlyMap<unknown, string> = new Map(
  Object.entries(LEVELS).map(([name, level]) => [level, name]),
)

/**
 * Creates the function that finds the severity number of a level.
 * @param overrides severity numbers by level: bunyan's name of the level, or its number as text
 * @throws LogbridgeError `INVALID_OPTION` when bunyan cannot have one of these levels
 */
export function createSeverities(
  overrides: Readonly<Record<string, SeverityNumber>> | undefined,
): (level: unknown) => SeverityNumber {
  const severities = new Map<unknown, SeverityNumber>(SCALE)
  for (const [level, severity] of Object.entries(overrides ?? {})) {
    severities.set(resolveLevel('severity', /^\d+$/.test(level) ? Number(level) : level), severity)
  }
  return (level) => severities.get(level) ?? otherSeverity(level)
}

/** A line of another writer may have the name of a level. */
function otherSeverity(level: unknown): SeverityNumber {
  if (typeof level === 'number') return numericSeverity(level, SCALE)
  return typeof level === 'string' ? namedSeverity(level) : 0
}

/** Returns the name of a level, or its number as text. */
export function levelName(level: number): string {
  return NAMES.get(level) ?? String(level)
}

/**
 * Resolves a level as bunyan does: a name in any case, or a whole number from 0 on.
 * @param option name of the option, for the error
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function resolveLevel(option: string, level: unknown): number {
  const number = typeof level === 'string' ? LEVELS[level.toLowerCase() as BunyanLevel] : level
  if (Number.isInteger(number) && (number as number) >= 0) return number as number
  const names = Object.keys(LEVELS).join(', ')
  throw new LogbridgeError(
    'INVALID_OPTION',
    `@logbridge/bunyan: option ${option} has the level ${JSON.stringify(level)}; a level is one of ${names} or a whole number`,
  )
}
