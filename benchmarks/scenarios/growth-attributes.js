import { growth } from '../lib/growth.js'

export const { title, run } = growth({
  name: 'growth-attributes',
  by: 'number of attributes',
  xLabel: 'attributes',
  shapes: [0, 1, 4, 10, 50].map((attributes) => [attributes, { attributes }]),
})
