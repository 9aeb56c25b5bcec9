/** Measures the effect of steady logging on an application. */
import { interleave } from '../lib/child.js'
import { measureDelivered, range, summarize, withReceiver } from '../lib/harness.js'

export const title = 'For 10 seconds 10,000 records a second, OTLP/gRPC'

const program = new URL('../lib/steady.js', import.meta.url)
const PIPELINES = {
  none: 'no logger',
  logbridge: '@logbridge/core',
  'sdk-large-queue': 'SDK 3.1, queue of 200,000',
}
const GOAL_MILLIS = 1
const GOAL_PERCENT = 5

export async function run({ rounds }) {
  const names = Object.keys(PIPELINES)
  const runs = await withReceiver((receiver) =>
    interleave(
      Math.min(rounds, 3),
      Object.fromEntries(names.map((name) => [name, () => measureDelivered(program, name, receiver)])),
    ),
  )
  const delay = (name) => summarize(runs[name], 'p99Millis')
  const cpu = (name) => summarize(runs[name], 'percent')
  return {
    header: ['pipeline', 'delay of the event loop, p99, ms', 'CPU of all threads, % of a core'],
    rows: names.map((name) => [PIPELINES[name], range(delay(name), 1), range(cpu(name), 1)]),
    comparisons: [
      added('steady: delay of the event loop, p99', 'ms', delay, GOAL_MILLIS),
      added('steady: CPU', '% of a core', cpu, GOAL_PERCENT),
    ],
  }
}

/** Compares with the same application without a logger. */
function added(scenario, unit, figureOf, goal) {
  const ours = figureOf('logbridge').median
  const peer = figureOf('none').median
  const ratio = ours - peer
  return { scenario, ours, peer, unit, measure: `ours - none, ${unit}`, ratio, goal, pass: ratio <= goal }
}
