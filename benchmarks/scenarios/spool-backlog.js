/** Measures a backlog of small entries in the spool: its memory, and the time to send it. */
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
/** Measures: key, name, unit, and goal, the largest allowed figure. */
const MEASURES = [
  ['recoveredRss', `RSS after recovery of ${RECOVERED} entries`, 'MB', 100],
  ['recoveredGrowth', `growth over a process that imports core`, 'MB', undefined],
  ['recoveredEntryBytes', 'memory of a recovered entry', 'bytes', 16],
  ['appendedEntryBytes', 'memory of an appended entry', 'bytes', 16],
  ['sendSeconds', `time to send ${SENT} entries`, 's', 60],
  ['sendRss', 'RSS while sending', 'MB', undefined],
  ['errorSeconds', 'time from a new ERROR to its arrival while sending', 's', 5],
]

/** Runs once, because a run takes one to two minutes and the measures vary little. */
export async function run() {
  const figures = await measure()
  const rows = MEASURES.map(([key, name, unit, goal]) => [
    name,
    `${figures[key].toFixed(1)} ${unit}`,
    goal === undefined ? '' : `${goal} ${unit}`,
    goal === undefined ? '' : figures[key] <= goal ? 'met' : 'missed',
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
      recoveredEntryBytes: recovered.entryBytes,
      appendedEntryBytes: filled.entryBytes,
      sendSeconds: drained.millis / 1000,
      sendRss: drained.peak / MB,
      errorSeconds: errorMillis / 1000,
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}
