/** The cost of a backlog of small entries in the spool: memory while it waits and is sent, and time. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inChild } from '../lib/child.js'
import { withReceiver } from '../lib/harness.js'

export const title = 'A backlog of entries of one record in the spool'

const program = new URL('../lib/spoolBacklog.js', import.meta.url)
const MB = 1e6
const RECOVERED = 300_000
const SENT = 600_000
/** Figures, the name of each, its unit, and the most that it may be. */
const MEASURES = [
  ['recoveredRss', `RSS when ${RECOVERED} entries are recovered`, 'MB', 100],
  ['recoveredGrowth', `of it beyond a process that imports core`, 'MB', undefined],
  ['bytesAnEntry', 'memory an entry that waits, recovered', 'bytes', 16],
  ['ownBytesAnEntry', 'memory an entry that waits, appended', 'bytes', 16],
  ['sendSeconds', `time to send ${SENT} entries`, 's', 60],
  ['sendRss', 'RSS meanwhile', 'MB', undefined],
  ['errorSeconds', 'time until a new ERROR has arrived meanwhile', 's', 5],
]

/** Runs once: it takes a minute or two, and each measure is far from its goal or not. */
export async function run() {
  const figures = await measure()
  const rows = MEASURES.map(([key, name, unit, goal]) => [
    name,
    `${figures[key].toFixed(1)} ${unit}`,
    goal === undefined ? '' : `${goal} ${unit}`,
    goal === undefined ? '' : figures[key] <= goal ? 'held' : 'missed',
  ])
  const comparisons = MEASURES.filter(([, , , goal]) => goal !== undefined).map(
    ([key, name, unit, goal]) => ({
      scenario: `spool backlog: ${name}`,
      ours: figures[key],
      peer: goal,
      unit,
      measure: `ours, ${unit}`,
      ratio: figures[key],
      goal,
      pass: figures[key] <= goal,
    }),
  )
  return { header: ['measure', 'ours', 'goal', ''], rows, comparisons }
}

async function measure() {
  const directory = mkdtempSync(join(tmpdir(), 'logbridge-bench-'))
  try {
    const filled = await inChild(program, ['fill', directory, RECOVERED])
    const recovered = await inChild(program, ['recover', directory, RECOVERED])
    await inChild(program, ['fill', directory, SENT - RECOVERED])
    const { drained, errorMillis } = await withReceiver(async (receiver) => {
      const drained = await inChild(program, ['drain', directory, SENT, receiver.url])
      return { drained, errorMillis: await receiver.takeWatchedMillis() }
    })
    return {
      recoveredRss: recovered.peak / MB,
      recoveredGrowth: (recovered.peak - recovered.base) / MB,
      bytesAnEntry: recovered.bytesAnEntry,
      ownBytesAnEntry: filled.bytesAnEntry,
      sendSeconds: drained.millis / 1000,
      sendRss: drained.peak / MB,
      errorSeconds: errorMillis / 1000,
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}
