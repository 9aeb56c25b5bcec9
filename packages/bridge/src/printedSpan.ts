import type { Context, SpanContext } from '@opentelemetry/api'
import { checkOptions, type OptionRule } from './options.ts'
import { activeContext } from './provider.ts'
import { spanContextOf } from './spanContext.ts'

/**
 * Names of the fields in which a logger prints its active span. The defaults are the names of OpenTelemetry for logs that are no OTLP.
 * https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/
 */
export interface TraceFieldNames {
  /** @default 'trace_id' */
  traceId?: string | undefined
  /** @default 'span_id' */
  spanId?: string | undefined
  /** @default 'trace_flags' */
  traceFlags?: string | undefined
}

const name: OptionRule = {
  accepts: "a text of letters, digits, '_', '.', and '-'",
  test: (value) => typeof value === 'string' && /^[\w.-]+$/.test(value),
}
/** Rules of `TraceFieldNames`. */
export const traceFieldRules: Readonly<Record<keyof TraceFieldNames, OptionRule>> = {
  traceId: name,
  spanId: name,
  traceFlags: name,
}

/**
 * Creates a function that returns the span of a context, of the active one by default, as fields, in hex. The function returns
 * `undefined` without a valid span, and never throws, because loggers call it in a log call.
 *
 * @param owner package or function that an error names
 * @throws LogbridgeError `INVALID_OPTION` for a wrong name
 */
export function createPrintedSpan(
  owner: string,
  names: TraceFieldNames = {},
): (context?: Context) => Record<string, string> | undefined {
  checkOptions(owner, names, traceFieldRules)
  const { traceId = 'trace_id', spanId = 'span_id', traceFlags = 'trace_flags' } = names
  return (context) => {
    try {
      const span = spanContextOf(context ?? activeContext())
      return span && { [traceId]: span.traceId, [spanId]: span.spanId, [traceFlags]: flagsOf(span) }
    } catch {
      // A ContextManager or a Span of the application has thrown.
      return undefined
    }
  }
}

function flagsOf({ traceFlags }: SpanContext): string {
  return (traceFlags & 0xff).toString(16).padStart(2, '0')
}
