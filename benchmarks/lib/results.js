import { readdirSync } from 'node:fs'
import { conditions } from './conditions.js'

const folder = new URL('../scenarios/', import.meta.url)
export const scenarioNames = readdirSync(folder).map((file) => file.replace(/\.js$/, ''))

/**
 * Runs scenarios and yields the lines of `--json`: the conditions, then for each scenario its table, its comparisons, the cause of
 * a missed goal (`shortfall`), and its charts, or its failure.
 */
export async function* results(names, rounds) {
  yield { conditions: conditions(rounds) }
  for (const name of names) {
    try {
      const { title, run, shortfall } = await import(new URL(`${name}.js`, folder))
      const { header, rows, comparisons, charts = [], note } = await run({ rounds })
      yield { table: { name, title, header, rows: rows.map((row) => row.map(String)), note } }
      yield* comparisons
      const isShort = comparisons.some(({ goal, pass }) => goal !== undefined && !pass)
      if (shortfall !== undefined && isShort) yield { shortfall: { name, text: shortfall } }
      yield* charts.map((chart) => ({ chart }))
    } catch (error) {
      yield { failure: { name, message: error instanceof Error ? error.message : String(error) } }
    }
  }
}
