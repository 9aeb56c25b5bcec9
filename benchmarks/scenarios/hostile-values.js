/** How long a log call takes with values that are made to take long: all work on a value is bounded while it is done. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { withReceiver } from '../lib/harness.js'
import { KINDS, SUBJECTS, subjectsOf } from '../lib/hostileValues.js'

export const title = 'Milliseconds added to a log call with a value that is made to take long'

const program = new URL('../lib/hostileValues.js', import.meta.url)
const GOAL_MILLIS = 50
/** Ends a process that is held up, or has taken all memory before. */
const TIMEOUT_MILLIS = 60_000

export async function run() {
  const results = await withReceiver(async ({ url }) => {
    const measured = []
    for (const kind of Object.keys(KINDS)) measured.push({ kind, ...(await measure(kind, url)) })
    return measured
  })
  return {
    header: ['value', ...SUBJECTS.map((subject) => `${subject}, ms`)],
    rows: results.map((result) => [
      result.kind,
      ...SUBJECTS.map((subject) =>
        subjectsOf(result.kind).includes(subject) ? (result[subject]?.toFixed(1) ?? 'did not return') : '',
      ),
    ]),
    comparisons: SUBJECTS.map((subject) => {
      const millis = (result) => result[subject] ?? TIMEOUT_MILLIS
      const [worst] = results
        .filter(({ kind }) => subjectsOf(kind).includes(subject))
        .toSorted((a, b) => millis(b) - millis(a))
      return {
        scenario: `hostile-values: the worst by ${subject}, ${worst.kind}`,
        ours: millis(worst),
        unit: 'ms',
        measure: 'ms',
        ratio: millis(worst),
        goal: GOAL_MILLIS,
        pass: millis(worst) <= GOAL_MILLIS,
      }
    }),
  }
}

/** Runs one kind in a process of its own. What it has measured counts also where it does not come to its end. */
async function measure(kind, url) {
  const child = fork(program, [kind, url, ...subjectsOf(kind)], {
    execArgv: ['--max-old-space-size=2048'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    timeout: TIMEOUT_MILLIS,
    killSignal: 'SIGKILL',
  })
  const result = {}
  child.on('message', (message) => Object.assign(result, message))
  await Promise.all([once(child, 'exit'), once(child, 'disconnect')])
  return result
}
