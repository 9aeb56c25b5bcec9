import { numericSeverity, type SeverityNumber, severityTable, unknownLevel } from '@logbridge/bridge'
import { DEFAULTS, type Levels } from './logger.ts'

const SEVERITIES: Readonly<Record<string, SeverityNumber>> = {
  trace: 1,
  debug: 5,
  info: 9,
  warn: 13,
  error: 17,
  fatal: 21,
}

/** Name of a level, and its severity number: 0 for an unknown level. */
export interface Severity {
  readonly text: string | undefined
  readonly number: SeverityNumber
}

/** Function that finds the severity of a level: a number, or the text of `formatters.level`. */
export type SeverityOf = (level: string | number, levels: Levels) => Severity

/**
 * Creates a `SeverityOf`. A level is found in the option `severity`, by its number or name; by its name among pino's six; then by its number on
 * the logger's scale. A text that is no name is tried in lower case, because formatters write `INFO`.
 */
export function createSeverityOf(
  overrides: Readonly<Record<string, SeverityNumber>> | undefined,
): SeverityOf {
  const table = severityTable(SEVERITIES, overrides)
  const scales = new WeakMap<object, (level: number) => SeverityNumber>()

  function byNumber(level: number, values: Levels['values']): SeverityNumber {
    let scale = scales.get(values)
    if (!scale) scales.set(values, (scale = createScale(values)))
    return scale(level)
  }

  function find(level: string | number, { labels, values }: Levels): Severity {
    if (typeof level === 'number') {
      const text = labels[level] ?? String(level)
      return { text, number: table.get(String(level)) ?? table.get(text) ?? byNumber(level, values) }
    }
    const isName = table.has(level) || Object.hasOwn(values, level)
    const text = isName ? level : level.toLowerCase()
    const number = table.get(text)
    if (number !== undefined) return { text, number }
    if (Object.hasOwn(values, text)) return { text, number: byNumber(values[text]!, values) }
    return { text: level, number: 0 }
  }

  let last: Severity | undefined
  let lastLevel: string | number | undefined
  let lastLevels: Levels | undefined
  return (level, levels) => {
    if (last === undefined || level !== lastLevel || levels !== lastLevels) {
      last = find(level, levels)
      lastLevel = level
      lastLevels = levels
    }
    return last
  }
}

/**
 * Creates the scale of a logger from the names that are pino's as well. With `useOnlyCustomLevels` these can have other numbers,
 * which may descend as in syslog (`emerg` 0, `error` 3, `info` 6).
 */
function createScale(values: Levels['values']): (level: number) => SeverityNumber {
  const names = Object.keys(SEVERITIES).filter((name) => Object.hasOwn(values, name))
  if (names.length < 2) return createScale(DEFAULTS.levels.values)
  const sign = values[names[0]!]! < values[names.at(-1)!]! ? 1 : -1
  const scale = names.map((name) => [sign * values[name]!, SEVERITIES[name]!] as const)
  // `sign` makes the numbers ascend.
  return (level) => Math.max(numericSeverity(sign * level, scale), 1) as SeverityNumber
}

/**
 * Resolves the option `level` to a severity number.
 * @throws LogbridgeError `INVALID_OPTION` when neither pino nor `severity` knows the name
 */
export function minimumOf(
  level: string | number | undefined,
  levels: Levels,
  severityOf: SeverityOf,
): SeverityNumber {
  if (level === undefined) return 0
  const { number } = severityOf(level, levels)
  if (number === 0)
    throw unknownLevel('pino', level, [...Object.keys(levels.values), "a number on pino's scale"])
  return number
}
