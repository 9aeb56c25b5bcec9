/** What our stream costs on top of pino, beside the official instrumentation. */
import { compareAddedCost } from '../lib/addedCost.js'

export const title = 'pino to acknowledged, OTLP/gRPC, 200,000 records of a message and 4 fields'

export const run = (options) =>
  compareAddedCost(
    {
      library: 'pino',
      peer: 'pino/official',
      others: ['pino/official-defaults'],
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
