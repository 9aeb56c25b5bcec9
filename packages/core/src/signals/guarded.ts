import { diagnose } from '@logbridge/bridge'
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs'
import type { SpanProcessor } from '@opentelemetry/sdk-trace'

// The SDK hands records and spans from one processor to the next, without a guard: what a processor of the user's own throws would
// keep them from ours, which comes last, and go to the application out of its log call; one whose flush fails would have the flush of
// all end at once.

export function guardedLogRecordProcessor(processor: LogRecordProcessor): LogRecordProcessor {
  return {
    ...(processor.enabled && {
      enabled: (options) => attempt(() => processor.enabled!(options)) ?? true,
    }),
    onEmit: (record, context) => attempt(() => processor.onEmit(record, context)),
    forceFlush: (options) => settle(() => processor.forceFlush(options)),
    shutdown: () => settle(() => processor.shutdown()),
  }
}

export function guardedSpanProcessor(processor: SpanProcessor): SpanProcessor {
  return {
    onStart: (span, context) => attempt(() => processor.onStart(span, context)),
    ...(processor.onEnding && { onEnding: (span) => attempt(() => processor.onEnding!(span)) }),
    onEnd: (span) => attempt(() => processor.onEnd(span)),
    forceFlush: () => settle(() => processor.forceFlush()),
    shutdown: () => settle(() => processor.shutdown()),
  }
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    diagnose('processor-fault', 'a processor failed on a log record or a span (said once)', error)
    return undefined
  }
}

async function settle(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    diagnose('processor', 'a processor failed to flush or shut down', error)
  }
}
