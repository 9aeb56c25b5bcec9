import { fork } from 'node:child_process'
import { once } from 'node:events'
import { inChild, interleave, nextMessage } from './child.js'

/** Starts the counting receiver in a process of its own. */
async function startReceiver() {
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
    /** How long the record was on its way that it was to watch for. */
    async takeWatchedMillis() {
      child.send('take')
      return (await nextMessage(child)).watchedMillis
    },
    stop: async () => child.disconnect(),
  }
}

/**
 * Runs with a receiver, and stops it whatever happens.
 * @param start of another than the one that counts
 */
export async function withReceiver(run, start = startReceiver) {
  const receiver = await start()
  try {
    return await run(receiver)
  } finally {
    await receiver.stop()
  }
}

/**
 * Runs programs round by round.
 * @param names like `winston/bare`: the program `bare` of `programs/winston.js`
 * @returns the runs of each name
 * @throws when one of ours loses a record
 */
export function runRounds(names, receiver, { rounds, records = 200_000 }) {
  const run = (name) => () => runProgram(name, receiver, records)
  return interleave(rounds, Object.fromEntries(names.map((name) => [name, run(name)])))
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
  if (name.endsWith('/logbridge') && delivered < records) {
    throw new Error(`${name} lost ${records - delivered} of ${records} records`)
  }
  return {
    cpuMicrosPerRecord: cpuMicros / records,
    callMicrosPerRecord: callMicros / records,
    cpuMicrosPerDelivered: cpuMicros / delivered,
    deliveredPerSecond: delivered / (millis / 1000),
    lost: 1 - delivered / records,
  }
}

/** Runs a program that tells how many `records` it has sent, and counts at the receiver what came of it. */
export async function measureDelivered(program, name, receiver) {
  await receiver.take()
  const result = await inChild(program, [name, receiver.url])
  const delivered = await receiver.take()
  if (name === 'logbridge' && delivered < result.records) throw new Error('records were lost')
  return result
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
