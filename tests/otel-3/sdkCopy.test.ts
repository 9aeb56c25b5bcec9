/* Parts of the official SDK with the built core, which contains a copy of the SDK. */
import { startTelemetry, type Telemetry } from '@logbridge/core'
import { InMemoryLogRecordExporter, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import {
  AggregationTemporality,
  AggregationType,
  InMemoryMetricExporter,
  PeriodicExportingMetricReader,
  type ViewOptions,
} from '@opentelemetry/sdk-metrics'
import {
  BatchSpanProcessor,
  InMemorySpanExporter,
  type Sampler,
  SamplingDecision,
} from '@opentelemetry/sdk-trace'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

let telemetry: Telemetry

beforeEach(() => {
  for (const signal of ['LOGS', 'TRACES', 'METRICS']) vi.stubEnv(`OTEL_${signal}_EXPORTER`, 'none')
})
afterEach(async () => {
  await telemetry.shutdown()
  vi.unstubAllEnvs()
})

test('startTelemetry exports spans when processor and sampler are of another copy of the SDK', async () => {
  const exporter = new InMemorySpanExporter()
  const sampler: Sampler = {
    shouldSample: (_context, _traceId, name) => ({
      decision: name === 'health' ? SamplingDecision.NOT_RECORD : SamplingDecision.RECORD_AND_SAMPLED,
    }),
  }
  telemetry = startTelemetry({ traces: { processors: [new BatchSpanProcessor({ exporter })], sampler } })
  const tracer = telemetry.tracerProvider.getTracer('shop')
  for (const name of ['health', 'order']) tracer.startSpan(name).end()
  await telemetry.forceFlush()
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['order'])
})

test('startTelemetry exports records when a processor is of another copy of the SDK', async () => {
  const exporter = new InMemoryLogRecordExporter()
  telemetry = startTelemetry({ logs: { processors: [new SimpleLogRecordProcessor({ exporter })] } })
  telemetry.loggerProvider.getLogger('shop').emit({ body: 'sold out', attributes: { sku: 7 } })
  await telemetry.forceFlush()
  expect(exporter.getFinishedLogRecords()).toMatchObject([{ body: 'sold out', attributes: { sku: 7 } }])
})

test('startTelemetry exports metrics when reader and views are of another copy of the SDK', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 })
  const views: ViewOptions[] = [
    { instrumentName: 'clicks', aggregation: { type: AggregationType.DROP } },
    {
      instrumentName: 'price',
      aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: [10] } },
    },
  ]
  telemetry = startTelemetry({ metrics: { readers: [reader], views } })
  const meter = telemetry.meterProvider.getMeter('shop')
  meter.createCounter('clicks').add(1)
  meter.createHistogram('price').record(12)
  await telemetry.forceFlush()
  const metrics = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
  expect(metrics).toMatchObject([
    { descriptor: { name: 'price' }, dataPoints: [{ value: { buckets: { counts: [0, 1] } } }] },
  ])
})
