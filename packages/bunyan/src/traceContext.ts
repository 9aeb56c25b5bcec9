import { createPrintedSpan, type TraceFieldNames } from '@logbridge/bridge/internal'

/** End of a line of bunyan. */
const END = /\}(\r?\n)$/

/**
 * Wraps a stream of a bunyan logger, so that each line has the active span: `trace_id`, `span_id`, `trace_flags` in hex. bunyan
 * has no hook that adds fields to every record. A line that has a field `trace_id`, and the record of
 * a raw stream, stay as they are.
 *
 * @param stream stream that gets the lines
 * @param names other names of the fields
 * @throws LogbridgeError `INVALID_OPTION` for a wrong name
 * @example
 * const log = bunyan.createLogger({ name: 'shop', streams: [{ stream: traceContext(process.stdout) }, otelStream()] })
 */
export function traceContext(
  stream: { write(line: string): unknown },
  names?: TraceFieldNames,
): { write(line: string | object): void } {
  const printedSpan = createPrintedSpan('@logbridge/bunyan: traceContext()', names)
  const traceIdKey = `${JSON.stringify(names?.traceId ?? 'trace_id')}:`
  return {
    write(line) {
      const fields = printedSpan()
      const isExtended = fields !== undefined && typeof line === 'string' && !line.includes(traceIdKey)
      stream.write(isExtended ? line.replace(END, `,${JSON.stringify(fields).slice(1)}$1`) : (line as string))
    },
  }
}
