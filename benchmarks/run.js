/**
 * Runs the benchmarks: `pnpm bench` prints a table for each scenario (`pnpm -s bench > docs/benchmarks.md` keeps it), `pnpm bench NAME` one scenario, `pnpm bench --json`
 * one JSON line for each comparison. Every comparison is a ratio of two figures of the same run.
 */
import os from 'node:os'
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '5' } },
})

const names = readdirSync(new URL('scenarios', import.meta.url)).map((file) => file.replace(/\.js$/, ''))
const unknown = positionals.find((name) => !names.includes(name))
if (unknown) {
  console.error(`There is no scenario ${unknown}; there are ${names.join(', ')}.`)
  process.exit(1)
}

if (!values.json) {
  console.log('# Benchmarks\n')
  console.log('Printed by `pnpm bench`. Figures drift with the machine; the ratios are what counts.\n')
  console.log(`Node ${process.version}, ${os.cpus()[0]?.model ?? os.arch()} x ${os.availableParallelism()}, `)
  console.log(
    `${new Date().toISOString().slice(0, 10)}, median (and range) of ${values.rounds} interleaved runs.\n`,
  )
}
for (const name of positionals.length > 0 ? positionals : names) {
  const scenario = await import(`./scenarios/${name}.js`)
  const { header, rows, comparisons } = await scenario.run({ rounds: Number(values.rounds) })
  if (values.json) {
    for (const comparison of comparisons) console.log(JSON.stringify(comparison))
  } else {
    console.log(`## ${scenario.title}\n\n${markdownTable([header, ...rows.map((row) => row.map(String))])}\n`)
  }
}
