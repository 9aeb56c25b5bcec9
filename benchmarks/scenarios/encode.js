/** Measures the time to encode a record, and that of JSON.stringify. */
import { inChild, interleave } from '../lib/child.js'
import { range, summarize } from '../lib/harness.js'

export const title = 'Encoding one record: a message, attributes, trace context'

const program = new URL('../lib/encode.js', import.meta.url)
/** Largest ratios, OTLP : JSON.stringify, by number of attributes. */
const GOALS = { 4: 0.6, 10: 0.7 }

export async function run({ rounds }) {
  const sizes = Object.keys(GOALS)
  const formats = ['otlp', 'json']
  const runs = await interleave(
    rounds,
    Object.fromEntries(
      sizes.flatMap((size) =>
        formats.map((format) => [`${format} ${size}`, () => inChild(program, [format, size])]),
      ),
    ),
  )
  const nanos = (name) => summarize(runs[name], 'nanos')
  const results = sizes.map((size) => ({ size, ours: nanos(`otlp ${size}`), peer: nanos(`json ${size}`) }))
  return {
    header: ['attributes', 'OTLP, ns', 'JSON.stringify, ns', 'ours : peer'],
    rows: results.map(({ size, ours, peer }) => [
      size,
      range(ours, 0),
      range(peer, 0),
      (ours.median / peer.median).toFixed(2),
    ]),
    comparisons: results.map(({ size, ours, peer }) => {
      const ratio = ours.median / peer.median
      return {
        scenario: `encode: ${size} attributes, against JSON.stringify`,
        ours: ours.median,
        peer: peer.median,
        unit: 'ns',
        ratio,
        goal: GOALS[size],
        pass: ratio <= GOALS[size],
      }
    }),
  }
}
