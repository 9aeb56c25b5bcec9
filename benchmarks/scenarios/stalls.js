/** The longest time for which the pipeline holds the event loop up, beside an application that leaves it free. */
import { inChild, interleave } from '../lib/child.js'
import { summarize, withReceiver } from '../lib/harness.js'

export const title = 'The longest stall of the event loop, 200,000 records in bursts of 100'

/** Said where a goal is missed: why, and what has been tried. */
export const shortfall =
  'a backlog is read from disk, checked and sent by up to four requests at a time, which a receiver that takes all at once no longer ' +
  'keeps apart; to send what was read without a copy did not help. The others reach 11 ms in some runs, most of it one scavenge of V8.'

const program = new URL('../lib/stall.js', import.meta.url)

/** What the pipeline does meanwhile: see `lib/stall.js`. */
const SITUATIONS = {
  idle: 'no pipeline at all: what the machine and the garbage collector do',
  send: 'sending',
  gzip: 'sending, compressed',
  spool: 'sending, with a spool',
  refused: 'everything is refused, and counted by severity',
  backlog: 'a backlog of the spool is sent',
  shutdown: '64 MiB are given up at a shutdown',
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
      median <= GOAL_MILLIS ? 'held' : 'missed',
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
