/** Runs benchmarks and prints their results: `pnpm bench --help`. */
import { parseArgs } from 'node:util'
import { describeConditions } from './lib/conditions.js'
import { goals, reasons, table } from './lib/markdown.js'
import { results, scenarioNames } from './lib/results.js'

const STRICT_RUNS = 3
const HELP = `pnpm bench [NAME...] [--rounds N] [--strict] [--json]

Runs the named scenarios, or all of them: ${scenarioNames.join(', ')}.

  --rounds N  number of alternating runs of logbridge and the peer; results are medians. Default 5.
  --strict    runs the scenarios ${STRICT_RUNS} times in a row, and exits with 1 when a run misses a goal.
  --json      prints one line of JSON for each comparison: scenario, ours, peer, unit, ratio, goal, pass.
              A line with a single key is conditions, table, shortfall, chart, or failure.
  --help      prints this text.

Exits with 1 when a scenario fails, for example because logbridge lost a record. The summary shows how much each missed
goal is missed by.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    strict: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    help: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const unknown = positionals.find((name) => !scenarioNames.includes(name))
if (values.help) {
  console.log(HELP)
} else if (unknown !== undefined || !(Number.isInteger(rounds) && rounds > 0)) {
  console.error(
    unknown === undefined ? '--rounds must be an integer from 1.' : `There is no scenario ${unknown}.`,
  )
  console.error(`\n${HELP}`)
  process.exitCode = 1
} else {
  await run(positionals.length > 0 ? positionals : scenarioNames)
}

async function run(names) {
  const runs = []
  const shortfalls = []
  while (runs.length < (values.strict ? STRICT_RUNS : 1)) {
    const comparisons = []
    runs.push(comparisons)
    for await (const result of results(names, rounds)) {
      if (result.failure) process.exitCode = 1
      if (values.strict && result.goal !== undefined && !result.pass) process.exitCode = 1
      if (result.scenario) comparisons.push(result)
      if (result.shortfall) shortfalls.push(result.shortfall)
      if (values.json) console.log(JSON.stringify(result))
      else print(result)
    }
  }
  if (!values.json) console.log(`## Goals\n\n${goals(runs.pop(), runs)}\n\n${reasons(shortfalls)}`)
}

function print(result) {
  if (result.conditions) console.log(`# Benchmarks\n\n${describeConditions(result.conditions)}\n`)
  if (result.table) console.log(`## ${result.table.title}\n\n${table(result.table)}\n`)
  if (result.failure) console.log(`## ${result.failure.name} failed\n\n${result.failure.message}\n`)
}
