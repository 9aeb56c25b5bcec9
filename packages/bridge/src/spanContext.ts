import type { Context, Span, SpanContext } from '@opentelemetry/api'

// Makes and reads contexts without importing `@opentelemetry/api`, for the reasons in provider.ts.

/** Key of the Span in a Context of any version of `@opentelemetry/api`. */
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN')

/** Context without values. */
export const ROOT_CONTEXT: Context = contextWith(new Map())

function contextWith(values: ReadonlyMap<symbol, unknown>): Context {
  return {
    getValue: (key) => values.get(key),
    setValue: (key, value) => contextWith(new Map(values).set(key, value)),
    deleteValue: (key) => contextWith(new Map([...values].filter(([other]) => other !== key))),
  }
}

/** Makes a context with a span of which only the ids are known, because it belongs to another process or thread. */
export function contextOfSpan(spanContext: SpanContext): Context {
  const span: Span = {
    spanContext: () => spanContext,
    isRecording: () => false,
    setAttribute: () => span,
    setAttributes: () => span,
    addEvent: () => span,
    addLink: () => span,
    addLinks: () => span,
    setStatus: () => span,
    updateName: () => span,
    end() {},
    recordException() {},
  }
  return ROOT_CONTEXT.setValue(SPAN, span)
}

/** Returns the ids of a context's span; `undefined` without a valid span. https://opentelemetry.io/docs/specs/otel/trace/api/#spancontext */
export function spanContextOf(context: Context): SpanContext | undefined {
  const spanContext = (context.getValue(SPAN) as Span | undefined)?.spanContext()
  return spanContext && isSpanContextValid(spanContext) ? spanContext : undefined
}

/** Tests that both ids are hexadecimal, have the right length, and contain a digit other than 0. */
export function isSpanContextValid({ traceId, spanId }: Pick<SpanContext, 'traceId' | 'spanId'>): boolean {
  return /^(?!0{32})[\da-f]{32}$/i.test(traceId) && /^(?!0{16})[\da-f]{16}$/i.test(spanId)
}
