/** Measures the viewer: records stored in a second, times of queries, and memory. */
import { withViewer } from '../lib/viewer.js'

export const title = 'The viewer: records stored, times of queries, memory'

/** Queries of the page and of scripts. */
const QUERIES = [
  'api/logs',
  'api/logs?q=level>=error',
  'api/logs?q="timed out"',
  'api/logs?q=order.id=77777',
  'api/logs?q=-http.route=/health level>=warn payment.amount>990',
  'api/logs?q=msg=~/customer 99[0-9] timed/',
  'api/logs?q=nothing-has-this-word',
  'api/logs?q=trace=4bf92f35',
  'api/histogram',
  'api/histogram?q=level>=error',
  'api/patterns?q=level>=warn',
  'api/facets?q=service=shop',
]
const REPEATS = 5
/** Records of an hour of 200 logs/s. */
const HOUR = 720_000

export async function run() {
  const comparisons = []
  const fifths = []
  const compare = (scenario, ours, bound, unit) =>
    comparisons.push({
      scenario: `viewer: ${scenario}`,
      ours,
      peer: bound,
      unit,
      measure: `${unit} : bound`,
      ratio: ours / bound,
      goal: 1,
      pass: ours <= bound,
    })

  await withViewer([], async ({ send, ask, rss }) => {
    await send(20_000)
    const begin = performance.now()
    await send(100_000, 20_000)
    compare('time to store 50,000 log records', (performance.now() - begin) / 2, 1000, 'ms')
    compare('p95 of 12 queries at 100,000 records', await p95(ask), 100, 'ms')
    compare('resident memory at the default bounds', rss(), 300, 'MiB')
  })

  await withViewer(['--max-logs=1100000', '--max-megabytes=4000'], async ({ send, ask }) => {
    await send(1_000_000)
    compare('p95 of 12 queries at 1,000,000 records', await p95(ask), 500, 'ms')
  })

  await withViewer(['--max-logs=20000'], async ({ send, ask, rss }) => {
    // An hour of 200 logs/s turns the store over 36 times.
    for (let tenth = 1; tenth <= 10; tenth += 1) {
      await send(HOUR / 10, ((tenth - 1) * HOUR) / 10)
      await ask('api/logs')
      if (tenth % 2 === 0) fifths.push(rss())
    }
    compare(
      'resident memory after an hour of 200 logs/s : after its first fifth',
      fifths.at(-1) / fifths[0],
      1.2,
      'times',
    )
  })

  return {
    header: ['measure', 'result', 'bound'],
    rows: [
      ...comparisons.map(({ scenario, ours, peer, unit }) => [scenario, `${ours.toFixed(1)} ${unit}`, peer]),
      [
        'resident memory at the fifths of the hour, MiB',
        fifths.map((each) => each.toFixed(0)).join(', '),
        '',
      ],
    ],
    comparisons,
  }
}

async function p95(ask) {
  const times = []
  for (const query of QUERIES) {
    const path = query.replace(/q=(.*)$/, (_, text) => `q=${encodeURIComponent(text)}`)
    for (let repeat = 0; repeat < REPEATS; repeat += 1) {
      const begin = performance.now()
      await ask(path)
      times.push({ path: query, millis: performance.now() - begin })
    }
  }
  if (process.env.VIEWER_QUERIES) {
    for (const query of QUERIES)
      console.error(
        query,
        ...times.filter(({ path }) => path === query).map(({ millis }) => millis.toFixed(0)),
      )
  }
  const sorted = times.map(({ millis }) => millis).toSorted((a, b) => a - b)
  return sorted[Math.ceil(sorted.length * 0.95) - 1]
}
