import { copyFields } from '../src/safeAccess.ts'
import type { Adapter, LogRecord, SeverityNumber } from '../src/types.ts'

/** A logging library's record as these tests have it. */
export interface Native extends LogRecord {
  severity?: SeverityNumber
  scope?: string
}

const NOT_OF_A_RECORD = new Set(['severity', 'scope'])

/** An adapter with nothing to translate: what a test puts in is what the bridge gets. */
export const adapter: Adapter<Native> = {
  library: 'plain',
  severity: (native) => native.severity ?? 9,
  scope: (native) => native.scope,
  convert: (native) => copyFields(native, NOT_OF_A_RECORD),
}
