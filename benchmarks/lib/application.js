/** The application of the benchmarks that call `Logger.emit` themselves. */
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'

export const SPAN_CONTEXT = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
}

/** A record: a message and four attributes. */
export function order(i) {
  return {
    severityNumber: 9,
    severityText: 'info',
    body: `order ${i} placed`,
    attributes: { orderId: i, customer: 'c-1042', total: 99.5, express: true },
  }
}

/** Runs inside an active span. */
export function withinSpan(run) {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  return context.with(trace.setSpanContext(ROOT_CONTEXT, SPAN_CONTEXT), run)
}
