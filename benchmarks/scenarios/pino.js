/** Measures the cost that logbridge's stream adds to pino, and that of the official instrumentation. */
import { compareAddedCost } from '../lib/addedCost.js'

export const title = 'pino to acknowledged, OTLP/gRPC, 200,000 records of a message and 4 fields'

/** Cause of a missed goal. */
export const shortfall =
  'the adapter and the bridge take 0.6 us, beside the 1.6 us of the Logger, which encodes, counts, and sends. ' +
  "Reading the line instead (`source: 'line'`) takes 0.6 us more."

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
