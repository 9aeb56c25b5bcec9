import { context, createContextKey } from '@opentelemetry/api'
import type { ConsoleMethod } from './convert.ts'

/** Set by OpenTelemetry's SDKs while they export. (`createContextKey` uses `Symbol.for`.) */
const TRACING_SUPPRESSED = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING')
/**
 * With these OpenTelemetry speaks without such a context, where there is no ContextManager: its console exporters use
 * `dir`, a diag logger on the console says with `error` that an export failed.
 */
const ALWAYS_WATCHED: ReadonlySet<ConsoleMethod> = new Set(['dir', 'error'])
const OPENTELEMETRY = /[\\/]@opentelemetry[\\/]/

/**
 * Whether OpenTelemetry itself called the console. To send that would make it call again, without end: a console
 * exporter prints what it is sent, and a failed export is reported by a record that fails as well. The stack is looked at
 * only where this can be, because that takes about 3 us. Blind where OpenTelemetry has been bundled.
 */
export function isOpenTelemetrysOwn(method: ConsoleMethod, calledAs: (...args: never) => unknown): boolean {
  try {
    if (!ALWAYS_WATCHED.has(method) && context.active().getValue(TRACING_SUPPRESSED) !== true) return false
    return OPENTELEMETRY.test(callerFile(calledAs) ?? '')
  } catch {
    // Error is frozen, or a ContextManager fails.
    return false
  }
}

function callerFile(calledAs: (...args: never) => unknown): string | undefined {
  const { prepareStackTrace, stackTraceLimit } = Error
  try {
    Error.stackTraceLimit = 1
    Error.prepareStackTrace = (_, sites) => sites[0]?.getFileName()
    const holder: { stack?: string } = {}
    Error.captureStackTrace(holder, calledAs)
    return holder.stack
  } finally {
    Error.prepareStackTrace = prepareStackTrace
    Error.stackTraceLimit = stackTraceLimit
  }
}
