import { ROOT_CONTEXT, SeverityNumber, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api'
import { OTLPLogExporter as GrpcLogs } from '@opentelemetry/exporter-logs-otlp-grpc'
import { OTLPLogExporter as JsonLogs } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPLogExporter as ProtoLogs } from '@opentelemetry/exporter-logs-otlp-proto'
import { OTLPMetricExporter as GrpcMetrics } from '@opentelemetry/exporter-metrics-otlp-grpc'
import { OTLPMetricExporter as JsonMetrics } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPMetricExporter as ProtoMetrics } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter as GrpcTraces } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtoTraces } from '@opentelemetry/exporter-trace-otlp-proto'
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { LoggerProvider, SimpleLogRecordProcessor, type LogRecordExporter } from '@opentelemetry/sdk-logs'
import {
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics'
import { SimpleSpanProcessor, TracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ReceivedLogRecord, ReceivedMetric, ReceivedSpan, Viewer } from '../src/index.ts'
import { start } from './otlp.ts'

const resource = resourceFromAttributes({ 'service.name': 'shop', 'host.cpus': 2 })
const spanContext = {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  traceFlags: TraceFlags.SAMPLED,
}
const inSpan = trace.setSpanContext(ROOT_CONTEXT, spanContext)

interface Sender {
  name: string
  logs(viewer: Viewer, compression: CompressionAlgorithm): LogRecordExporter
  traces(viewer: Viewer, compression: CompressionAlgorithm): SpanExporter
  metrics(viewer: Viewer, compression: CompressionAlgorithm): PushMetricExporter
}

const senders: Sender[] = [
  {
    name: 'gRPC',
    logs: (viewer, compression) => new GrpcLogs({ url: viewer.grpcUrl, compression }),
    traces: (viewer, compression) => new GrpcTraces({ url: viewer.grpcUrl, compression }),
    metrics: (viewer, compression) => new GrpcMetrics({ url: viewer.grpcUrl, compression }),
  },
  {
    name: 'HTTP/protobuf',
    logs: (viewer, compression) => new ProtoLogs({ url: `${viewer.httpUrl}/v1/logs`, compression }),
    traces: (viewer, compression) => new ProtoTraces({ url: `${viewer.httpUrl}/v1/traces`, compression }),
    metrics: (viewer, compression) => new ProtoMetrics({ url: `${viewer.httpUrl}/v1/metrics`, compression }),
  },
  {
    name: 'HTTP/JSON',
    logs: (viewer, compression) => new JsonLogs({ url: `${viewer.httpUrl}/v1/logs`, compression }),
    traces: (viewer, compression) => new JsonTraces({ url: `${viewer.httpUrl}/v1/traces`, compression }),
    metrics: (viewer, compression) => new JsonMetrics({ url: `${viewer.httpUrl}/v1/metrics`, compression }),
  },
]
const cases = senders.flatMap((sender) =>
  [CompressionAlgorithm.NONE, CompressionAlgorithm.GZIP].map((compression) => ({ sender, compression })),
)

describe.each(cases)(
  'viewer decodes the requests of official exporters over $sender.name with compression $compression:',
  ({ sender, compression }) => {
    let viewer: Viewer

    beforeEach(async () => {
      viewer = await start()
    })

    afterEach(() => viewer.close())

    it('log records', async () => {
      const records: ReceivedLogRecord[] = []
      viewer.on('logs', (received) => records.push(...received))
      const provider = new LoggerProvider({
        resource,
        processors: [new SimpleLogRecordProcessor({ exporter: sender.logs(viewer, compression) })],
      })
      provider.getLogger('payment', '1.2.3').emit({
        timestamp: [1_700_000_000, 123_456_789],
        severityNumber: SeverityNumber.WARN,
        severityText: 'warn',
        body: 'card declined',
        eventName: 'card.declined',
        context: inSpan,
        attributes: {
          int: 42,
          double: 0.5,
          flag: true,
          bytes: new Uint8Array([1, 2, 255]),
          list: ['a', 1],
          map: { nested: { deep: 'x' } },
          text: 'naïve ☃',
        },
      })
      await provider.shutdown()

      expect(viewer.counts).toMatchObject({ logRecords: 1, requests: { logs: 1 }, refused: 0 })
      expect(records).toHaveLength(1)
      expect(records[0]).toMatchObject({
        resource: { attributes: { 'service.name': 'shop', 'host.cpus': 2 } },
        scope: { name: 'payment', version: '1.2.3' },
        timeUnixNano: 1_700_000_000_123_456_789n,
        severityNumber: 13,
        severityText: 'warn',
        body: 'card declined',
        eventName: 'card.declined',
        droppedAttributesCount: 0,
        traceId: spanContext.traceId,
        spanId: spanContext.spanId,
      })
      expect(records[0]!.flags & 0xff).toBe(1)
      expect(records[0]!.observedTimeUnixNano).toBeGreaterThan(1_700_000_000_123_456_789n)
      expect(records[0]!.attributes).toEqual({
        int: 42,
        double: 0.5,
        flag: true,
        bytes: new Uint8Array([1, 2, 255]),
        list: ['a', 1],
        map: { nested: { deep: 'x' } },
        text: 'naïve ☃',
      })
      expect(records[0]!.raw.attributes.map(({ value }) => value?.value)).toEqual([
        'intValue',
        'doubleValue',
        'boolValue',
        'bytesValue',
        'arrayValue',
        'kvlistValue',
        'stringValue',
      ])
    })

    it('spans', async () => {
      const spans: ReceivedSpan[] = []
      viewer.on('spans', (received) => spans.push(...received))
      const provider = new TracerProvider({
        resource,
        spanProcessors: [new SimpleSpanProcessor({ exporter: sender.traces(viewer, compression) })],
      })
      const span = provider.getTracer('http', '2.0').startSpan(
        'GET /orders',
        {
          kind: SpanKind.SERVER,
          startTime: [1_700_000_000, 1],
          attributes: { 'http.route': '/orders' },
          links: [{ context: spanContext, attributes: { reason: 'retry' } }],
        },
        inSpan,
      )
      span.addEvent('cache.miss', { key: 'k' }, [1_700_000_000, 2])
      span.setStatus({ code: SpanStatusCode.ERROR, message: 'boom' })
      span.end([1_700_000_001, 0])
      await provider.shutdown()

      expect(viewer.counts).toMatchObject({ spans: 1, requests: { traces: 1 }, refused: 0 })
      expect(spans).toHaveLength(1)
      expect(spans[0]).toMatchObject({
        resource: { attributes: { 'service.name': 'shop' } },
        scope: { name: 'http', version: '2.0' },
        name: 'GET /orders',
        kind: 'server',
        traceId: spanContext.traceId,
        spanId: span.spanContext().spanId,
        parentSpanId: spanContext.spanId,
        startTimeUnixNano: 1_700_000_000_000_000_001n,
        endTimeUnixNano: 1_700_000_001_000_000_000n,
        status: { code: 'error', message: 'boom' },
      })
      expect(spans[0]!.attributes).toEqual({ 'http.route': '/orders' })
      expect(spans[0]!.events).toEqual([
        {
          name: 'cache.miss',
          timeUnixNano: 1_700_000_000_000_000_002n,
          attributes: { key: 'k' },
          droppedAttributesCount: 0,
        },
      ])
      expect(spans[0]!.links).toMatchObject([
        { traceId: spanContext.traceId, spanId: spanContext.spanId, attributes: { reason: 'retry' } },
      ])
    })

    it('metrics', async () => {
      const metrics = new Map<string, ReceivedMetric>()
      viewer.on('metrics', (received) => received.forEach((metric) => metrics.set(metric.name, metric)))
      const reader = new PeriodicExportingMetricReader({ exporter: sender.metrics(viewer, compression) })
      const provider = new MeterProvider({
        resource,
        readers: [reader],
        views: [
          {
            instrumentName: 'exponential',
            aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize: 10 } },
          },
          {
            instrumentName: 'latency',
            aggregation: {
              type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
              options: { boundaries: [10, 100] },
            },
          },
        ],
      })
      const meter = provider.getMeter('shop', '1')
      meter.createCounter('orders', { unit: '{order}', description: 'Orders placed' }).add(3, { kind: 'web' })
      meter.createUpDownCounter('queue').add(-2)
      meter.createObservableGauge('load').addCallback((result) => result.observe(0.25))
      const latency = meter.createHistogram('latency', { unit: 'ms' })
      for (const value of [5, 50, 500]) latency.record(value)
      meter.createHistogram('exponential').record(4)
      await provider.shutdown()

      expect(viewer.counts).toMatchObject({ dataPoints: 5, requests: { metrics: 1 }, refused: 0 })
      expect(metrics.get('orders')).toMatchObject({
        type: 'sum',
        unit: '{order}',
        description: 'Orders placed',
        isMonotonic: true,
        aggregationTemporality: 'cumulative',
        resource: { attributes: { 'service.name': 'shop' } },
        scope: { name: 'shop', version: '1' },
        dataPoints: [{ value: 3, attributes: { kind: 'web' } }],
      })
      expect(metrics.get('queue')).toMatchObject({
        type: 'sum',
        isMonotonic: false,
        dataPoints: [{ value: -2 }],
      })
      expect(metrics.get('load')).toMatchObject({ type: 'gauge', dataPoints: [{ value: 0.25 }] })
      expect(metrics.get('latency')).toMatchObject({
        type: 'histogram',
        unit: 'ms',
        dataPoints: [
          { count: 3, sum: 555, min: 5, max: 500, bucketCounts: [1, 1, 1], explicitBounds: [10, 100] },
        ],
      })
      expect(metrics.get('exponential')).toMatchObject({
        type: 'exponentialHistogram',
        dataPoints: [{ count: 1, sum: 4, zeroCount: 0, positive: { bucketCounts: [1] } }],
      })
      expect(metrics.get('orders')!.dataPoints[0]!.timeUnixNano).toBeGreaterThan(1_700_000_000_000_000_000n)
    })
  },
)
