/** Measures the cost that logbridge's stream adds to pino, and that of the official instrumentation. */
import { compareAddedCost } from '../lib/addedCost.js'

export const title = 'pino to acknowledged, OTLP/gRPC, 200,000 records of a message and 4 fields'

/** Cause of a missed goal. */
export const shortfall =
  'the Logger of @logbridge/core takes 0.9 us of it, and the adapter and the bridge the rest. [Adapters](benchmarks-shortfalls.md#adapters) has what was tried.'

export const run = (options) =>
  compareAddedCost(
    {
      library: 'pino',
      peer: 'pino/official',
      others: ['pino/line', 'pino/official-defaults'],
      packages: [
        'pino',
        '@logbridge/pino',
        '@logbridge/core',
        '@opentelemetry/instrumentation-pino',
        '@opentelemetry/sdk-logs',
      ],
      goal: 0.2,
    },
    options,
  )
