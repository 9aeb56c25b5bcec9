/** Measures the viewer's page in Chromium: the time to the first paint, and the frames while records arrive. */
import { summarize } from '../lib/harness.js'
import { measurePaint, measureTail, withPage } from '../lib/viewerPage.js'

export const title = 'Page of the viewer, headless Chromium'

const PAINT_GOAL_MILLIS = 300
const FRAME_GOAL_MILLIS = 50
const ROWS_GOAL = 200
/** Records a second. */
const RATE = 5000
const PAINTS_A_ROUND = 2

export async function run({ rounds }) {
  const [paints, plain, tail] = await withPage(async (context) => {
    const page = []
    const text = []
    for (let load = 0; load < rounds * PAINTS_A_ROUND; load += 1) {
      page.push({ millis: await measurePaint(context, '/logs') })
      text.push({ millis: await measurePaint(context, '/api/status') })
    }
    return [page, text, await measureTail(context, RATE)]
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
    ],
    comparisons: [
      comparison('first paint', paint, textPaint, PAINT_GOAL_MILLIS, 'ms'),
      comparison(`frames at ${RATE} records/s`, frameMillis, idleFrameMillis, FRAME_GOAL_MILLIS, 'ms'),
      comparison('rows in the document', rows, ROWS_GOAL, ROWS_GOAL, 'rows'),
    ],
  }
}

function comparison(name, ours, peer, goal, unit) {
  const scenario = `viewer page: ${name}`
  return { scenario, ours, peer, unit, measure: `ours, ${unit}`, ratio: ours, goal, pass: ours <= goal }
}
