/** What our transport costs on top of winston, beside the official one. */
import { compareAddedCost } from '../lib/addedCost.js'

export const title = 'winston to acknowledged, OTLP/gRPC, 200,000 records of a message and 4 fields'

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
