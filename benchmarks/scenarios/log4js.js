/** What our appender costs on top of log4js, beside the same record given to our Logger directly. */
import { compareAddedCost } from '../lib/addedCost.js'

export const title = 'log4js to acknowledged, OTLP/gRPC, 200,000 records of a message and 4 fields'

export const run = (options) =>
  compareAddedCost(
    {
      library: 'log4js',
      peer: 'logger/logbridge',
      packages: ['log4js', '@logbridge/log4js', '@logbridge/core'],
      goal: 2,
    },
    options,
  )
