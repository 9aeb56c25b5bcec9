import { inChild, interleave } from './child.js'
import { range, summarize, withCollector } from './harness.js'

const program = new URL('grow.js', import.meta.url)
const PIPELINES = { logbridge: '@logbridge/core', sdk: 'SDK 3.1, queue of 200,000' }
const RECORDS = 20_000

/**
 * Creates a scenario that measures the growth of the CPU of a delivered record with one property of the load.
 *
 * @param scenario.name name of the scenario and its chart
 * @param scenario.by name of the property
 * @param scenario.xLabel label of the x axis
 * @param scenario.xScale, yScale scales of the chart
 * @param scenario.shapes pairs of an x value and a shape of `lib/load.js`
 * @param scenario.goals largest ratios of the costs, logbridge : SDK, by x value
 * @param scenario.shortfall cause of a missed goal
 */
export function growth({ name, by, xLabel = by, xScale, yScale, shapes, goals = {}, shortfall }) {
  const title = `CPU of a delivered record by ${by}, OTLP/gRPC`
  return { title, shortfall, run: async ({ rounds }) => report(await measure(rounds)) }

  async function measure(rounds) {
    const runs = await withCollector((collector) =>
      interleave(
        rounds,
        Object.fromEntries(
          shapes.flatMap(([x, shape]) =>
            Object.keys(PIPELINES).map((pipeline) => [
              `${x} ${pipeline}`,
              () => runOnce(pipeline, collector, { records: RECORDS, ...shape }),
            ]),
          ),
        ),
      ),
    )
    return shapes.map(([x]) => ({
      x,
      ours: summarize(runs[`${x} logbridge`], 'micros'),
      peer: summarize(runs[`${x} sdk`], 'micros'),
    }))
  }

  function report(results) {
    const ratios = results.map(({ ours, peer }) => ours.median / peer.median)
    const worst = ratios.indexOf(Math.max(...ratios))
    const { x, ours, peer } = results[worst]
    return {
      header: [xLabel, ...Object.values(PIPELINES).map((pipeline) => `${pipeline}, us`), 'ours : this'],
      rows: results.map(({ x, ours, peer }, i) => [x, range(ours, 1), range(peer, 1), ratios[i].toFixed(2)]),
      comparisons: [
        {
          scenario: `${name}: largest ratio to the SDK, at ${x}`,
          ours: ours.median,
          peer: peer.median,
          unit: 'us',
          ratio: ratios[worst],
          goal: 1,
          pass: ratios[worst] <= 1,
        },
        ...results.flatMap(({ x, ours, peer }, i) => withGoal(x, ours, peer, ratios[i])),
      ],
      charts: [
        {
          name,
          title,
          kind: 'lines',
          xLabel,
          yLabel: 'CPU of a delivered record, us',
          xScale,
          yScale,
          packages: ['@logbridge/core', '@opentelemetry/sdk-logs', '@opentelemetry/exporter-logs-otlp-grpc'],
          series: [
            { name: PIPELINES.logbridge, points: results.map(({ x, ours }) => [x, ours.median]) },
            { name: PIPELINES.sdk, points: results.map(({ x, peer }) => [x, peer.median]) },
          ],
        },
      ],
    }
  }

  function withGoal(x, ours, peer, ratio) {
    const goal = goals[x]
    if (goal === undefined) return []
    const scenario = `${name}: ${x} ${xLabel}`
    return [{ scenario, ours: ours.median, peer: peer.median, unit: 'us', ratio, goal, pass: ratio <= goal }]
  }
}

async function runOnce(pipeline, collector, shape) {
  await collector.take()
  const { cpuMicros, emitted } = await inChild(program, [pipeline, collector.url, JSON.stringify(shape)])
  const delivered = await collector.take()
  if (delivered < emitted) throw new Error(`${pipeline} lost ${emitted - delivered} of ${emitted} records`)
  return { micros: cpuMicros / shape.records }
}
