/** Measures the cost that the bridge adds to the console, and that of emitting the same record directly. */
import { compareAddedCost } from '../lib/addedCost.js'

export const title = 'console to acknowledged, OTLP/gRPC, 200,000 records of a message and 4 fields'

/** Cause of a missed goal. */
export const shortfall =
  'the Logger takes 0.9 us, and the adapter, its library, and the bridge as much again. [Adapters](benchmarks-shortfalls.md#adapters) has what was tried.'

export const run = (options) =>
  compareAddedCost(
    {
      library: 'console',
      peer: 'logger/logbridge',
      packages: ['@logbridge/console', '@logbridge/core'],
      goal: 1.5,
    },
    options,
  )
