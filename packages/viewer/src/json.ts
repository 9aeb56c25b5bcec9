import type { ReceivedLogRecord, ReceivedMetric, ReceivedSpan } from './model.ts'
import { escapeControls } from './text.ts'

/**
 * Formats a record as one line of JSON that begins with `signal`, without `raw` and without a newline at the end. Writes a
 * bigint as a decimal string, bytes as base64, and NaN and the infinities as strings, like OTLP/JSON.
 */
export function formatJson(
  signal: 'log' | 'span' | 'metric',
  record: ReceivedLogRecord | ReceivedSpan | ReceivedMetric,
): string {
  // JSON.stringify keeps some control characters. They occur only in strings, where \uXXXX is equivalent.
  return escapeControls(JSON.stringify({ signal, ...record, raw: undefined }, toJson))
}

function toJson(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return value
}
