import {
  namedSeverity,
  numericSeverity,
  type SeverityNumber,
  type SeverityScale,
  severityTable,
} from '@logbridge/bridge'

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

/** Severity numbers of `@opentelemetry/winston-transport` for the upper syslog levels, for the `severity` option. */
export const contribSyslogSeverity: Readonly<Record<'crit' | 'alert' | 'emerg', SeverityNumber>> = {
  crit: 21,
  alert: 22,
  emerg: 23,
}

/**
 * Makes the function that returns the severity number of a logger's level, by name. Each set of levels has a table, because
 * loggers with different levels may share a transport and `configure()` may replace levels. A level that is in no table has the
 * number of its name, because a transport that is only an exception handler knows no levels of a logger.
 */
export function createSeverities(
  overrides: Severities | undefined,
): (levels: Levels | undefined, level: string) => SeverityNumber {
  const tables = new WeakMap<Levels, ReadonlyMap<string, SeverityNumber>>()
  return (levels = NONE, level) => {
    let table = tables.get(levels)
    if (table === undefined) {
      table = severityTable(levelSeverities(levels), overrides)
      tables.set(levels, table)
    }
    return table.get(level) ?? namedSeverity(level)
  }
}

/**
 * Computes severity numbers for a logger's `levels` (`{ name: priority }`, 0 the most severe). winston's own sets have fixed
 * numbers. In a custom set, known names have the numbers of `namedSeverity` where these numbers fall in the order of the levels. Names
 * between, before, and after the known names are spread evenly. A set without any known name reaches from 17 (ERROR) down to 1 (TRACE).
 */
function levelSeverities(levels: Levels): Severities {
  const names = Object.keys(levels).sort((a, b) => levels[a]! - levels[b]!)
  const own = [npm, syslog, cli].find(
    (set) =>
      names.length === Object.keys(set).length &&
      names.every((name) => Object.hasOwn(set, name.toLowerCase())),
  )
  return own ? Object.fromEntries(names.map((name) => [name, own[name.toLowerCase()]!])) : spread(names)
}

/** Level with a fixed severity number, by its index. 25 is the end of the scale, above the most severe level. */
type Anchor = [index: number, severity: SeverityNumber | 25]

/**
 * Spreads severity numbers evenly between the names with a fixed severity number.
 * @param names from the most severe to the least
 */
function spread(names: readonly string[]): Severities {
  const known = names.map((name, index): Anchor => [index, namedSeverity(name)])
  const anchors = longestDescent(known.filter(([, severity]) => severity > 0))
  const [first] = anchors
  // Levels above an error lie between the error and the end of the scale.
  if (first !== undefined && first[1] >= 17) anchors.unshift([-1, 25])
  else if (first?.[0] !== 0) anchors.unshift([0, 17])
  if (anchors.at(-1)![0] < names.length - 1) anchors.push([names.length - 1, 1])
  return Object.fromEntries(
    names.map((name, index) => [name, numericSeverity(index, anchors as SeverityScale)]),
  )
}

/**
 * Returns the longest run of anchors in which no severity rises from one anchor to the next. A run may leave out anchors between its own.
 * Among runs of one length the run with more different severities wins, then the run with the higher severities, so that errors stay errors.
 */
function longestDescent(anchors: readonly Anchor[]): Anchor[] {
  const runs: Anchor[][] = []
  for (const anchor of anchors) {
    const before = runs.filter((run) => run.at(-1)![1] >= anchor[1])
    runs.push([...best(before), anchor])
  }
  return best(runs)
}

function best(runs: readonly Anchor[][]): Anchor[] {
  return runs.reduce<Anchor[]>((found, run) => (rank(run) > rank(found) ? run : found), [])
}

/** Weighs a run by its length, then by its number of different severities, then by their sum. */
function rank(run: readonly Anchor[]): number {
  const severities = run.map(([, severity]) => severity)
  const sum = severities.reduce<number>((total, severity) => total + severity, 0)
  return run.length * 1e6 + new Set(severities).size * 1e4 + sum
}
