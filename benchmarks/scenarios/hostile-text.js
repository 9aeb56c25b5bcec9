/** Measures log calls with hostile texts, which must take linear time. */
import { inChild, interleave } from '../lib/child.js'
import { summarize, withReceiver } from '../lib/harness.js'

export const title = 'Milliseconds added to a log call with 1 MB of hostile text'

const program = new URL('../lib/hostileText.js', import.meta.url)
const LIBRARIES = ['console', 'winston', 'pino', 'bunyan', 'log4js']
const GOAL_MILLIS = 20
const GOAL_GROWTH = 2.5
/** Shortest time with a meaningful growth. Below, the growth is noise of the clock and the machine. */
const LEAST_MILLIS = 5

export async function run({ rounds }) {
  const runs = await withReceiver((receiver) =>
    interleave(
      rounds,
      Object.fromEntries(
        LIBRARIES.map((library) => [library, () => inChild(program, [library, receiver.url])]),
      ),
    ),
  )
  const kinds = Object.keys(runs[LIBRARIES[0]][0])
  const results = kinds.flatMap((kind) =>
    LIBRARIES.map((library) => {
      const times = runs[library].map((result) => result[kind])
      const [once, twice] = [summarize(times, 'once').median, summarize(times, 'twice').median]
      return { kind, library, once, twice, growth: once < LEAST_MILLIS ? undefined : twice / once }
    }),
  )
  return {
    header: ['text', ...LIBRARIES.map((library) => `${library}, ms: 1 MB, 2 MB : 1 MB`)],
    rows: kinds.map((kind) => [
      kind,
      ...results
        .filter((result) => result.kind === kind)
        .map(
          ({ once, growth }) => `${once.toFixed(1)}${growth === undefined ? '' : `, ${growth.toFixed(2)}`}`,
        ),
    ]),
    comparisons: [
      comparison('ms of 1 MB', 'once', GOAL_MILLIS, results),
      comparison('2 MB : 1 MB', 'growth', GOAL_GROWTH, results),
    ],
  }
}

function comparison(measure, field, goal, results) {
  const [worst] = results
    .filter((result) => result[field] !== undefined)
    .toSorted((a, b) => b[field] - a[field])
  const ratio = worst?.[field] ?? 0
  return {
    scenario: `hostile-text: the worst${worst ? `, ${worst.kind} by ${worst.library}` : ''}`,
    ours: worst?.once ?? 0,
    unit: 'ms',
    measure,
    ratio,
    goal,
    pass: ratio <= goal,
  }
}
