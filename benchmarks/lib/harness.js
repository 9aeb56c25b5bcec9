import { fork } from 'node:child_process'
import { once } from 'node:events'
import { inChild, interleave, nextMessage } from './child.js'
import { findCollector, startNopCollector } from './collector.js'

/** Starts the counting receiver in a child process. */
async function startReceiver() {
  const child = fork(new URL('receiver.js', import.meta.url))
  const { port } = await nextMessage(child)
  return {
    url: `http://127.0.0.1:${port}`,
    /** Returns the number of records that arrived since the last call. */
    async take() {
      child.send('take')
      const { records } = await nextMessage(child)
      return records
    },
    /** Returns the milliseconds from the call to the arrival of the watched record. */
    async takeWatchedMillis() {
      child.send('take')
      return (await nextMessage(child)).watchedMillis
    },
    stop: async () => child.disconnect(),
  }
}

/**
 * Calls `run` with a receiver and stops the receiver in every case.
 *
 * @param start starts the receiver
 * @default start starts the counting receiver
 */
export async function withReceiver(run, start = startReceiver) {
  const receiver = await start()
  try {
    return await run(receiver)
  } finally {
    await receiver.stop()
  }
}

/** Calls `run` with a Collector where one is found, otherwise with the counting receiver. */
export function withCollector(run) {
  const program = findCollector()
  return withReceiver(run, program && (() => startNopCollector(program)))
}

/**
 * Runs programs in alternation.
 *
 * @param names such as `winston/bare`, the program `bare` of `programs/winston.js`
 * @returns the runs of each name
 * @throws Error when a program with logbridge loses a record
 */
export function runRounds(names, receiver, { rounds, records = 200_000 }) {
  const run = (name) => () => runProgram(name, receiver, records)
  return interleave(rounds, Object.fromEntries(names.map((name) => [name, run(name)])))
}

/** Runs one program once in a child process and counts its records at the receiver. */
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

/** Runs a program that reports the number of its `records`, and counts them at the receiver. */
export async function measureDelivered(program, name, receiver) {
  await receiver.take()
  const result = await inChild(program, [name, receiver.url])
  const delivered = await receiver.take()
  if (name === 'logbridge' && delivered < result.records) throw new Error('logbridge lost records')
  return result
}

/** Returns the title of a program by its name, as for `runRounds`. */
export async function titleOf(name) {
  const [library, program] = name.split('/')
  const { programs } = await import(`../programs/${library}.js`)
  return programs[program].title
}

/** Returns the median and range of one measure over several runs. */
export function summarize(runs, measure) {
  const values = runs.map((run) => run[measure]).toSorted((a, b) => a - b)
  return { median: values[values.length >> 1], min: values[0], max: values.at(-1) }
}

export function range({ median, min, max }, digits) {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`
}
