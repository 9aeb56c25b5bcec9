/** From Logger.emit to acknowledged: what a record costs, how many arrive, how fast. */
import { pipelines } from '../lib/pipelines.js'
import { runPipeline, startReceiver, summarize } from '../lib/harness.js'

export const title = 'Logger.emit to acknowledged, OTLP/gRPC, 200,000 records of a message and 4 attributes'

export async function run({ rounds, records = 200_000 }) {
  const receiver = await startReceiver()
  const runs = Object.fromEntries(Object.keys(pipelines).map((name) => [name, []]))
  // Interleaved, so that whatever else the machine does falls on all of them.
  for (let round = 0; round < rounds; round += 1) {
    for (const name of Object.keys(pipelines)) runs[name].push(await runPipeline(name, receiver, records))
  }
  receiver.stop()

  const results = Object.entries(runs).map(([name, each]) => ({
    name,
    title: pipelines[name].title,
    cpu: summarize(each, 'cpuMicrosPerRecord'),
    cpuDelivered: summarize(each, 'cpuMicrosPerDelivered'),
    speed: summarize(each, 'deliveredPerSecond'),
    lost: summarize(each, 'lost'),
  }))
  const ours = results.find(({ name }) => name === 'logbridge')
  if (ours.lost.max > 0) throw new Error(`logbridge lost ${ours.lost.max * 100} % of the records`)
  return {
    header: [
      'pipeline',
      'CPU per record, us',
      'lost',
      'CPU per delivered record, us',
      'delivered/s',
      'CPU, ours : this',
    ],
    rows: results.map(({ title, cpu, cpuDelivered, speed, lost }) => [
      title,
      range(cpu, 1),
      `${(lost.median * 100).toFixed(0)} %`,
      range(cpuDelivered, 1),
      Math.round(speed.median / 1000) * 1000,
      (ours.cpuDelivered.median / cpuDelivered.median).toFixed(2),
    ]),
    comparisons: results
      .filter(({ name }) => name !== 'logbridge')
      .map(({ name, cpuDelivered }) => ({
        scenario: `pipeline: CPU per delivered record, against ${name}`,
        ours: ours.cpuDelivered.median,
        peer: cpuDelivered.median,
        ratio: ours.cpuDelivered.median / cpuDelivered.median,
      })),
  }
}

function range({ median, min, max }, digits) {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`
}
