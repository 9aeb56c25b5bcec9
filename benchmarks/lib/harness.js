import { fork } from 'node:child_process'
import { once } from 'node:events'

/** Starts the counting receiver in a process of its own. */
export async function startReceiver() {
  const child = fork(new URL('receiver.js', import.meta.url))
  const { port } = await nextMessage(child)
  return {
    url: `http://127.0.0.1:${port}`,
    /** How many records have arrived since the last call. */
    async take() {
      child.send('take')
      const { records } = await nextMessage(child)
      return records
    },
    stop: () => child.disconnect(),
  }
}

/**
 * Runs programs round by round, so that whatever else the machine does falls on all of them, and stops the receiver.
 * @param names like `winston/bare`: the program `bare` of `programs/winston.js`
 * @returns the runs of each name
 * @throws when one of ours loses a record
 */
export async function runRounds(names, receiver, { rounds, records = 200_000 }) {
  const runs = Object.fromEntries(names.map((name) => [name, []]))
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const name of names) {
        const result = await runProgram(name, receiver, records)
        if (name.endsWith('/logbridge') && result.lost > 0) {
          throw new Error(`${name} lost ${result.lost * 100} % of the records`)
        }
        runs[name].push(result)
      }
    }
  } finally {
    await receiver.stop()
  }
  return runs
}

/** Runs one program once, in a process of its own, and counts at the receiver what came out of it. */
async function runProgram(name, receiver, records) {
  const child = fork(new URL('emit.js', import.meta.url), [...name.split('/'), receiver.url, String(records)])
  await nextMessage(child)
  await receiver.take()
  child.send('go')
  const { cpuMicros, callMicros, millis } = await nextMessage(child)
  await once(child, 'exit')
  const delivered = await receiver.take()
  return {
    cpuMicrosPerRecord: cpuMicros / records,
    callMicrosPerRecord: callMicros / records,
    cpuMicrosPerDelivered: cpuMicros / delivered,
    deliveredPerSecond: delivered / (millis / 1000),
    lost: 1 - delivered / records,
  }
}

/** What a forked process says next; rejects where it has ended instead. */
function nextMessage(child) {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`${child.spawnargs.slice(1).join(' ')} has ended before it was done`))
    child.once('disconnect', fail)
    child.once('message', (message) => {
      child.off('disconnect', fail)
      resolve(message)
    })
  })
}

/** Title of a program, by its name as in `runRounds`. */
export async function titleOf(name) {
  const [library, program] = name.split('/')
  const { programs } = await import(`../programs/${library}.js`)
  return programs[program].title
}

/** Median and range of one measure over several runs. */
export function summarize(runs, measure) {
  const values = runs.map((run) => run[measure]).toSorted((a, b) => a - b)
  return { median: values[values.length >> 1], min: values[0], max: values.at(-1) }
}

export function range({ median, min, max }, digits) {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`
}
