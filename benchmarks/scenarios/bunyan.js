/** What our stream costs on top of bunyan, beside the official instrumentation. */
import { compareAddedCost } from '../lib/addedCost.js'

export const title = 'bunyan 1.8 to acknowledged, OTLP/gRPC, 200,000 records of a message and 4 fields'

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
