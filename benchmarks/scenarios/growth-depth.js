import { growth } from '../lib/growth.js'

export const { title, run } = growth({
  name: 'growth-depth',
  by: 'depth of a value',
  xLabel: 'levels of nested objects with three fields each',
  shapes: [1, 2, 4, 7, 10].map((depth) => [depth, { depth }]),
})
