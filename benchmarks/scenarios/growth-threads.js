/**
 * Measures threads that have run for a while: each sends 40,000 records to warm up, and 40,000 more. With 5,000 a thread, V8 compiles in
 * each thread for most of the measured time, which takes about 20 ms of CPU a thread on both sides.
 */
import { growth } from '../lib/growth.js'

export const { title, run } = growth({
  name: 'growth-threads',
  by: 'number of worker threads',
  xLabel: 'worker threads, each with its own pipeline',
  goals: { 8: 0.35 },
  shapes: [1, 2, 4, 8].map((threads) => [threads, { threads, records: 40_000 * threads }]),
})
