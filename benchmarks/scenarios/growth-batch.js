import { growth } from '../lib/growth.js'

export const { title, run } = growth({
  name: 'growth-batch',
  by: 'size of the batches',
  xLabel: 'records in a batch (maxExportBatchSize)',
  xScale: 'log',
  goals: { 64: 0.35 },
  shapes: [64, 256, 1024, 4096, 16_384].map((maxExportBatchSize) => [
    maxExportBatchSize,
    { maxExportBatchSize },
  ]),
})
