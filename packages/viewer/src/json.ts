import type { ReceivedLogRecord, ReceivedMetric, ReceivedSpan } from './model.ts'
import { escapeControls } from './text.ts'

/**
 * A record as one line of JSON, led by its `signal`; without `raw` and without a newline at the end. As in OTLP/JSON,
 * a bigint is a decimal string, bytes are base64, NaN and the infinities are strings.
 */
export function formatJson(
  signal: 'log' | 'span' | 'metric',
  record: ReceivedLogRecord | ReceivedSpan | ReceivedMetric,
): string {
  // JSON leaves some control characters as they are; they occur within strings only, where \uXXXX means the same.
  return escapeControls(JSON.stringify({ signal, ...record, raw: undefined }, toJson))
}

function toJson(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return value
}
