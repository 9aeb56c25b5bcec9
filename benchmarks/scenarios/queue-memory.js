/** Measures resident memory at the byte cap, by the shape of the records in the queue. */
import { inChild, interleave } from '../lib/child.js'
import { range, summarize, withReceiver } from '../lib/harness.js'

export const title = 'Resident memory at a cap of 64 MiB, receiver unreachable, by content of the queue'

const program = new URL('../lib/queueMemory.js', import.meta.url)
const MIB = 2 ** 20
const CAP = 64
const GOAL = 1.2
const MODES = {
  small: 'small records',
  batch1: 'batches of one record',
  resource: 'batches of one record, a resource of 100 kB',
  scopes: '10,000 scopes of 1 kB, in turn',
  bigscopes: '500 scopes of 60 kB, in turn',
  uniqscopes: 'a scope for each record',
  keys: 'two keys for each record',
}

export async function run({ rounds }) {
  const runs = await withReceiver(({ url }) =>
    interleave(
      Math.min(rounds, 3),
      Object.fromEntries(Object.keys(MODES).map((mode) => [mode, () => fill(mode, url)])),
    ),
  )
  const results = Object.entries(MODES).map(([mode, name]) => ({
    name,
    growth: summarize(runs[mode], 'growth'),
    counted: summarize(runs[mode], 'counted'),
  }))
  return {
    header: [
      'content of the queue',
      'growth over a connected process that logs the same, MiB',
      'growth : cap',
      'counted, MiB',
    ],
    rows: results.map(({ name, growth, counted }) => [
      name,
      range(growth, 0),
      (growth.median / CAP).toFixed(2),
      range(counted, 0),
    ]),
    comparisons: results.map(({ name, growth }) => ({
      scenario: `queue memory: growth under a flood, ${name}`,
      ours: growth.median,
      peer: CAP,
      unit: 'MiB',
      measure: 'growth : cap',
      ratio: growth.median / CAP,
      goal: GOAL,
      pass: growth.median / CAP <= GOAL,
    })),
  }
}

async function fill(mode, url) {
  const { connected, flooded, bytes } = await inChild(program, [mode, url])
  return { growth: (flooded - connected) / MIB, counted: bytes / MIB }
}
