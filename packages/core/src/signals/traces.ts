import { nextTurn } from '@logbridge/bridge/internal'
import { TraceFlags } from '@opentelemetry/api'
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { Resource } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { ZipkinExporter } from '@opentelemetry/exporter-zipkin'
import type { TracesConfig } from '../config/config.ts'
import { withSuppressedTelemetry } from '../transport/suppressed.ts'
import type { ExitSource } from '../process/exitFlush.ts'
import { toConsole } from './console.ts'
import { createOtlpExporter, type OtlpExporter, suppressExporter } from './exporter.ts'
import type { SignalPipeline } from './signalPipeline.ts'
import { guardedSpanProcessor, reportFailure, withExports } from './guarded.ts'

export interface Traces extends SignalPipeline<TracerProvider> {
  /** Returns the number of sampled spans that have ended so far. */
  endedSpans(): number
  /** Spans that an exit flush sends. */
  readonly exitSource: ExitSource | undefined
}

/** Creates the traces pipeline of the official SDK. Returns `undefined` without any processor. */
export function createTraces(config: TracesConfig, resource: Resource): Traces | undefined {
  const { exporter, maxQueueSize, maxExportBatchSize, scheduledDelayMillis, exportTimeoutMillis } = config
  const batch = { maxQueueSize, maxExportBatchSize, scheduledDelayMillis, exportTimeoutMillis }
  let otlp: OtlpExporter<ReadableSpan[]> | undefined

  function batching(exporter: SpanExporter): SpanProcessor {
    const processor = new BatchSpanProcessor({ ...batch, exporter })
    const waiting = withExports(processor, exporter, () => deferredExports(resource))
    // The exporter for OTLP reports its failures itself.
    return exporter === otlp
      ? suppressProcessor(waiting, ignoreFailure, ignoreFailure)
      : suppressProcessor(waiting)
  }

  function exportingProcessor(name: TracesConfig['exporters'][number]): SpanProcessor {
    switch (name) {
      case 'otlp':
        // `exporters` contains otlp only with a valid endpoint.
        otlp = createOtlpExporter('traces', { ...config, exporter: exporter! }, ProtobufTraceSerializer)
        return batching(otlp)
      case 'zipkin':
        return batching(suppressExporter(new ZipkinExporter()))
      case 'console':
        return suppressProcessor(new SimpleSpanProcessor({ exporter: toConsole(new ConsoleSpanExporter()) }))
    }
  }

  const exporting = config.exporters.map(exportingProcessor)
  const spanProcessors = [...config.processors.map(guardedSpanProcessor), ...exporting]
  if (spanProcessors.length === 0) return undefined
  let ended = 0
  /** Number of spans that BatchSpanProcessor has accepted, which drops spans while its buffer is full. */
  let accepted = 0
  const buffered = (): number => Math.max(0, accepted - (otlp?.taken() ?? 0))
  const counter: SpanProcessor = {
    onStart() {},
    onEnd(span) {
      if (!isSampled(span)) return
      ended += 1
      if (buffered() < maxQueueSize) accepted += 1
    },
    forceFlush: async () => {},
    shutdown: async () => {},
  }
  const provider = new TracerProvider({
    resource,
    spanProcessors: [...spanProcessors, counter],
    spanLimits: config.limits,
    ...(config.sampler && { sampler: config.sampler }),
  })
  return {
    provider,
    forceFlush: (timeoutMillis) => provider.forceFlush({ timeoutMillis }),
    shutdown: () => provider.shutdown(),
    abandon: () => otlp?.abandon(),
    close: async () => otlp?.close(),
    unsent: () => otlp?.unsent(),
    lost: () => otlp?.lost(buffered()),
    endedSpans: () => ended,
    // BatchSpanProcessor passes all buffered spans to its exporter before its flush returns.
    exitSource: otlp?.exitSource(
      () => void withSuppressedTelemetry(() => provider.forceFlush()).catch(() => {}),
    ),
  }
}

async function ignoreFailure(run: () => Promise<void>): Promise<void> {
  await run().catch(() => {})
}

function isSampled(span: ReadableSpan): boolean {
  return (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0
}

/** Suppresses telemetry that a processor causes, including from timers that the end of a span starts. */
function suppressProcessor(
  processor: SpanProcessor,
  shutdown: (run: () => Promise<void>) => Promise<void> = reportFailure,
  flush: (run: () => Promise<void>) => Promise<void> = (run) => run(),
): SpanProcessor {
  return {
    onStart: (span, parent) => processor.onStart(span, parent),
    onEnd: (span) => withSuppressedTelemetry(() => processor.onEnd(span)),
    forceFlush: () => flush(() => withSuppressedTelemetry(() => processor.forceFlush())),
    // Catch rejections, because a rejection ends the wait of the SDK for all processors.
    shutdown: () => shutdown(() => withSuppressedTelemetry(() => processor.shutdown())),
  }
}

/**
 * Resolves when the batches that BatchSpanProcessor defers while attributes of the resource are pending have reached the exporter. A
 * flush does not wait for batches that a timer has started, and a shutdown closes the exporter before they arrive.
 */
async function deferredExports(resource: Resource): Promise<void> {
  if (!resource.asyncAttributesPending) return
  await resource.waitForAsyncAttributes?.()
  await nextTurn()
}
