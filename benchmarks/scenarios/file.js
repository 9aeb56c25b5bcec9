/** Measures the CPU of a record that is written as a line of OTLP JSON, and that of a record sent over gRPC. */
import { inChild, interleave } from '../lib/child.js'
import { range, summarize, withReceiver } from '../lib/harness.js'

export const title = 'Logger.emit to delivered, 200,000 records of a message and 4 attributes'

const program = new URL('../lib/file.js', import.meta.url)
const DESTINATIONS = { grpc: 'OTLP/gRPC', file: 'file of OTLP JSON lines' }
const GOAL = 2

export async function run({ rounds }) {
  const runs = await withReceiver(({ url }) =>
    interleave(
      rounds,
      Object.fromEntries(
        Object.keys(DESTINATIONS).map((name) => [name, () => inChild(program, [name, url])]),
      ),
    ),
  )
  const results = Object.entries(DESTINATIONS).map(([name, shown]) => ({
    shown,
    cpu: summarize(runs[name], 'cpuMicros'),
    stall: summarize(runs[name], 'stallMillis'),
    speed: summarize(runs[name], 'perSecond'),
  }))
  const [grpc, file] = results
  const ratio = file.cpu.median / grpc.cpu.median
  return {
    header: ['destination', 'CPU per record, us', 'longest stall, ms', 'delivered/s', 'CPU, this : gRPC'],
    rows: results.map(({ shown, cpu, stall, speed }) => [
      shown,
      range(cpu, 2),
      range(stall, 1),
      Math.round(speed.median / 1000) * 1000,
      (cpu.median / grpc.cpu.median).toFixed(2),
    ]),
    comparisons: [
      {
        scenario: 'file: CPU, a delivered record, against OTLP/gRPC',
        ours: file.cpu.median,
        peer: grpc.cpu.median,
        unit: 'us',
        ratio,
        goal: GOAL,
        pass: ratio <= GOAL,
      },
    ],
  }
}
