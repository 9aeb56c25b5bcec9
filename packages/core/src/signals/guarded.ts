import { warnOnce } from '@logbridge/bridge/internal'
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs'
import type { IMetricReader } from '@opentelemetry/sdk-metrics'
import type { SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace'

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

export function guardedSpanProcessor(inner: SpanProcessor): SpanProcessor {
  // Private in the SDK's own processors; absent elsewhere.
  const { _exporter: exporter } = inner as { _exporter?: SpanExporter }
  const processor = withExports(inner, exporter)
  return {
    onStart: (span, context) => attempt(() => processor.onStart(span, context)),
    ...(processor.onEnding && { onEnding: (span) => attempt(() => processor.onEnding!(span)) }),
    onEnd: (span) => attempt(() => processor.onEnd(span)),
    forceFlush: () => settle(() => processor.forceFlush()),
    shutdown: () => settle(() => processor.shutdown()),
  }
}

export function guardedMetricReader(reader: IMetricReader): IMetricReader {
  const settleReader = (run: () => Promise<void>): Promise<void> => settle(run, 'a metric reader')
  return {
    setMetricProducer: (producer) => reader.setMetricProducer(producer),
    selectAggregation: (type) => reader.selectAggregation(type),
    selectAggregationTemporality: (type) => reader.selectAggregationTemporality(type),
    selectCardinalityLimit: (type) => reader.selectCardinalityLimit(type),
    collect: (options) => reader.collect(options),
    forceFlush: (options) => settleReader(() => reader.forceFlush(options)),
    shutdown: (options) => settleReader(() => reader.shutdown(options)),
  }
}

/**
 * Makes a flush and a shutdown wait for every export that has begun. The SDK's BatchSpanProcessor leaves out the batch that its
 * timer has begun, and stops waiting when the first batch fails.
 *
 * @param ready resolves when batches that wait for attributes of the resource have reached the exporter
 */
export function withExports(
  processor: SpanProcessor,
  exporter: Pick<SpanExporter, 'forceFlush'> | undefined,
  ready: () => Promise<void> = async () => {},
): SpanProcessor {
  const flushExporter = async (): Promise<void> => exporter?.forceFlush?.()
  return {
    onStart: (span, parent) => processor.onStart(span, parent),
    ...(processor.onEnding && { onEnding: (span) => processor.onEnding!(span) }),
    onEnd: (span) => processor.onEnd(span),
    forceFlush: () => allDone([processor.forceFlush(), ready().then(flushExporter)]),
    async shutdown() {
      await ready()
      await allDone([processor.shutdown(), flushExporter()]).finally(flushExporter)
    },
  }
}

/** Waits for all, then rejects as the first of them did. */
async function allDone(parts: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(parts)
  await Promise.all(parts)
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    warnOnce('processor-fault', 'a processor failed on a log record or a span (said once)', error)
    return undefined
  }
}

export async function settle(run: () => Promise<void>, what = 'a processor'): Promise<void> {
  try {
    await run()
  } catch (error) {
    warnOnce(what, `${what} failed to flush or shut down`, error)
  }
}
