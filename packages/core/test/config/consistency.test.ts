import { describe, expect, test } from 'vitest'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { resolved, thrownBy } from './resolved.ts'

const warnings = capturedWarnings()

describe('batchWithinQueue', () => {
  test.each(['logs', 'traces'])('throws an error for %s when an option exceeds the queue', (signal) => {
    const { message } = thrownBy(() =>
      resolved(signal, { [signal]: { maxQueueSize: 5, maxExportBatchSize: 6 } }, {}),
    )
    expect(message).toContain(
      `option ${signal}.maxExportBatchSize is 6; it accepts at most ${signal}.maxQueueSize, which is 5`,
    )
  })

  test('lowers the batch size to the queue when the batch size is not set', () => {
    expect(resolved('traces.maxExportBatchSize', { traces: { maxQueueSize: 5 } }, {})).toBe(5)
    expect(warnings).toEqual([])
  })

  test('lowers the batch size with a warning when a variable sets it', () => {
    const env = { OTEL_BSP_MAX_QUEUE_SIZE: '5', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '6' }
    expect(resolved('traces.maxExportBatchSize', {}, env)).toBe(5)
    expect(warnings).toEqual([expect.stringContaining('OTEL_BSP_MAX_EXPORT_BATCH_SIZE is 6')])
  })
})

test('resolveTelemetry lowers the export timeout of metrics when it exceeds the interval, with a warning when it was set', () => {
  expect(resolved('metrics.exportTimeoutMillis', { metrics: { exportIntervalMillis: 5 } }, {})).toBe(5)
  expect(warnings).toEqual([])
  const options = { metrics: { exportIntervalMillis: 5, exportTimeoutMillis: 6 } }
  expect(resolved('metrics.exportTimeoutMillis', options, {})).toBe(5)
  expect(warnings).toEqual([expect.stringContaining('exportTimeoutMillis (OTEL_METRIC_EXPORT_TIMEOUT) is 6')])
})
