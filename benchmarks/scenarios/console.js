/** Measures the cost that the bridge adds to the console, and that of emitting the same record directly. */
import { compareAddedCost } from '../lib/addedCost.js'

export const title = 'console to acknowledged, OTLP/gRPC, 200,000 records of a message and 4 fields'

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
