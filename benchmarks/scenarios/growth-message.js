import { growth } from '../lib/growth.js'

/** Shapes of long messages: the queue has 64 MiB, and a Collector takes requests of 4 MiB. */
const LONG = { 2000: { records: 15_000 }, 200_000: { records: 200, maxExportBatchSize: 16 } }

export const { title, run } = growth({
  name: 'growth-message',
  by: 'length of the message',
  xLabel: 'bytes of the message',
  xScale: 'log',
  yScale: 'log',
  goals: { 2000: 0.2, 200_000: 0.25 },
  shapes: [20, 200, 2000, 200_000].map((messageBytes) => [
    messageBytes,
    { messageBytes, ...LONG[messageBytes] },
  ]),
})
