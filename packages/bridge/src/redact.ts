import slowRedact from '@pinojs/redact'
import type { BridgeOptions, PlainRecord } from './types.ts'

const CENSOR = '[Redacted]'

/** Turns the `redact` option into one function that changes a plain record in place. */
export function createRedactor(redact: NonNullable<BridgeOptions['redact']>): (record: PlainRecord) => void {
  if (typeof redact === 'function') return redact
  const at = (part: string) => redact.map((path) => part + (path.startsWith('[') ? '' : '.') + path)
  // strict: false lets a body pass that is no object.
  const mask = slowRedact({
    paths: [...at('attributes'), ...at('body')],
    censor: CENSOR,
    serialize: false,
    strict: false,
  })
  return (record) => {
    const { attributes, body } = mask({ ...record }) as PlainRecord
    // A path also means the flat attribute key of that very name.
    for (const path of redact) if (Object.hasOwn(attributes, path)) attributes[path] = CENSOR
    record.attributes = attributes
    record.body = body
  }
}
