import { growth } from '../lib/growth.js'

export const { title, run } = growth({
  name: 'growth-depth',
  by: 'depth of a value',
  xLabel: 'objects in one another, each with three fields',
  shapes: [1, 2, 4, 7, 10].map((depth) => [depth, { depth }]),
})
