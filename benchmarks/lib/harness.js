import { fork } from 'node:child_process'
import { once } from 'node:events'

/** Starts the counting receiver in a process of its own. */
export async function startReceiver() {
  const child = fork(new URL('receiver.js', import.meta.url))
  const [{ port }] = await once(child, 'message')
  return {
    url: `http://127.0.0.1:${port}`,
    /** How many records have arrived since the last call. */
    async take() {
      child.send('take')
      const [{ records }] = await once(child, 'message')
      return records
    },
    stop: () => child.disconnect(),
  }
}

/** Runs one pipeline once, in a process of its own, and counts at the receiver what came out of it. */
export async function runPipeline(name, receiver, records) {
  const child = fork(new URL('emit.js', import.meta.url), [name, receiver.url, String(records)])
  await once(child, 'message')
  await receiver.take()
  child.send('go')
  const [{ cpuMicros, millis }] = await once(child, 'message')
  await once(child, 'exit')
  const delivered = await receiver.take()
  return {
    cpuMicrosPerRecord: cpuMicros / records,
    cpuMicrosPerDelivered: cpuMicros / delivered,
    deliveredPerSecond: delivered / (millis / 1000),
    lost: 1 - delivered / records,
  }
}

/** Median and range of one measure over several runs. */
export function summarize(runs, measure) {
  const values = runs.map((run) => run[measure]).toSorted((a, b) => a - b)
  return { median: values[values.length >> 1], min: values[0], max: values.at(-1) }
}
