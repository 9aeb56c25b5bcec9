/** Measures the time to import each adapter. */
import { inChild, interleave } from '../lib/child.js'
import { range, summarize } from '../lib/harness.js'

export const title = 'Time to import, each in a new process'

/** Cause of a missed goal. */
export const shortfall =
  'loading node:util takes 3 ms of the import of an adapter. Adapters load neither @opentelemetry/api (25 ms) nor node:fs and ' +
  'node:worker_threads (10 ms).'

const program = new URL('../lib/import.js', import.meta.url)
const LIBRARIES = ['winston', 'pino', 'bunyan', 'log4js', 'console']
const GOAL_MILLIS = 10
/** Starts for each requested round, because a start is short and noisy. */
const STARTS = 3

export async function run({ rounds }) {
  const imports = LIBRARIES.flatMap(steps)
  const runs = await interleave(
    rounds * STARTS,
    Object.fromEntries(imports.map((packages) => [packages, () => inChild(program, packages)])),
  )
  const time = (packages) => summarize(runs[packages], 'millis')
  return {
    header: ['import', 'ms'],
    rows: imports.map((packages) => [packages.join(' + '), range(time(packages), 1)]),
    comparisons: LIBRARIES.map((library) => {
      const [alone, bridged] = steps(library).map((packages) => time(packages).median)
      return difference(`imports: @logbridge/${library}, on top of its library`, bridged, alone)
    }),
  }
}

/** Returns the imports of the library alone and of the library with the adapter. */
function steps(library) {
  const module = library === 'console' ? 'node:console' : library
  return [[module], [module, `@logbridge/${library}`]]
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
