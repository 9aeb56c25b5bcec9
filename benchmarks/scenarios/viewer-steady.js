/** Measures the memory of the viewer and of its page in Chromium at 200 logs/s. VIEWER_STEADY_SECONDS sets the time. */
import { measureMemory, withPage } from '../lib/viewerPage.js'

export const title = 'The viewer at 200 logs/s with its page open: memory'

const RATE = 200
const PARTS = 5
const SECONDS = Number(process.env.VIEWER_STEADY_SECONDS ?? 300)
/** Largest growth after the first part. The heap of the page has 2 MiB, of which a list of records is a large part. */
const VIEWER_GOAL = 1.2
const PAGE_GOAL = 1.5

export async function run() {
  const { memory, sent } = await withPage((context) =>
    measureMemory(context, { rate: RATE, seconds: SECONDS, parts: PARTS }),
  )
  const row = (name, values) => [name, ...values.map((each) => each.toFixed(0))]
  const viewer = memory.map((each) => each.viewer)
  const page = memory.map((each) => each.page)
  return {
    header: ['MiB after', ...memory.map((_, at) => `${((SECONDS * (at + 1)) / PARTS).toFixed(0)} s`)],
    rows: [row('viewer, resident', viewer), row('page, heap of JavaScript', page)],
    comparisons: [
      comparison('resident memory at the end : after the first fifth', viewer, VIEWER_GOAL),
      comparison('heap of the page at the end : after the first fifth', page, PAGE_GOAL),
    ],
    note: `${sent} records.`,
  }
}

function comparison(name, values, goal) {
  const [ours, peer] = [values.at(-1), values[0]]
  return {
    scenario: `viewer at ${RATE} logs/s: ${name}`,
    ours,
    peer,
    unit: 'MiB',
    measure: 'end : first fifth',
    ratio: ours / peer,
    goal,
    pass: ours / peer <= goal,
  }
}
