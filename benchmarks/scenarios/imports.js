/** What a start of the application takes longer. */
import { inChild, interleave } from '../lib/child.js'
import { range, summarize } from '../lib/harness.js'

export const title = 'Time to import, each in a new process'

/** Said where a goal is missed: why, and what has been tried. */
export const shortfall =
  "of an adapter's import, 3 ms are Node's own node:util; @opentelemetry/api (25 ms), node:fs and node:worker_threads (10 ms) are no longer " +
  'loaded by an adapter.'

const program = new URL('../lib/import.js', import.meta.url)
const LIBRARIES = ['winston', 'pino', 'bunyan', 'log4js', 'console']
const GOAL_MILLIS = 10
/** A start is short, and the machine does other things: as many of them for each round asked for. */
const STARTS = 3

export async function run({ rounds }) {
  const imports = [['@logbridge/core'], ['@opentelemetry/sdk-node'], ...LIBRARIES.flatMap(steps)]
  const runs = await interleave(
    rounds * STARTS,
    Object.fromEntries(imports.map((packages) => [packages, () => inChild(program, packages)])),
  )
  const time = (packages) => summarize(runs[packages], 'millis')
  const core = time('@logbridge/core').median
  const sdk = time('@opentelemetry/sdk-node').median
  return {
    header: ['import', 'ms'],
    rows: imports.map((packages) => [packages.join(' + '), range(time(packages), 1)]),
    comparisons: [
      {
        scenario: 'imports: @logbridge/core, against @opentelemetry/sdk-node',
        ours: core,
        peer: sdk,
        unit: 'ms',
        ratio: core / sdk,
        goal: 1,
        pass: core <= sdk,
      },
      ...LIBRARIES.map((library) => {
        const [alone, bridged] = steps(library).map((packages) => time(packages).median)
        return difference(`imports: @logbridge/${library}, on top of its library`, bridged, alone)
      }),
    ],
  }
}

/** The library; with the adapter. */
function steps(library) {
  const own = library === 'console' ? 'node:console' : library
  return [[own], [own, `@logbridge/${library}`]]
}

function difference(scenario, ours, peer) {
  const millis = ours - peer
  return {
    scenario,
    ours,
    peer,
    unit: 'ms',
    measure: 'ours - peer, ms',
    ratio: millis,
    goal: GOAL_MILLIS,
    pass: millis <= GOAL_MILLIS,
  }
}
