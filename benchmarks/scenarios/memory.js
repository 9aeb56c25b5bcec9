/** Measures the resident memory of a flood while the receiver is unreachable. */
import { inChild, interleave } from '../lib/child.js'
import { range, summarize, withReceiver } from '../lib/harness.js'

export const title = 'Resident memory in a flood of 1,500,000 records, receiver unreachable'

const program = new URL('../lib/memory.js', import.meta.url)
const MIB = 2 ** 20
/** Caps in MiB. 64 is the default. */
const CAPS = [32, 64, 128]
const GOAL = 1.2

export async function run({ rounds }) {
  const runs = await withReceiver(({ url }) =>
    // Three rounds are enough, because runs differ by a few percent.
    interleave(Math.min(rounds, 3), Object.fromEntries(CAPS.map((cap) => [cap, () => flood(url, cap)]))),
  )
  const results = CAPS.map((cap) => ({
    cap,
    growth: summarize(runs[cap], 'growth'),
    fromBare: summarize(runs[cap], 'fromBare'),
  }))
  return {
    header: [
      'cap, MiB',
      'growth over a connected process that logs, MiB',
      'growth : cap',
      'growth over a process without a logger, MiB',
    ],
    rows: results.map(({ cap, growth, fromBare }) => [
      cap,
      range(growth, 0),
      (growth.median / cap).toFixed(2),
      range(fromBare, 0),
    ]),
    comparisons: results.map(({ cap, growth }) => ({
      scenario: `memory: growth under a flood, cap of ${cap} MiB`,
      ours: growth.median,
      peer: cap,
      unit: 'MiB',
      measure: 'growth : cap',
      ratio: growth.median / cap,
      goal: GOAL,
      pass: growth.median / cap <= GOAL,
    })),
  }
}

async function flood(url, cap) {
  const { bare, connected, flooded, unaccounted } = await inChild(program, [url, cap * MIB])
  if (unaccounted !== 0) throw new Error(`stats() does not account for ${unaccounted} records`)
  return { growth: (flooded - connected) / MIB, fromBare: (flooded - bare) / MIB }
}
