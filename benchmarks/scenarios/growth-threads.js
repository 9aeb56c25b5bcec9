import { growth } from '../lib/growth.js'

export const { title, run } = growth({
  name: 'growth-threads',
  by: 'number of worker threads',
  xLabel: 'worker threads, each with its own pipeline',
  goals: { 8: 0.35 },
  shapes: [1, 2, 4, 8].map((threads) => [threads, { threads, records: 40_000 }]),
})
