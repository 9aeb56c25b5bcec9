import { warnOnce } from '@logbridge/bridge/internal'
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs'
import type { IMetricReader } from '@opentelemetry/sdk-metrics'
import type { SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace'

// Guards for processors and readers of the application. The SDK calls processors in turn without a guard: an error would keep
// records from our processor, which comes last, and would reach the log call of the application. A failed flush would end the flush
// of all processors at once.

export function guardedLogRecordProcessor(processor: LogRecordProcessor): LogRecordProcessor {
  return {
    ...(processor.enabled && {
      enabled: (options) => attempt(() => processor.enabled!(options)) ?? true,
    }),
    onEmit: (record, context) => attempt(() => processor.onEmit(record, context)),
    forceFlush: (options) => reportFailure(() => processor.forceFlush(options)),
    shutdown: () => reportFailure(() => processor.shutdown()),
  }
}

export function guardedSpanProcessor(inner: SpanProcessor): SpanProcessor {
  // Private field of the SDK's processors, absent in other processors.
  const { _exporter: exporter } = inner as { _exporter?: SpanExporter }
  const processor = withExports(inner, exporter)
  return {
    onStart: (span, context) => attempt(() => processor.onStart(span, context)),
    ...(processor.onEnding && { onEnding: (span) => attempt(() => processor.onEnding!(span)) }),
    onEnd: (span) => attempt(() => processor.onEnd(span)),
    forceFlush: () => reportFailure(() => processor.forceFlush()),
    shutdown: () => reportFailure(() => processor.shutdown()),
  }
}

export function guardedMetricReader(reader: IMetricReader): IMetricReader {
  const reportReader = (run: () => Promise<void>): Promise<void> => reportFailure(run, 'a metric reader')
  return {
    setMetricProducer: (producer) => reader.setMetricProducer(producer),
    selectAggregation: (type) => reader.selectAggregation(type),
    selectAggregationTemporality: (type) => reader.selectAggregationTemporality(type),
    selectCardinalityLimit: (type) => reader.selectCardinalityLimit(type),
    collect: (options) => reader.collect(options),
    forceFlush: (options) => reportReader(() => reader.forceFlush(options)),
    shutdown: (options) => reportReader(() => reader.shutdown(options)),
  }
}

/**
 * Makes flush and shutdown of a processor wait for every export in progress. The SDK's BatchSpanProcessor leaves out the batch that
 * its timer has started, and stops waiting when the first batch fails.
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

/** Waits for all promises, then rejects with the first rejection. */
async function allDone(parts: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(parts)
  await Promise.all(parts)
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    warnOnce('processor-fault', 'a processor failed on a log record or a span (logged once)', error)
    return undefined
  }
}

/** Waits for a flush or a shutdown, and reports its failure. */
export async function reportFailure(run: () => Promise<void>, what = 'a processor'): Promise<void> {
  try {
    await run()
  } catch (error) {
    warnOnce(what, `${what} failed to flush or shut down`, error)
  }
}
