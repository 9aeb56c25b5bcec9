/** Records and span of the application whose logging is measured. */

export const SPAN_CONTEXT = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
}

/** Builds a record with a message and four attributes. */
export function order(i) {
  return {
    severityNumber: 9,
    severityText: 'info',
    body: `order ${i} placed`,
    attributes: { orderId: i, customer: 'c-1042', total: 99.5, express: true },
  }
}

/**
 * Calls `run` inside an active span.
 *
 * @param load imports a package of OpenTelemetry
 * @default load imports OpenTelemetry 3.x
 */
export async function withinSpan(run, load = (name) => import(name)) {
  const { context, ROOT_CONTEXT, trace } = await load('@opentelemetry/api')
  const { AsyncLocalStorageContextManager } = await load('@opentelemetry/context-async-hooks')
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  return context.with(trace.setSpanContext(ROOT_CONTEXT, SPAN_CONTEXT), run)
}
