import slowRedact from '@pinojs/redact'
import type { BridgeOptions, PlainRecord } from './types.ts'

const CENSOR = '[Redacted]'

/** Turns the `redact` option into one function that changes a plain record in place. */
export function createRedactor(redact: NonNullable<BridgeOptions['redact']>): (record: PlainRecord) => void {
  if (typeof redact === 'function') return redact
  const paths = [...redact]
  // strict: false lets a value pass that is no object.
  const mask = slowRedact({ paths, censor: CENSOR, serialize: false, strict: false })
  return (record) => {
    record.attributes = mask(record.attributes) as PlainRecord['attributes']
    // A path also means the flat attribute key of that very name.
    for (const path of paths) if (Object.hasOwn(record.attributes, path)) record.attributes[path] = CENSOR
    if (typeof record.body === 'object' && record.body !== null) record.body = mask(record.body)
  }
}
