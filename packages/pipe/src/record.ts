import type { Fields, ParsedRecord } from './types.ts'

/** Creates a record without parts, so that all records have one shape. */
export function createRecord(format: ParsedRecord['format'], attributes: Fields): ParsedRecord {
  return {
    format,
    timestamp: undefined,
    observedTimestamp: undefined,
    severityNumber: 0,
    severityText: undefined,
    scope: undefined,
    body: undefined,
    attributes,
    exception: undefined,
    context: undefined,
    resource: undefined,
  }
}
