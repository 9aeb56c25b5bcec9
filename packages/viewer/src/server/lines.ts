import type { LogRow, RecordDetails, SpanRow } from '../store/answers.ts'

/** Fields of rows that hold JSON text. They are copied, so that integers keep all digits. */
const JSON_FIELDS = new Set([
  'body',
  'attributes',
  'events',
  'links',
  'scopeAttributes',
  'resourceAttributes',
  'point',
  'value',
])

/** Formats a row as one line of JSON. */
export function toLine(row: LogRow | SpanRow | RecordDetails | object): string {
  const fields = Object.entries(row).map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON_FIELDS.has(name) ? value : JSON.stringify(value)}`,
  )
  return `{${fields.join(',')}}`
}

/** Formats rows as a JSON array. */
export function toArray(rows: readonly object[]): string {
  return `[${rows.map(toLine).join(',')}]`
}
