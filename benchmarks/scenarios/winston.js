/** Measures the cost that logbridge's transport adds to winston, and that of the official transport. */
import { compareAddedCost } from '../lib/addedCost.js'

export const title = 'winston to acknowledged, OTLP/gRPC, 200,000 records of a message and 4 fields'

/** Cause of a missed goal. */
export const shortfall =
  'winston takes 0.8 us for any second transport, and the Logger of @logbridge/core takes 1.5 us: together nearly all that the goal allows. ' +
  'The transport itself takes about 1 us. It bypasses the buffer of its stream, prepares deferral only for a deferred record, and copies ' +
  'fields once.'

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
