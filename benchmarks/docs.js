/**
 * Writes `docs/benchmarks.md` and its charts.
 *
 *   pnpm bench:docs                   runs all scenarios first
 *   pnpm bench:docs FILE              takes the output of `pnpm -s bench --json > FILE`
 *   pnpm bench:docs FILE EARLIER...   shows the figures of earlier outputs beside it
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { describeConditions } from './lib/conditions.js'
import { draw } from './lib/draw.js'
import { goals, reasons, table } from './lib/markdown.js'
import { results, scenarioNames } from './lib/results.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' } },
})
/** Chapters with charts, by the prefix of the names of their charts. */
const CHAPTERS = {
  cost: {
    title: 'Cost of a record',
    text: 'CPU time of the process for each record that the receiver has acknowledged. Lower is better.',
  },
  delivered: {
    title: 'Delivery of a flood',
    text: 'Share of records that arrive when an application logs them in a loop. Higher is better.',
  },
  growth: {
    title: 'Growth of the cost',
    text: 'CPU time of a delivered record as one property of the records grows. Lower is better.',
  },
}
const docs = new URL('../docs/', import.meta.url)
const charts = new URL('benchmarks/', docs)

const [entries, ...earlier] =
  positionals.length > 0
    ? positionals.map(read)
    : [await Array.fromAsync(results(scenarioNames, Number(values.rounds)))]

const failure = entries.find((entry) => entry.failure)
if (failure) throw new Error(`${failure.failure.name} failed: ${failure.failure.message}`)
const all = (kind) => entries.map((entry) => entry[kind]).filter((entry) => entry !== undefined)
const [conditions] = all('conditions')

rmSync(charts, { recursive: true, force: true })
mkdirSync(charts, { recursive: true })
for (const chart of all('chart')) writeFileSync(new URL(`${chart.name}.svg`, charts), draw(chart))

writeFileSync(
  new URL('benchmarks.md', docs),
  `# Benchmarks

Written by \`pnpm bench:docs\`. Compare ratios rather than figures: figures depend on the machine, and the runs of both sides
alternate. [Tables](#tables) with all figures and the project's [goals](#goals) are at the end.
[Shortfalls](benchmarks-shortfalls.md) has the profiles of what is short of its goal, and the stalls of the event loop.

${Object.entries(CHAPTERS).map(chapter).join('\n\n')}

## Tables

${caption()}

${all('table')
  .map((each) => `### ${each.title}\n\n${table(each)}`)
  .join('\n\n')}

## Goals

${goals(comparisonsOf(entries), earlier.map(comparisonsOf))}

${reasons([...all('shortfall'), ...earlier.flat().flatMap(({ shortfall }) => shortfall ?? [])])}
`,
)

function read(file) {
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line))
}

function comparisonsOf(lines) {
  return lines.filter(({ scenario }) => scenario)
}

function chapter([prefix, { title, text }]) {
  const ofChapter = all('chart').filter(({ name }) => name.startsWith(prefix))
  return [`## ${title}`, text, ...ofChapter.map(section)].join('\n\n')
}

function section({ name, title, packages }) {
  return `### ${title}\n\n![${title}](benchmarks/${name}.svg)\n\n*${caption(packages)}*`
}

/** Names date, machine, and the versions of packages. */
function caption(packages = Object.keys(conditions.versions)) {
  const versions = packages.map((name) => `${name} ${conditions.versions[name]}`)
  return `${describeConditions(conditions)} ${versions.join(', ')}.`
}
