import type { Context, ContextManager, DiagLogger, Span, SpanContext } from '@opentelemetry/api'
import type { LoggerProvider } from './types.ts'

/*
 * What a bridge needs of `@opentelemetry/api`, without importing it: 51 modules that take 25 ms, where an adapter takes 8. And
 * the API answers with a proxy that does not tell whether anything is behind it, `@opentelemetry/api` 1.9 has no `logs` at all,
 * and a second copy of a package (a bundle, an npm tree that could not be deduplicated) still meets the same globals.
 */

/** Where `@opentelemetry/api` 1.x (`logs` since 1.10) and `@opentelemetry/api-logs` 0.x keep what is registered. */
export const API: unique symbol = Symbol.for('opentelemetry.js.api.1')
export const API_LOGS: unique symbol = Symbol.for('io.opentelemetry.js.api.logs')
const API_LOGS_COMPATIBILITY = 1
/** Where a Context of any version of `@opentelemetry/api` has its Span. */
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN')

/** Registered components of OpenTelemetry, as properties of `globalThis`. */
export interface OtelGlobals {
  [API]?: { logs?: LoggerProvider; context?: ContextManager; diag?: DiagLogger }
  [API_LOGS]?: (compatibility: number) => LoggerProvider | undefined
}
const globals = globalThis as OtelGlobals

/**
 * The LoggerProvider that is registered in this process: with `@opentelemetry/api` >= 1.10, else with
 * `@opentelemetry/api-logs`.
 */
export function registeredProvider(): LoggerProvider | undefined {
  return globals[API]?.logs ?? globals[API_LOGS]?.(API_LOGS_COMPATIBILITY)
}

/** The DiagLogger that is registered in this process. */
export function registeredDiagLogger(): DiagLogger | undefined {
  return globals[API]?.diag
}

/**
 * The caller's context, of whichever version of `@opentelemetry/api` has the ContextManager. The API itself answers with
 * none where another copy with a lower minor version was there first: 1.10 here beside an SDK 2.x with its 1.9.
 */
export function activeContext(): Context {
  return globals[API]?.context?.active() ?? ROOT_CONTEXT
}

/** Runs code in a context, by the same ContextManager as `activeContext`. */
export function withContext(context: Context, run: () => void): void {
  const manager = globals[API]?.context
  if (manager) manager.with(context, run)
  else run()
}

/** The context in which nothing is set. */
export const ROOT_CONTEXT: Context = contextWith(new Map())

function contextWith(values: ReadonlyMap<symbol, unknown>): Context {
  return {
    getValue: (key) => values.get(key),
    setValue: (key, value) => contextWith(new Map(values).set(key, value)),
    deleteValue: (key) => contextWith(new Map([...values].filter(([other]) => other !== key))),
  }
}

/** A context whose span is one of another process or thread, of which only the ids are known. */
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

/** The ids of a context's span; `undefined` where it has none, or none that is valid. https://opentelemetry.io/docs/specs/otel/trace/api/#spancontext */
export function spanContextOf(context: Context): SpanContext | undefined {
  const spanContext = (context.getValue(SPAN) as Span | undefined)?.spanContext()
  return spanContext && isSpanContextValid(spanContext) ? spanContext : undefined
}

/** Whether both ids are hex, of their length, and not all zero. */
export function isSpanContextValid({ traceId, spanId }: Pick<SpanContext, 'traceId' | 'spanId'>): boolean {
  return /^(?!0{32})[\da-f]{32}$/i.test(traceId) && /^(?!0{16})[\da-f]{16}$/i.test(spanId)
}
