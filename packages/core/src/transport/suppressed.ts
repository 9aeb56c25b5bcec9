import { withLoggingSuppressed } from '@logbridge/bridge/internal'
import { type Context, context, ROOT_CONTEXT } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'

const SUPPRESSED: Context = suppressTracing(ROOT_CONTEXT)

/** Runs a function of an export without the active span, and without creating spans and log records. */
export function withSuppressedTelemetry<T>(run: () => T): T {
  return withLoggingSuppressed(() => context.with(SUPPRESSED, run))
}
