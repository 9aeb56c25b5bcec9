import { growth } from '../lib/growth.js'

/** Numbers of records of long messages, limited by the queue of 64 MiB. */
const RECORDS = { 2000: 15_000, 200_000: 200 }

export const { title, run } = growth({
  name: 'growth-message',
  by: 'length of the message',
  xLabel: 'bytes of the message',
  xScale: 'log',
  yScale: 'log',
  limits: { 2000: 0.2, 200_000: 0.25 },
  goals: { 2000: 0.2, 200_000: 0.25 },
  shapes: [20, 200, 2000, 200_000].map((messageBytes) => [
    messageBytes,
    { messageBytes, ...(RECORDS[messageBytes] && { records: RECORDS[messageBytes] }) },
  ]),
})
