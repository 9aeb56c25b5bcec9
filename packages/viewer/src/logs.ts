import type { ReceivedLogRecord } from './model.ts'
import type { ExportLogsServiceRequest } from './otlp.ts'
import { toAttributes, toHex, toNanos, toResource, toScope, toValue } from './value.ts'

export function countLogRecords(request: ExportLogsServiceRequest): number {
  let count = 0
  for (const { scopeLogs } of request.resourceLogs) {
    for (const { logRecords } of scopeLogs) count += logRecords.length
  }
  return count
}

export function toLogRecords(request: ExportLogsServiceRequest): ReceivedLogRecord[] {
  const records: ReceivedLogRecord[] = []
  for (const resourceLogs of request.resourceLogs) {
    const resource = toResource(resourceLogs.resource, resourceLogs.schemaUrl)
    for (const scopeLogs of resourceLogs.scopeLogs) {
      const scope = toScope(scopeLogs.scope, scopeLogs.schemaUrl)
      for (const raw of scopeLogs.logRecords) {
        records.push({
          resource,
          scope,
          timeUnixNano: toNanos(raw.timeUnixNano),
          observedTimeUnixNano: toNanos(raw.observedTimeUnixNano),
          severityNumber: raw.severityNumber,
          severityText: raw.severityText,
          body: toValue(raw.body),
          attributes: toAttributes(raw.attributes),
          droppedAttributesCount: raw.droppedAttributesCount,
          flags: raw.flags,
          traceId: toHex(raw.traceId),
          spanId: toHex(raw.spanId),
          eventName: raw.eventName,
          raw,
        })
      }
    }
  }
  return records
}
