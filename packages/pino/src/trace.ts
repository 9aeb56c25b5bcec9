import type { Context, SpanContext } from '@opentelemetry/api'
import { activeContext, contextOfSpan, isSpanContextValid, spanContextOf } from '@logbridge/bridge/internal'
import type pino from 'pino'
import { warnOfInstrumentation } from './logger.ts'

/**
 * pino options that put the active span on every record, so that it also crosses into a worker: `trace_id`, `span_id`,
 * `trace_flags` in hex, the names of OpenTelemetry for logs that are not OTLP. Outside of a span they add nothing.
 * https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/
 *
 * @param options your own pino options; their `mixin` is called too, and its fields win
 */
export function traceContext<CustomLevels extends string = never>(
  options?: pino.LoggerOptions<CustomLevels>,
): pino.LoggerOptions<CustomLevels> {
  const own = options?.mixin
  let compared = false
  return {
    ...options,
    mixin(...args) {
      if (!compared) {
        compared = true
        // The worker cannot see it.
        warnOfInstrumentation(args[2])
      }
      const span = spanContextOf(activeContext())
      // A fresh object: pino merges the record's fields into it.
      const fields: object = span ? toFields(span) : {}
      return own ? Object.assign(fields, own(...args)) : fields
    },
  }
}

function toFields({ traceId, spanId, traceFlags }: SpanContext): Record<string, string> {
  return { trace_id: traceId, span_id: spanId, trace_flags: traceFlags.toString(16).padStart(2, '0') }
}

/**
 * Takes the span off a record that `traceContext` put there: the context of the log call. Fields that name no span
 * stay.
 */
export function extractContext(fields: Record<string, unknown>): Context | undefined {
  const span = spanOf(fields)
  if (span === undefined) return undefined
  removeSpan(fields)
  return contextOfSpan(span)
}

/** Takes the span off a record when it is the active one: the bridge sends that anyway, and needs no context from here. */
export function removeActiveSpan(fields: Record<string, unknown>): undefined {
  const span = spanOf(fields)
  if (span === undefined) return undefined
  const active = spanContextOf(activeContext())
  if (active?.spanId === span.spanId && active.traceId === span.traceId) removeSpan(fields)
  return undefined
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

/** What is undefined is not sent; to delete it would make the object slow for all that comes after. */
function removeSpan(fields: Record<string, unknown>): void {
  fields['trace_id'] = fields['span_id'] = fields['trace_flags'] = undefined
}
