import { withLoggingSuppressed } from '@logbridge/bridge/internal'
import { type Context, context, ROOT_CONTEXT } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'

const QUIET: Context = suppressTracing(ROOT_CONTEXT)

/** Runs what exports: outside of whatever span the application is in, making no spans and no log records of its own. */
export function withSuppressedTelemetry<T>(run: () => T): T {
  return withLoggingSuppressed(() => context.with(QUIET, run))
}
