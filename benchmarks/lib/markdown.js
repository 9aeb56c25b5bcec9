import { markdownTable } from 'markdown-table'

/** A table of a scenario. */
export function table({ header, rows }) {
  return markdownTable([header, ...rows])
}

/**
 * What has been compared, and whether it is as it should be.
 * @param before comparisons of runs before this one: their figures stand beside its own, and all have to hold
 */
export function goals(comparisons, before = []) {
  return markdownTable([
    ['', 'ours', 'peer', 'compared', 'figure', 'goal', ''],
    ...comparisons.map((comparison) => {
      const { scenario, ours, peer, unit, measure = 'ours : peer', goal } = comparison
      const runs = [...before.flat().filter((other) => other.scenario === scenario), comparison]
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

/** Why goals are missed, and what has been tried. */
export function reasons(shortfalls) {
  const byName = new Map(shortfalls.map(({ name, text }) => [name, text]))
  return [...byName].map(([name, text]) => `- **${name}**: ${text}`).join('\n')
}

/** @param comparison where there are several runs, the worst */
function verdict({ ratio, goal, pass, measure = 'ours : peer', unit }) {
  if (goal === undefined) return ''
  if (pass) return 'held'
  const isRatio = measure.includes(' : ')
  return `falls short by ${isRatio ? `${Math.ceil((ratio / goal - 1) * 100)} %` : quantity(ratio - goal, unit)}`
}

function quantity(value, unit = '') {
  return value === undefined ? '' : `${figure(value)} ${unit}`.trim()
}

/** Three digits that count. */
export function figure(value) {
  return Math.abs(value) >= 100
    ? Math.round(value).toLocaleString('en')
    : String(Number(value.toPrecision(3)))
}
