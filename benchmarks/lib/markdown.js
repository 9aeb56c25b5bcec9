import { markdownTable } from 'markdown-table'

/** A table of a scenario. */
export function table({ header, rows }) {
  return markdownTable([header, ...rows])
}

/** What has been compared, and whether it is as it should be. */
export function goals(comparisons) {
  return markdownTable([
    ['', 'ours', 'peer', 'compared', 'figure', 'goal', ''],
    ...comparisons.map(({ scenario, ours, peer, unit, measure = 'ours : peer', ratio, goal, pass }) => [
      scenario,
      quantity(ours, unit),
      quantity(peer, unit),
      measure,
      figure(ratio),
      goal === undefined ? '' : figure(goal),
      verdict({ ratio, goal, pass, measure, unit }),
    ]),
  ])
}

/** Why goals are missed, and what has been tried. */
export function reasons(shortfalls) {
  return shortfalls.map(({ name, text }) => `- **${name}**: ${text}`).join('\n')
}

function verdict({ ratio, goal, pass, measure, unit }) {
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
