/** Rows of the HTTP API, with their values parsed. */
import type { ReceivedAttributes, ReceivedLogRecord, ReceivedValue } from '../model.ts'
import type { LogRow, SpanRow, TraceTotal } from '../store/answers.ts'

export type ParsedLogRow = Omit<LogRow, 'body' | 'attributes'> & {
  body: ReceivedValue
  attributes: ReceivedAttributes
}
export type ParsedSpanRow = Omit<SpanRow, 'attributes' | 'events' | 'links'> & {
  attributes: ReceivedAttributes
  events: { name: string; time: string; attributes: ReceivedAttributes }[]
  links: { traceId: string; spanId: string; attributes: ReceivedAttributes }[]
}

/** Answer about a trace, with its values parsed. */
export interface ParsedTrace {
  spans: ParsedSpanRow[]
  logs: ParsedLogRow[]
  total: TraceTotal
}

/** Builds the record that the formatter takes. */
export function toLogRecord(row: ParsedLogRow): Omit<ReceivedLogRecord, 'raw'> {
  const { time, severity, service, scope, ...rest } = row
  return {
    ...rest,
    timeUnixNano: BigInt(time),
    observedTimeUnixNano: 0n,
    severityNumber: severity,
    droppedAttributesCount: 0,
    flags: 0,
    resource: {
      attributes: service === '' ? {} : { 'service.name': service },
      droppedAttributesCount: 0,
      schemaUrl: '',
    },
    scope: { name: scope, version: '', attributes: {}, droppedAttributesCount: 0, schemaUrl: '' },
  }
}
