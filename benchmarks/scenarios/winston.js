/** Measures the cost that logbridge's transport adds to winston, and that of the official transport. */
import { compareAddedCost } from '../lib/addedCost.js'

export const title = 'winston to acknowledged, OTLP/gRPC, 200,000 records of a message and 4 fields'

/** Cause of a missed goal. */
export const shortfall =
  'the Logger of @logbridge/core takes 0.9 us of it, and winston takes time for any second transport. [Adapters](benchmarks-shortfalls.md#adapters) has what was tried.'

export const run = (options) =>
  compareAddedCost(
    {
      library: 'winston',
      peer: 'winston/official',
      packages: [
        'winston',
        '@logbridge/winston',
        '@logbridge/core',
        '@opentelemetry/winston-transport',
        '@opentelemetry/sdk-logs',
      ],
      goal: 0.2,
    },
    options,
  )
