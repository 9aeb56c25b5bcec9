import { markdownTable } from 'markdown-table'

/** Formats the table of a scenario, and its note. */
export function table({ header, rows, note }) {
  return markdownTable([header, ...rows]) + (note === undefined ? '' : `\n\n${note}`)
}

/**
 * Formats comparisons and their goals.
 *
 * @param earlier comparisons of earlier runs, whose figures are printed too; every run must meet a goal
 */
export function goals(comparisons, earlier = []) {
  return markdownTable([
    ['', 'ours', 'peer', 'compared', 'figure', 'goal', ''],
    ...comparisons.map((comparison) => {
      const { scenario, ours, peer, unit, measure = 'ours : peer', goal } = comparison
      const runs = [...earlier.flat().filter((other) => other.scenario === scenario), comparison]
      return [
        scenario,
        quantity(ours, unit),
        quantity(peer, unit),
        measure,
        runs.map(({ ratio }) => figure(ratio)).join(', '),
        goal === undefined ? '' : figure(goal),
        verdict(runs.reduce((worst, run) => (run.ratio > worst.ratio ? run : worst))),
      ]
    }),
  ])
}

/** Formats the causes of missed goals. */
export function reasons(shortfalls) {
  const byName = new Map(shortfalls.map(({ name, text }) => [name, text]))
  return [...byName].map(([name, text]) => `- **${name}**: ${text}`).join('\n')
}

/** Formats the result of a comparison with its goal. */
function verdict({ ratio, goal, pass, measure = 'ours : peer', unit }) {
  if (goal === undefined) return ''
  if (pass) return 'met'
  const isRatio = measure.includes(' : ')
  return `missed by ${isRatio ? `${Math.ceil((ratio / goal - 1) * 100)} %` : quantity(ratio - goal, unit)}`
}

function quantity(value, unit = '') {
  return value === undefined ? '' : `${figure(value)} ${unit}`.trim()
}

/** Formats a number with three significant digits. */
export function figure(value) {
  return Math.abs(value) >= 100
    ? Math.round(value).toLocaleString('en')
    : String(Number(value.toPrecision(3)))
}
