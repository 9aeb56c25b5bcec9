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
    for (const kind of Object.keys(KINDS)) measured.push(await measure(kind, url))
    return measured
  })
  return {
    header: ['value', ...SUBJECTS.map((subject) => `${subject}, ms`)],
    rows: results.map((result) => [
      result.kind,
      ...SUBJECTS.map((subject) =>
        isLogged(result, subject)
          ? (result[subject]?.toFixed(1) ?? 'does not return')
          : 'the library takes too long alone',
      ),
    ]),
    comparisons: SUBJECTS.map((subject) => {
      const millis = (result) => result[subject] ?? TIMEOUT_MILLIS
      const [worst] = results
        .filter((result) => isLogged(result, subject))
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

/** Tests if the library alone can log a kind of value in time. */
function isLogged(result, subject) {
  return result[`${subject} alone`] === true
}

/** Measures one kind of value, each subject in a child process. Keeps what a child has sent before it ended. */
async function measure(kind, url) {
  const result = { kind }
  for (const subject of subjectsOf(kind)) {
    const child = fork(program, [kind, url, subject], {
      execArgv: ['--max-old-space-size=2048'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      timeout: TIMEOUT_MILLIS,
      killSignal: 'SIGKILL',
    })
    child.on('message', (message) => Object.assign(result, message))
    await Promise.all([once(child, 'exit'), once(child, 'disconnect')])
  }
  return result
}
