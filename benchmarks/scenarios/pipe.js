/** Measures the CPU of a line of another program, from its bytes to the acknowledgement of its record. */
import { inChild, interleave } from '../lib/child.js'
import { range, summarize, withReceiver } from '../lib/harness.js'

export const title = 'Lines of other programs to acknowledged, OTLP/gRPC, 200,000 lines of the real libraries'

const program = new URL('../lib/pipe.js', import.meta.url)
/** Formats, and the microseconds that a line may take on one core: 100,000 lines of pino and 60,000 of loguru in a second. */
const FORMATS = { pino: 10, loguru: 16.7, zap: 10, 'structlog-iso': 10 }

export async function run({ rounds }) {
  const runs = await withReceiver(({ url }) =>
    interleave(
      rounds,
      Object.fromEntries(
        Object.keys(FORMATS).map((format) => [format, () => inChild(program, [format, url])]),
      ),
    ),
  )
  const results = Object.entries(FORMATS).map(([format, goal]) => ({
    format,
    goal,
    cpu: summarize(runs[format], 'cpuMicros'),
    parse: summarize(runs[format], 'parseMicros'),
    speed: summarize(runs[format], 'perSecond'),
  }))
  return {
    header: ['format', 'CPU per line, us', 'JSON.parse alone, us', 'lines/s'],
    rows: results.map(({ format, cpu, parse, speed }) => [
      format,
      range(cpu, 1),
      range(parse, 1),
      Math.round(speed.median / 1000) * 1000,
    ]),
    comparisons: results.slice(0, 2).map(({ format, goal, cpu }) => ({
      scenario: `pipe: CPU, a line of ${format}, against its share of a core`,
      ours: cpu.median,
      peer: goal,
      unit: 'us',
      ratio: cpu.median / goal,
      goal: 1,
      pass: cpu.median <= goal,
    })),
  }
}
