import { numericSeverity, type SeverityNumber, type SeverityScale, severityTable } from '@logbridge/bridge'

type Severities = Readonly<Record<string, SeverityNumber>>
type Levels = Readonly<Record<string, number>>

const NONE: Levels = {}

const npm: Severities = { error: 17, warn: 13, info: 9, http: 7, verbose: 6, debug: 5, silly: 1 }

/** Severity numbers of appendix B. https://opentelemetry.io/docs/specs/otel/logs/data-model-appendix/#appendix-b-severitynumber-example-mappings */
const syslog: Severities = {
  emerg: 21,
  alert: 19,
  crit: 18,
  error: 17,
  warning: 13,
  notice: 10,
  info: 9,
  debug: 5,
}

const cli: Severities = {
  error: 17,
  warn: 13,
  help: 11,
  data: 10,
  info: 9,
  debug: 5,
  prompt: 4,
  verbose: 3,
  input: 2,
  silly: 1,
}

/** Names with one meaning in every custom set of levels. Other names get a severity between them. */
const wellKnown: Severities = { ...npm, ...syslog, fatal: 21, trace: 1 }

/** Severity numbers of `@opentelemetry/winston-transport` for the upper syslog levels, for the `severity` option. */
export const contribSyslogSeverity: Readonly<Record<'crit' | 'alert' | 'emerg', SeverityNumber>> = {
  crit: 21,
  alert: 22,
  emerg: 23,
}

/**
 * Makes the function that returns the severity numbers of a logger's levels, by name. Each set of levels has a table, because
 * loggers with different levels may share a transport and `configure()` may replace levels. Without levels the table has the
 * well-known names: a transport that is only an exception handler does not know its logger.
 */
export function createSeverities(
  overrides: Severities | undefined,
): (levels: Levels | undefined) => ReadonlyMap<string, SeverityNumber> {
  const tables = new WeakMap<Levels, ReadonlyMap<string, SeverityNumber>>()
  return (levels = NONE) => {
    let table = tables.get(levels)
    if (table === undefined) {
      table = severityTable({ ...wellKnown, ...levelSeverities(levels) }, overrides)
      tables.set(levels, table)
    }
    return table
  }
}

/**
 * Computes severity numbers for a logger's `levels` (`{ name: priority }`, 0 the most severe). winston's own sets have fixed
 * numbers. In a custom set, well-known names have fixed numbers, and names between, before and after them are spread evenly. A
 * set without any well-known name reaches from 17 (ERROR) down to 1 (TRACE).
 */
function levelSeverities(levels: Levels): Severities {
  const names = Object.keys(levels).sort((a, b) => levels[a]! - levels[b]!)
  const own = [npm, syslog, cli].find(
    (set) => names.length === Object.keys(set).length && names.every((name) => name in set),
  )
  return own ?? spread(names)
}

/** Spreads severity numbers evenly. @param names from the most severe to the least */
function spread(names: readonly string[]): Severities {
  const anchors: [index: number, severity: SeverityNumber | 25][] = []
  names.forEach((name, index) => {
    const known = Object.hasOwn(wellKnown, name) ? wellKnown[name] : undefined
    if (known !== undefined) anchors.push([index, known])
  })
  const [first] = anchors
  // Levels above an error lie between the error and the end of the scale.
  if (first !== undefined && first[1] >= 17) anchors.unshift([-1, 25])
  else if (first?.[0] !== 0) anchors.unshift([0, 17])
  if (anchors.at(-1)![0] < names.length - 1) anchors.push([names.length - 1, 1])
  return Object.fromEntries(
    names.map((name, index) => [name, numericSeverity(index, anchors as SeverityScale)]),
  )
}
