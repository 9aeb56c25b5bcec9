import { growth } from '../lib/growth.js'

export const { title, run } = growth({
  name: 'growth-gzip',
  by: 'compression',
  xScale: 'category',
  shapes: ['none', 'gzip'].map((compression) => [compression, { compression }]),
})
