import { contextOfSpan, isFields, isSpanContextValid } from '@logbridge/bridge/internal'
import type { Fields, ParsedRecord } from './types.ts'

const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-.*)?$/
/** Path of a trace of Google Cloud, or its id alone. */
const GOOGLE_TRACE = /^(?:projects\/[^/]*\/traces\/)?([\da-f]{32})$/
const DECIMAL = /^\d{1,20}$/

/** Pairs of keys that name a span in hex, and the key of its flags. */
const SPELLINGS = [
  { trace: 'trace_id', span: 'span_id', flags: 'trace_flags' },
  { trace: 'traceId', span: 'spanId', flags: 'traceFlags' },
  { trace: 'trace.id', span: 'span.id', flags: undefined },
  { trace: '@tr', span: '@sp', flags: undefined },
  { trace: 'otelTraceID', span: 'otelSpanID', flags: 'otelTraceSampled' },
] as const

/**
 * Moves the span that a line names, in any of the usual spellings, to the record's context. Ids that are no valid span stay attributes.
 * @returns true when there is a span
 */
export function moveSpan(record: ParsedRecord, fields: Fields): boolean {
  for (const { trace, span, flags } of SPELLINGS) {
    const traceId = fields[trace]
    if (typeof traceId !== 'string') continue
    const spanId = fields[span]
    if (typeof spanId !== 'string') continue
    const traceFlags = flags === undefined ? undefined : flagsOf(fields[flags])
    if (!place(record, traceId, spanId, traceFlags)) continue
    fields[trace] = fields[span] = undefined
    if (traceFlags !== undefined) fields[flags!] = undefined
    return true
  }
  return (
    moveTraceparent(record, fields) ||
    moveDatadog(record, fields) ||
    moveNested(record, fields) ||
    moveGoogle(record, fields)
  )
}

function place(record: ParsedRecord, traceId: string, spanId: string, traceFlags = 0): boolean {
  const span = { traceId: traceId.toLowerCase(), spanId: spanId.toLowerCase(), traceFlags }
  if (!isSpanContextValid(span)) return false
  record.context = contextOfSpan(span)
  return true
}

/** Reads flags: two hex digits, a number, or a boolean that tells if the span is sampled. Returns `undefined` for any other value. */
function flagsOf(value: unknown): number | undefined {
  if (typeof value === 'string') {
    if (/^[\da-f]{2}$/i.test(value)) return Number.parseInt(value, 16)
    return /^(?:true|false)$/i.test(value) ? Number(value.length === 4) : undefined
  }
  if (typeof value === 'boolean') return Number(value)
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xff
    ? (value as number)
    : undefined
}

function moveTraceparent(record: ParsedRecord, fields: Fields): boolean {
  const { traceparent } = fields
  const parts = typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent) : null
  if (parts === null || !place(record, parts[1]!, parts[2]!, Number.parseInt(parts[3]!, 16))) return false
  fields['traceparent'] = undefined
  return true
}

/** Moves Datadog's ids: decimal numbers of 64 bits, or a trace id of 128 bits in hex. */
function moveDatadog(record: ParsedRecord, fields: Fields): boolean {
  const { dd } = fields
  const isNested = isFields(dd) && dd['trace_id'] !== undefined
  const source = isNested ? dd : fields
  const prefix = isNested ? '' : 'dd.'
  const traceKey = `${prefix}trace_id`
  const spanKey = `${prefix}span_id`
  const traceId = source[traceKey]
  if (traceId === undefined) return false
  const trace = typeof traceId === 'string' && traceId.length === 32 ? traceId : hexOf(traceId, 32)
  const span = hexOf(source[spanKey], 16)
  if (trace === undefined || span === undefined || !place(record, trace, span)) return false
  source[traceKey] = source[spanKey] = undefined
  return true
}

function hexOf(value: unknown, length: number): string | undefined {
  const text =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? String(value) : ''
  return DECIMAL.test(text) ? BigInt(text).toString(16).padStart(length, '0') : undefined
}

/** Moves `{"trace": {"id"}, "span": {"id"}}` of ECS. */
function moveNested(record: ParsedRecord, fields: Fields): boolean {
  const { trace, span } = fields
  if (!isFields(trace) || !isFields(span)) return false
  const { id: traceId } = trace
  const { id: spanId } = span
  if (typeof traceId !== 'string' || typeof spanId !== 'string' || !place(record, traceId, spanId))
    return false
  trace['id'] = span['id'] = undefined
  if (isEmpty(trace)) fields['trace'] = undefined
  if (isEmpty(span)) fields['span'] = undefined
  return true
}

const GOOGLE = 'logging.googleapis.com/'

function moveGoogle(record: ParsedRecord, fields: Fields): boolean {
  const trace = fields[`${GOOGLE}trace`]
  const spanId = fields[`${GOOGLE}spanId`]
  const traceId = typeof trace === 'string' ? GOOGLE_TRACE.exec(trace)?.[1] : undefined
  if (traceId === undefined || typeof spanId !== 'string') return false
  const sampled = `${GOOGLE}trace_sampled`
  const traceFlags = flagsOf(fields[sampled])
  if (!place(record, traceId, spanId, traceFlags)) return false
  // The project of the trace is in no other field.
  if (trace === traceId) fields[`${GOOGLE}trace`] = undefined
  fields[`${GOOGLE}spanId`] = undefined
  if (traceFlags !== undefined) fields[sampled] = undefined
  return true
}

/** Tests if each field has been moved. */
function isEmpty(fields: Fields): boolean {
  return Object.values(fields).every((value) => value === undefined)
}
