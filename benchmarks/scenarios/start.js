/** Measures the start of all signals with defaults, up to the first record at the receiver, and what has to be installed for it. */
import { interleave } from '../lib/child.js'
import { measureDelivered, range, summarize, withReceiver } from '../lib/harness.js'
import { installed } from '../lib/installed.js'

export const title =
  'Start with defaults: import, start of all signals, first record acknowledged over OTLP/gRPC'

const program = new URL('../lib/start.js', import.meta.url)
const PACKAGES = { logbridge: '@logbridge/core', sdk: '@opentelemetry/sdk-node' }
/** Starts for each requested round, because a start is short and noisy. */
const STARTS = 3
const MEASURES = [
  { measure: 'importCpuMillis', title: 'CPU of the import', goal: 0.5 },
  { measure: 'importMillis', title: 'time of the import', goal: 0.5 },
  { measure: 'cpuMillis', title: 'CPU up to the first record', goal: 0.6 },
  { measure: 'millis', title: 'time up to the first record', goal: 0.6 },
]

export async function run({ rounds }) {
  const names = Object.keys(PACKAGES)
  const runs = await withReceiver((receiver) =>
    interleave(
      rounds * STARTS,
      Object.fromEntries(names.map((name) => [name, () => measureDelivered(program, name, receiver)])),
    ),
  )
  const sizes = Object.fromEntries(names.map((name) => [name, installed(PACKAGES[name])]))
  return {
    header: ['package', ...MEASURES.map(({ title }) => `${title}, ms`), 'packages', 'installed, MB'],
    rows: names.map((name) => [
      PACKAGES[name],
      ...MEASURES.map(({ measure }) => range(summarize(runs[name], measure), 1)),
      sizes[name].packages,
      (sizes[name].bytes / 1e6).toFixed(1),
    ]),
    comparisons: MEASURES.map((measure) => compare(runs, measure)),
  }
}

/** Compares runs of the same round, because the load of the machine changes from round to round. */
function compare(runs, { measure, title, goal }) {
  const ratios = runs.logbridge.map((run, round) => ({ ratio: run[measure] / runs.sdk[round][measure] }))
  const ratio = summarize(ratios, 'ratio').median
  return {
    scenario: `start: ${title}, against @opentelemetry/sdk-node`,
    ours: summarize(runs.logbridge, measure).median,
    peer: summarize(runs.sdk, measure).median,
    unit: 'ms',
    ratio,
    goal,
    pass: ratio <= goal,
  }
}
