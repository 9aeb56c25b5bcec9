import { nextTurn } from '@logbridge/bridge/internal'
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
import { guardedSpanProcessor, settle, withExports } from './guarded.ts'

export interface Traces extends SignalPipeline<TracerProvider> {
  /** How many spans have ended so far. */
  endedSpans(): number
  /** What an exit flush sends. */
  readonly exitSource: ExitSource | undefined
}

/** Traces by the official SDK; `undefined` when no one would take a span. */
export function createTraces(config: TracesConfig, resource: Resource): Traces | undefined {
  const { exporter, maxQueueSize, maxExportBatchSize, scheduledDelayMillis, exportTimeoutMillis } = config
  const batch = { maxQueueSize, maxExportBatchSize, scheduledDelayMillis, exportTimeoutMillis }
  let otlp: OtlpExporter<ReadableSpan[]> | undefined

  function batching(exporter: SpanExporter): SpanProcessor {
    const processor = new BatchSpanProcessor({ ...batch, exporter })
    return suppressProcessor(withExports(processor, exporter, () => heldUpExports(resource)))
  }

  function exportingProcessor(name: TracesConfig['exporters'][number]): SpanProcessor {
    switch (name) {
      case 'otlp':
        // Named only where its endpoint can be used.
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
  const counter: SpanProcessor = {
    onStart() {},
    onEnd() {
      ended += 1
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
    endedSpans: () => ended,
    // BatchSpanProcessor hands all that it holds to its exporter before its flush returns.
    exitSource: otlp?.exitSource(
      () => void withSuppressedTelemetry(() => provider.forceFlush()).catch(() => {}),
    ),
  }
}

/** What a processor does at a time of its own, it does because a span has ended: what it says of that is no log record. */
function suppressProcessor(processor: SpanProcessor): SpanProcessor {
  return {
    onStart: (span, parent) => processor.onStart(span, parent),
    onEnd: (span) => withSuppressedTelemetry(() => processor.onEnd(span)),
    forceFlush: () => withSuppressedTelemetry(() => processor.forceFlush()),
    // Rejections end the wait of the SDK for all processors.
    shutdown: () => settle(() => withSuppressedTelemetry(() => processor.shutdown())),
  }
}

/**
 * Resolves when batches have reached the exporter that BatchSpanProcessor holds back while attributes of the resource are pending.
 * A flush does not wait for those that a timer has begun, and a shutdown closes the exporter before they come.
 */
async function heldUpExports(resource: Resource): Promise<void> {
  if (!resource.asyncAttributesPending) return
  await resource.waitForAsyncAttributes?.()
  await nextTurn()
}
