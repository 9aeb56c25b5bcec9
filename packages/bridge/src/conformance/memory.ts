import { trace } from '@opentelemetry/api'
import type { ApiLogRecord } from '../types.ts'
import type { Backend, ConformanceRecord } from './types.ts'

/**
 * Keeps records in memory without a copy, so that a change after the log call shows. Fit for an adapter's own tests as well.
 */
export const memoryBackend: Backend = {
  name: 'memory',
  async start() {
    let arrived: ConformanceRecord[] = []
    return {
      loggerProvider: {
        getLogger: (scope) => ({ emit: (record) => void arrived.push(describe(scope, record)) }),
      },
      async records() {
        const records = arrived
        arrived = []
        return records
      },
      async stop() {
        // This backend holds nothing open.
      },
    }
  },
}

function describe(scope: string, record: ApiLogRecord): ConformanceRecord {
  const span = record.context && trace.getSpanContext(record.context)
  return {
    scope,
    timestamp: record.timestamp!,
    observedTimestamp: record.observedTimestamp!,
    severityNumber: record.severityNumber ?? 0,
    severityText: record.severityText,
    body: record.body,
    attributes: record.attributes ?? {},
    traceId: span?.traceId,
    spanId: span?.spanId,
    flags: span?.traceFlags,
    eventName: record.eventName,
  }
}
