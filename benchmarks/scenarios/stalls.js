/** Measures the longest turn of the event loop with a pipeline, and without one. */
import { inChild, interleave } from '../lib/child.js'
import { summarize, withReceiver } from '../lib/harness.js'

export const title = 'Longest stall of the event loop, 200,000 records in bursts of 100'

/** Cause of a missed goal. */
export const shortfall =
  'up to four requests of a backlog are read from disk, checked, and sent at a time, and a fast receiver lets all of them fall into one ' +
  'turn. Sending without a copy did not help. Other situations reach 11 ms in some runs, most of it one scavenge of V8.'

const program = new URL('../lib/stall.js', import.meta.url)

/** Descriptions of the situations of `lib/stall.js`. */
const SITUATIONS = {
  idle: 'absent: stalls by the machine and the garbage collector',
  send: 'sending',
  gzip: 'sending with gzip',
  spool: 'sending with a spool',
  refused: 'refused by the receiver, and counts drops by severity',
  backlog: 'sending the backlog of a spool',
  shutdown: 'dropping 64 MiB at shutdown',
}
const GOAL_MILLIS = 10

export async function run({ rounds }) {
  const runs = await withReceiver((receiver) =>
    interleave(
      rounds,
      Object.fromEntries(
        Object.keys(SITUATIONS).map((name) => [name, () => inChild(program, [name, receiver.url])]),
      ),
    ),
  )
  const results = Object.entries(runs).map(([name, each]) => ({ name, ...summarize(each, 'millis') }))
  return {
    header: ['the pipeline is', 'longest stall, ms: median', 'worst run', `goal ${GOAL_MILLIS} ms`],
    rows: results.map(({ name, median, max }) => [
      SITUATIONS[name],
      median.toFixed(1),
      max.toFixed(1),
      median <= GOAL_MILLIS ? 'met' : 'missed',
    ]),
    comparisons: results
      .filter(({ name }) => name !== 'idle')
      .map(({ name, median }) => ({
        scenario: `stalls: ${name}`,
        ours: median,
        peer: results[0].median,
        unit: 'ms',
        measure: 'ours, ms',
        ratio: median,
        goal: GOAL_MILLIS,
        pass: median <= GOAL_MILLIS,
      })),
  }
}
