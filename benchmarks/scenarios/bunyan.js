/** Measures the cost that logbridge's stream adds to bunyan, and that of the official instrumentation. */
import { compareAddedCost } from '../lib/addedCost.js'

export const title = 'bunyan 1.8 to acknowledged, OTLP/gRPC, 200,000 records of a message and 4 fields'

/** Cause of a missed goal. */
export const shortfall =
  "the goal allows 2.5 us. The Logger of @logbridge/core takes 1.5, the clock reading for the record's own time 0.06, and the copy and " +
  'mapping of the record the rest.'

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
