/** Measures a pipeline from Logger.emit to the acknowledgement of a Collector: CPU of a record, delivered records, and throughput. */
import { range, runRounds, summarize, titleOf, withCollector } from '../lib/harness.js'

export const title = 'Logger.emit to acknowledged, OTLP/gRPC, 200,000 records of a message and 4 attributes'

/** Cause of a missed goal. */
export const shortfall =
  'see [what is short of its goal](benchmarks-shortfalls.md): encoding takes 0.5 of 1.0 us, queue and transport 0.25.'

const OURS = 'logger/logbridge'
const PEER = 'logger/sdk-large-queue'
const PACKAGES = ['@logbridge/core', '@opentelemetry/sdk-logs', '@opentelemetry/exporter-logs-otlp-grpc']
/** CPU of a delivered record, ours : peer. */
const GOAL = 0.15
/** Ratio peer : ours for five times the throughput of the peer. */
const THROUGHPUT_GOAL = 1 / 5

export async function run({ rounds, records }) {
  const runs = await withCollector((collector) =>
    runRounds([OURS, 'logger/sdk-defaults', PEER], collector, { rounds, records }),
  )

  const results = await Promise.all(
    Object.entries(runs).map(async ([name, each]) => ({
      name,
      title: await titleOf(name),
      cpu: summarize(each, 'cpuMicrosPerRecord'),
      cpuDelivered: summarize(each, 'cpuMicrosPerDelivered'),
      speed: summarize(each, 'deliveredPerSecond'),
      lost: summarize(each, 'lost'),
    })),
  )
  const ours = results.find(({ name }) => name === OURS)
  const peer = results.find(({ name }) => name === PEER)
  const ratio = ({ cpuDelivered }) => ours.cpuDelivered.median / cpuDelivered.median
  const throughputRatio = peer.speed.median / ours.speed.median
  const bars = (name, measure) => [{ name, points: results.map((result) => [result.title, measure(result)]) }]
  return {
    header: [
      'pipeline',
      'CPU per record, us',
      'lost',
      'CPU per delivered record, us',
      'delivered/s',
      'CPU, ours : this',
    ],
    rows: results.map((result) => [
      result.title,
      range(result.cpu, 1),
      `${(result.lost.median * 100).toFixed(0)} %`,
      range(result.cpuDelivered, 1),
      Math.round(result.speed.median / 1000) * 1000,
      ratio(result).toFixed(2),
    ]),
    comparisons: [
      {
        scenario: 'pipeline: CPU, a delivered record',
        ours: ours.cpuDelivered.median,
        peer: peer.cpuDelivered.median,
        unit: 'us',
        ratio: ratio(peer),
        goal: GOAL,
        pass: ratio(peer) <= GOAL,
      },
      {
        scenario: 'pipeline: delivered records a second, 5x',
        ours: ours.speed.median,
        peer: peer.speed.median,
        unit: 'records/s',
        measure: 'peer : ours',
        ratio: throughputRatio,
        goal: THROUGHPUT_GOAL,
        pass: throughputRatio <= THROUGHPUT_GOAL,
      },
    ],
    charts: [
      {
        name: 'cost-pipeline',
        title: 'Logger.emit to acknowledged, CPU per delivered record',
        packages: PACKAGES,
        kind: 'bars',
        xLabel: '',
        yLabel: 'us',
        xScale: 'category',
        series: bars('CPU', ({ cpuDelivered }) => cpuDelivered.median),
      },
      {
        name: 'delivered-pipeline',
        title: 'Delivered of 200,000 records in bursts of 1,000',
        packages: PACKAGES,
        kind: 'bars',
        xLabel: '',
        yLabel: '%',
        xScale: 'category',
        series: bars('delivered', ({ lost }) => 100 * (1 - lost.median)),
      },
    ],
  }
}
