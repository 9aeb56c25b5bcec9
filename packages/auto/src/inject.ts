import { createPrintedSpan } from '@logbridge/bridge/internal'
import { printsTraceContext } from './settings.ts'

const printedSpan = createPrintedSpan('@logbridge/auto')

/** True when libraries print the active span, by `LOGBRIDGE_INJECT`. */
export const isInjecting: boolean = printsTraceContext(process.env)

/** Adds the active span to a record that a library has created for one log call. A field of the record takes precedence. */
export function injectSpan(record: Record<string, unknown>): void {
  const fields = printedSpan()
  for (const name in fields) record[name] ??= fields[name]
}
