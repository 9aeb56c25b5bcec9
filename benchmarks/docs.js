/**
 * Writes `docs/benchmarks.md` and its pictures: `pnpm bench:docs` after a run of all scenarios, `pnpm bench:docs FILE` of
 * what `pnpm -s bench --json > FILE` has printed. The figures of runs before that, `pnpm bench:docs FILE BEFORE...`, stand beside
 * its own.
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
/** The chapters, each with the charts whose names begin so. */
const PICTURES = {
  cost: 'What a record costs, by peer',
  delivered: 'What a flood delivers',
  growth: 'How the cost grows',
}
const docs = new URL('../docs/', import.meta.url)
const pictures = new URL('benchmarks/', docs)

const [entries, ...before] =
  positionals.length > 0
    ? positionals.map(read)
    : [await Array.fromAsync(results(scenarioNames, Number(values.rounds)))]

const failure = entries.find((entry) => entry.failure)
if (failure) throw new Error(`${failure.failure.name} failed: ${failure.failure.message}`)
const all = (kind) => entries.map((entry) => entry[kind]).filter((entry) => entry !== undefined)
const [conditions] = all('conditions')

rmSync(pictures, { recursive: true, force: true })
mkdirSync(pictures, { recursive: true })
for (const chart of all('chart')) writeFileSync(new URL(`${chart.name}.svg`, pictures), draw(chart))

writeFileSync(
  new URL('benchmarks.md', docs),
  `# Benchmarks

Written by \`pnpm bench:docs\`. Figures drift with the machine, the ratios hardly: ours and the peer's runs alternate.

${under()}

## Goals

${goals(comparisonsOf(entries), before.map(comparisonsOf))}

${reasons([...all('shortfall'), ...before.flat().flatMap(({ shortfall }) => shortfall ?? [])])}

${Object.entries(PICTURES).map(chapter).join('\n\n')}

## Tables

${all('table')
  .map((each) => `### ${each.title}\n\n${table(each)}`)
  .join('\n\n')}
`,
)

function read(file) {
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line))
}

function comparisonsOf(lines) {
  return lines.filter(({ scenario }) => scenario)
}

function chapter([prefix, title]) {
  const charts = all('chart').filter(({ name }) => name.startsWith(prefix))
  return [`## ${title}`, ...charts.map(picture)].join('\n\n')
}

function picture({ name, title, packages }) {
  return `### ${title}\n\n![${title}](benchmarks/${name}.svg)\n\n*${under(packages)}*`
}

/** What stands under a figure; of the versions, those of what it shows. */
function under(packages = Object.keys(conditions.versions)) {
  const versions = packages.map((name) => `${name} ${conditions.versions[name]}`)
  return `${describeConditions(conditions)} ${versions.join(', ')}.`
}
