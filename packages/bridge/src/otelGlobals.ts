import type { Context, ContextManager, DiagLogger, Span, SpanContext } from '@opentelemetry/api'
import type { LoggerProvider } from './types.ts'

/*
 * Reads the globals of OpenTelemetry without importing `@opentelemetry/api`, because:
 * - the API consists of 51 modules that load in 25 ms, whereas an adapter loads in 8 ms;
 * - the API returns a proxy that hides whether a provider is registered;
 * - `@opentelemetry/api` 1.9 has no `logs`;
 * - a second copy of the API, e.g. in a bundle, uses the same globals.
 */

/** Key of the globals of `@opentelemetry/api` 1.x. `logs` is among them since 1.10. */
export const API: unique symbol = Symbol.for('opentelemetry.js.api.1')
/** Key of the global of `@opentelemetry/api-logs` 0.x, a function that takes a compatibility version. */
export const API_LOGS: unique symbol = Symbol.for('io.opentelemetry.js.api.logs')
/** The compatibility version of all `@opentelemetry/api-logs` 0.x. For any other, the function returns a LoggerProvider without effect. */
const API_LOGS_COMPATIBILITY = 1
/** Key of the Span in a Context of any version of `@opentelemetry/api`. */
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN')

/** Registered components of OpenTelemetry, as properties of `globalThis`. */
export interface OtelGlobals {
  [API]?: { logs?: LoggerProvider; context?: ContextManager; diag?: DiagLogger }
  [API_LOGS]?: (compatibility: number) => LoggerProvider | undefined
}
const globals = globalThis as OtelGlobals

/**
 * Returns the LoggerProvider that is registered with `@opentelemetry/api` >= 1.10, else with `@opentelemetry/api-logs`.
 */
export function registeredProvider(): LoggerProvider | undefined {
  return globals[API]?.logs ?? globals[API_LOGS]?.(API_LOGS_COMPATIBILITY)
}

/** Returns the registered DiagLogger. */
export function registeredDiagLogger(): DiagLogger | undefined {
  return globals[API]?.diag
}

/**
 * Returns the active context, from a ContextManager of any version of `@opentelemetry/api`. A copy of the API returns the root context when a
 * copy with a lower minor version registered first, e.g. the application's copy 1.10 after the copy 1.9 of an SDK 2.x.
 */
export function activeContext(): Context {
  return globals[API]?.context?.active() ?? ROOT_CONTEXT
}

/** Runs a function with `context` as the active context. Without a registered ContextManager, only runs the function. */
export function withContext(context: Context, run: () => void): void {
  const manager = globals[API]?.context
  if (manager) manager.with(context, run)
  else run()
}

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
