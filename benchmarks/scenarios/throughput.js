/** Measures the records per second that one process delivers to a Collector. */
import { findCollector, startNopCollector } from '../lib/collector.js'
import { range, runRounds, summarize, titleOf, withReceiver } from '../lib/harness.js'

export const title = 'Delivered to a Collector, OTLP/gRPC, 200,000 records of a message and 4 attributes'

const OURS = 'logger/logbridge'
const PEER = 'logger/sdk-large-queue'
/** Ratio peer : ours for five times the throughput of the peer. */
const GOAL = 1 / 5
/** Ratio peer : ours for 300,000 records per second on a machine where the peer delivers 80,000. */
const GOAL_OF_300_000 = 80 / 300

export async function run({ rounds, records }) {
  const program = findCollector()
  if (program === undefined)
    return {
      header: ['skipped: no otelcol on the PATH, and OTELCOL is not set'],
      rows: [],
      comparisons: [],
    }
  const runs = await withReceiver(
    (collector) => runRounds([OURS, PEER], collector, { rounds, records }),
    () => startNopCollector(program),
  )

  const speed = (name) => summarize(runs[name], 'deliveredPerSecond')
  const ours = speed(OURS).median
  const peer = speed(PEER).median
  const ratio = peer / ours
  const comparison = { ours, peer, unit: 'records/s', measure: 'peer : ours', ratio }
  const rows = [OURS, PEER].map(async (name) => [
    await titleOf(name),
    range(speed(name), 0),
    `${(summarize(runs[name], 'lost').median * 100).toFixed(0)} %`,
    (ours / speed(name).median).toFixed(1),
  ])
  return {
    header: ['pipeline', 'delivered/s', 'lost', 'ours : this'],
    rows: await Promise.all(rows),
    comparisons: [
      { scenario: 'throughput: 5x', ...comparison, goal: GOAL, pass: ratio <= GOAL },
      {
        scenario: 'throughput: 300,000/s when the peer delivers 80,000/s',
        ...comparison,
        goal: GOAL_OF_300_000,
        pass: ratio <= GOAL_OF_300_000,
      },
    ],
  }
}
