/** How long a log call takes with texts that are made to take long: what reads them must do it in linear time. */
import { inChild, interleave } from '../lib/child.js'
import { summarize, withReceiver } from '../lib/harness.js'

export const title = 'Milliseconds added to a log call with 1 MB of text that is made to take long'

const program = new URL('../lib/hostileText.js', import.meta.url)
const LIBRARIES = ['console', 'winston', 'pino', 'bunyan', 'log4js']
const GOAL_MILLIS = 20
const GOAL_GROWTH = 2.5
/** Below, the growth is that of the clock's and the machine's noise. */
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
