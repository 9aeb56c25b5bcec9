/** Measures the viewer's page in Chromium: the time to the first paint, and the frames while records arrive. */
import { summarize } from '../lib/harness.js'
import { measurePaint, measureStored, measureTail, withPage } from '../lib/viewerPage.js'

export const title = 'Page of the viewer, headless Chromium'

const PAINT_GOAL_MILLIS = 300
const FRAME_GOAL_MILLIS = 50
const ROWS_GOAL = 200
/** Records a second. */
const RATE = 5000
const PAINTS_A_ROUND = 2
/** Records a second. */
const STORED_GOAL = 50_000
const STORED_RECORDS = 200_000

export async function run({ rounds }) {
  const [paints, plain, tail, stored] = await withPage(async (context) => {
    const page = []
    const text = []
    for (let load = 0; load < rounds * PAINTS_A_ROUND; load += 1) {
      page.push({ millis: await measurePaint(context, '/logs') })
      text.push({ millis: await measurePaint(context, '/api/status') })
    }
    const shown = await measureTail(context, RATE)
    // The first run warms the viewer up.
    await measureStored(context, STORED_RECORDS)
    return [page, text, shown, await measureStored(context, STORED_RECORDS)]
  })
  const paint = summarize(paints, 'millis').median
  const textPaint = summarize(plain, 'millis').median
  const { frameMillis, idleFrameMillis, rows, rate } = tail
  return {
    header: ['figure', 'measured', 'goal'],
    rows: [
      ['first paint, ms: median', paint.toFixed(0), PAINT_GOAL_MILLIS],
      ['first paint of a JSON answer, ms: median', textPaint.toFixed(0), ''],
      ['records a second that arrived', rate.toFixed(0), RATE],
      ['frame while they arrive, ms: 95th percentile', frameMillis.toFixed(1), FRAME_GOAL_MILLIS],
      ['frame without records, ms: 95th percentile', idleFrameMillis.toFixed(1), ''],
      ['rows in the document: most', rows, ROWS_GOAL],
      ['records a second that are stored while the page is open', stored.toFixed(0), STORED_GOAL],
    ],
    comparisons: [
      comparison('first paint', paint, textPaint, PAINT_GOAL_MILLIS, 'ms'),
      comparison(`frames at ${RATE} records/s`, frameMillis, idleFrameMillis, FRAME_GOAL_MILLIS, 'ms'),
      comparison('rows in the document', rows, ROWS_GOAL, ROWS_GOAL, 'rows'),
      comparison(
        'time to store 50,000 records while the page is open',
        (1000 * STORED_GOAL) / stored,
        1000,
        1000,
        'ms',
      ),
    ],
  }
}

function comparison(name, ours, peer, goal, unit) {
  const scenario = `viewer page: ${name}`
  return { scenario, ours, peer, unit, measure: `ours, ${unit}`, ratio: ours, goal, pass: ours <= goal }
}
