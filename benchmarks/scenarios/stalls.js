/** The longest time for which the pipeline holds the event loop up, beside an application that leaves it free. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { nextMessage, startReceiver } from '../lib/harness.js'

export const title = 'The longest stall of the event loop, 200,000 records in bursts of 100'

/** What the pipeline does meanwhile: see `lib/stall.js`. */
const SITUATIONS = {
  idle: 'no pipeline at all: what the machine and the garbage collector do',
  send: 'sending',
  gzip: 'sending, compressed',
  spool: 'sending, with a spool',
  refused: 'everything is refused, and counted by severity',
  backlog: 'a backlog of the spool is sent',
  shutdown: '64 MiB are given up at a shutdown',
}
const GOAL_MILLIS = 10

export async function run({ rounds }) {
  const receiver = await startReceiver()
  const longest = Object.fromEntries(Object.keys(SITUATIONS).map((name) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const name of Object.keys(SITUATIONS)) longest[name].push(await stall(name, receiver.url))
  }
  receiver.stop()
  const results = Object.entries(longest).map(([name, values]) => {
    const sorted = values.toSorted((a, b) => a - b)
    return { name, median: sorted[sorted.length >> 1], max: sorted.at(-1) }
  })
  return {
    header: ['the pipeline is', 'longest stall, ms: median', 'worst run', `goal ${GOAL_MILLIS} ms`],
    rows: results.map(({ name, median, max }) => [
      SITUATIONS[name],
      median.toFixed(1),
      max.toFixed(1),
      median <= GOAL_MILLIS ? 'held' : 'missed',
    ]),
    comparisons: results
      .filter(({ name }) => name !== 'idle')
      .map(({ name, median }) => ({
        scenario: `stalls: ${name}`,
        ours: median,
        peer: results[0].median,
        unit: 'ms',
        measure: 'ours, ms',
        ratio: median,
        goal: GOAL_MILLIS,
        pass: median <= GOAL_MILLIS,
      })),
  }
}

async function stall(name, url) {
  const child = fork(new URL('../lib/stall.js', import.meta.url), [name, url])
  const { millis } = await nextMessage(child)
  await once(child, 'exit')
  return millis
}
