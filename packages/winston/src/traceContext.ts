import { createPrintedSpan, type TraceFieldNames } from '@logbridge/bridge/internal'
import type { Logform } from 'winston'
import { cloneForFormat } from './info.ts'

/**
 * Creates a winston format that adds the active span to each record: `trace_id`, `span_id`, `trace_flags` in hex. A field of the
 * record takes precedence. `OtelTransport` sends the span as span of the LogRecord, and not once more as attributes.
 *
 * @param names other names of the fields
 * @throws LogbridgeError `INVALID_OPTION` for a wrong name
 * @example
 * const logger = winston.createLogger({ format: format.combine(traceContext(), format.json()), transports })
 */
export function traceContext(names?: TraceFieldNames): Logform.Format {
  const printedSpan = createPrintedSpan('@logbridge/winston: traceContext()', names)
  return {
    transform(info) {
      const fields = printedSpan()
      if (fields === undefined) return info
      // winston may pass on an object of the application, which is logged again in another span.
      const copy = cloneForFormat(info) as typeof info
      for (const name in fields) copy[name] ??= fields[name]
      return copy
    },
  }
}
