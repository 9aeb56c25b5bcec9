/** Measures the longest time without a turn of the event loop with a pipeline, and without one. */
import { inChild, interleave } from '../lib/child.js'
import { summarize, withReceiver } from '../lib/harness.js'

export const title = 'Longest stall of the event loop, 200,000 records in bursts of 100'

/** Cause of a missed goal. */
export const shortfall =
  'profiles show that the thread was not running, because other programs and threads of V8 and libuv used the cores, or that V8 ' +
  'collected in full, because memory outside the heap had grown by tens of MB. See docs/benchmarks-shortfalls.md.'

const program = new URL('../lib/stall.js', import.meta.url)

/** Descriptions of the situations of `lib/stall.js`: those without a pipeline, which have no goal, then those with a pipeline. */
const MACHINE = {
  idle: 'absent: stalls by the machine and the garbage collector',
  busy: 'absent, while another program uses one of the cores',
}
const SITUATIONS = {
  send: 'sending',
  gzip: 'sending with gzip',
  spool: 'sending with a spool',
  refused: 'refused by the receiver, and counts drops by severity',
  backlog: 'sending the backlog of a spool',
  detector: 'sending all records at once after a late resource detector',
  'detector-spool': 'the same with a spool',
  flush: 'sending 60 MB at shutdown',
  'flush-spool': 'the same with a spool',
  drop: 'dropping 60 MB at shutdown',
}
const GOAL_MILLIS = 5

export async function run({ rounds }) {
  const runs = await withReceiver((receiver) =>
    interleave(
      rounds,
      Object.fromEntries(
        Object.keys({ ...MACHINE, ...SITUATIONS }).map((name) => [
          name,
          () => inChild(program, [name, receiver.url], ['--expose-gc']),
        ]),
      ),
    ),
  )
  const results = Object.entries(runs).map(([name, each]) => ({
    name,
    ...summarize(each, 'millis'),
    gc: summarize(each, 'gcMillis').median,
  }))
  const busy = results.find(({ name }) => name === 'busy').median
  return {
    header: [
      'the pipeline is',
      'longest stall, ms: median',
      'worst run',
      'garbage collector, ms: median',
      `goal ${GOAL_MILLIS} ms`,
    ],
    rows: results.map(({ name, median, max, gc }) => [
      MACHINE[name] ?? SITUATIONS[name],
      median.toFixed(1),
      max.toFixed(1),
      gc.toFixed(1),
      name in MACHINE ? '' : median <= GOAL_MILLIS ? 'met' : 'missed',
    ]),
    comparisons: results
      .filter(({ name }) => name in SITUATIONS)
      .map(({ name, median }) => ({
        scenario: `stalls: ${name}`,
        ours: median,
        peer: busy,
        unit: 'ms',
        measure: 'ours, ms',
        ratio: median,
        goal: GOAL_MILLIS,
        pass: median <= GOAL_MILLIS,
      })),
  }
}
