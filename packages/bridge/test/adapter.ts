import { copyFields } from '../src/safeAccess.ts'
import type { Adapter, Classified, LogRecord, SeverityNumber } from '../src/types.ts'

/** Native record of these tests: a LogRecord and its classification in one. */
export interface Native extends LogRecord, Omit<Classified, 'severityNumber'> {
  severity?: SeverityNumber
}

const CLASSIFIED = new Set(['severity', 'severityText', 'scope'])

/** Adapter that translates nothing: the bridge gets the record of the test. */
export const adapter: Adapter<Native> = {
  library: 'plain',
  classify: ({ severity = 9, severityText, scope }) => ({ severityNumber: severity, severityText, scope }),
  convert: (native) => copyFields(native, CLASSIFIED),
}
