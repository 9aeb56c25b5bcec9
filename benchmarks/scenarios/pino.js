/** What our stream costs on top of pino, beside the official instrumentation. */
import { compareAddedCost } from '../lib/addedCost.js'

export const title = 'pino to acknowledged, OTLP/gRPC, 200,000 records of a message and 4 fields'

export const run = (options) =>
  compareAddedCost(
    { library: 'pino', peer: 'pino/official', others: ['pino/official-defaults'], goal: 0.2 },
    options,
  )
