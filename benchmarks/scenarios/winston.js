/** What our transport costs on top of winston, beside the official one. */
import { compareAddedCost } from '../lib/addedCost.js'

export const title = 'winston to acknowledged, OTLP/gRPC, 200,000 records of a message and 4 fields'

/** Said where a goal is missed: why, and what has been tried. */
export const shortfall =
  'a second transport of any kind costs 0.8 us, by winston itself, and emitting and delivering by our Logger 1.5: ' +
  'together that is nearly all that the goal allows. The transport takes records past the buffer of its stream, what a record that has to ' +
  'wait needs is made only when one waits, and fields are copied once; what is left of its own is about 1 us.'

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
