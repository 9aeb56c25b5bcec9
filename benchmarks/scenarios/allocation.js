/** Measures the heap allocation of a record. */
import { interleave } from '../lib/child.js'
import { measureDelivered, range, summarize, withReceiver } from '../lib/harness.js'
import { pipelines } from '../lib/pipelines.js'

export const title = 'Bytes allocated on the heap for a record, from Logger.emit to acknowledged'

const program = new URL('../lib/allocation.js', import.meta.url)
const GOAL = 0.25
const COMPARED = ['logbridge', 'sdk-large-queue']

export async function run({ rounds }) {
  const runs = await withReceiver((receiver) =>
    interleave(
      rounds,
      Object.fromEntries(COMPARED.map((name) => [name, () => measureDelivered(program, name, receiver)])),
    ),
  )
  const [ours, peer] = COMPARED.map((name) => summarize(runs[name], 'bytes'))
  const ratio = ours.median / peer.median
  return {
    header: ['pipeline', 'bytes a record'],
    rows: COMPARED.map((name) => [pipelines[name].title, range(summarize(runs[name], 'bytes'), 0)]),
    comparisons: [
      {
        scenario: 'allocation: heap of a record, against the SDK',
        ours: ours.median,
        peer: peer.median,
        unit: 'bytes',
        ratio,
        goal: GOAL,
        pass: ratio <= GOAL,
      },
    ],
  }
}
