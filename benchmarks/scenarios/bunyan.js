/** Measures the cost that logbridge's stream adds to bunyan, and that of the official instrumentation. */
import { compareAddedCost } from '../lib/addedCost.js'

export const title = 'bunyan 1.8 to acknowledged, OTLP/gRPC, 200,000 records of a message and 4 fields'

/** Cause of a missed goal. */
export const shortfall =
  'the Logger of @logbridge/core takes 0.9 us of it, the copy and mapping of the record the rest. [Adapters](benchmarks-shortfalls.md#adapters) has what was tried.'

export const run = (options) =>
  compareAddedCost(
    {
      library: 'bunyan',
      peer: 'bunyan/official',
      others: ['bunyan/official-defaults'],
      packages: [
        'bunyan',
        '@logbridge/bunyan',
        '@logbridge/core',
        '@opentelemetry/instrumentation-bunyan',
        '@opentelemetry/sdk-logs',
      ],
      goal: 0.2,
    },
    options,
  )
