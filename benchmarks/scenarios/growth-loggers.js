import { growth } from '../lib/growth.js'

export const { title, run } = growth({
  name: 'growth-loggers',
  by: 'number of loggers',
  xLabel: 'loggers that emit in turn',
  xScale: 'log',
  shapes: [1, 10, 100, 1000].map((loggers) => [loggers, { loggers }]),
})
