/** Measures log calls with hostile values. All work on a value must be bounded. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { withReceiver } from '../lib/harness.js'
import { KINDS, SUBJECTS, subjectsOf } from '../lib/hostileValues.js'

export const title = 'Milliseconds added to a log call with a hostile value'

const program = new URL('../lib/hostileValues.js', import.meta.url)
const GOAL_MILLIS = 50
/** Longest run of a child process. The process ends earlier when its memory is exhausted. */
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

/** Runs one kind of value in a child process. Keeps the measures that were sent before the process ended. */
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
