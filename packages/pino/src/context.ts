import type { Context, SpanContext } from '@opentelemetry/api'
import {
  contextOfSpan,
  createPrintedSpan,
  isSpanContextValid,
  type TraceFieldNames,
} from '@logbridge/bridge/internal'
import type pino from 'pino'
import { warnOfInstrumentation } from './logger.ts'

/**
 * Creates pino options whose `mixin` adds the active span to each record: `trace_id`, `span_id`, `trace_flags` in hex. The
 * fields reach pino's worker with the line, and are left out without an active span. Their names are those for logs that are no
 * OTLP. https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/
 *
 * @param options pino options of the application; the fields of their `mixin` take precedence
 * @param names other names of the fields, for what pino prints. pino's worker recognizes the default names alone.
 * @throws LogbridgeError `INVALID_OPTION` for a wrong name
 * @example
 * const logger = pino(traceContext({ transport: { target: '@logbridge/pino' } }))
 */
export function traceContext<CustomLevels extends string = never>(
  options?: pino.LoggerOptions<CustomLevels>,
  names?: TraceFieldNames,
): pino.LoggerOptions<CustomLevels> {
  const own = options?.mixin
  const printedSpan = createPrintedSpan('@logbridge/pino: traceContext()', names)
  let compared = false
  return {
    ...options,
    mixin(...args) {
      if (!compared) {
        compared = true
        // The worker has the line alone.
        warnOfInstrumentation(args[2])
      }
      // A new object, because pino merges the record's fields into it.
      const fields: object = printedSpan() ?? {}
      return own ? Object.assign(fields, own(...args)) : fields
    },
  }
}

/** Removes the span that `traceContext` has added, and returns it as the context of the log call. Fields of no valid span stay. */
export function extractContext(fields: Record<string, unknown>): Context | undefined {
  const span = spanOf(fields)
  if (span === undefined) return undefined
  removeSpan(fields)
  return contextOfSpan(span)
}

function spanOf(fields: Record<string, unknown>): SpanContext | undefined {
  const traceId = fields['trace_id']
  if (typeof traceId !== 'string') return undefined
  const { span_id: spanId, trace_flags: flags } = fields
  if (typeof spanId !== 'string') return undefined
  const traceFlags = typeof flags === 'string' && /^[\da-f]{2}$/.test(flags) ? Number.parseInt(flags, 16) : 0
  const span = { traceId, spanId, traceFlags }
  return isSpanContextValid(span) ? span : undefined
}

/** Sets the fields to `undefined`, because deleted fields make an object slow: `pnpm bench pino`. */
function removeSpan(fields: Record<string, unknown>): void {
  fields['trace_id'] = fields['span_id'] = fields['trace_flags'] = undefined
}
