import type { ServerResponse } from 'node:http'
import type { LogRow, RecordDetails, SpanRow } from '../store/answers.ts'
import type { Store } from '../store/store.ts'

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

/** Writes log records as lines of JSON, one page after the other, because all records together can be large. */
export async function writeLogs(
  store: Store,
  response: ServerResponse,
  ids: readonly number[],
): Promise<void> {
  let left = ids
  while (left.length > 0 && !response.destroyed) {
    const { rows, rest } = await store.read('logs', { ids: left })
    await write(response, rows.map((row) => `${toLine(row)}\n`).join(''))
    left = rest
  }
}

/** Writes a part of an answer. Waits until the part is sent, or the connection is closed. */
export function write(response: ServerResponse, text: string): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', resolve)
    response.write(text, () => {
      response.off('close', resolve)
      resolve()
    })
  })
}
