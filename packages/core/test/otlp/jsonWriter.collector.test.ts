import { SpanKind, SpanStatusCode, ValueType } from '@opentelemetry/api'
import { ProtobufMetricsSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AggregationType,
  InMemoryMetricExporter,
  AggregationTemporality,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace'
import fc from 'fast-check'
import { type Collector, findCollector, startCollector } from '@logbridge/test-support/collector'
import { attributes, text, value } from '@logbridge/test-support/values'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Signal } from '../../src/config/optionTable.ts'
import { encodeRequest } from '../../src/otlp/logsRequest.ts'
import { encodeResource, encodeScope, OpenBatch } from '../../src/otlp/openBatch.ts'
import { JsonWriter } from '../../src/otlp/jsonWriter.ts'

// The file receiver of the Collector decodes lines as its OTLP receiver decodes requests in JSON, and its file exporter writes what its
// OTLP exporter sends in JSON.

const program = findCollector()
const resource = resourceFromAttributes(
  { 'service.name': 'shop', ports: [1, 2] },
  { schemaUrl: 'https://a/1' },
)
const KEYS = { logs: 'resourceLogs', traces: 'resourceSpans', metrics: 'resourceMetrics' } as const

describe.skipIf(program === undefined)('Collector', () => {
  let collector: Collector
  beforeAll(async () => {
    collector = await startCollector(program as string)
  })
  afterAll(() => collector?.stop())

  /** Posts a request, and returns what the Collector forwards. */
  async function forwarded(signal: Signal, type: string, body: Uint8Array): Promise<any> {
    const received = collector.received[KEYS[signal]]
    received.length = 0
    const response = await fetch(`${collector.httpUrl}/v1/${signal}`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: Buffer.from(body),
    })
    expect({ status: response.status, rejected: (await response.text()).includes('rejected') }).toEqual({
      status: 200,
      rejected: false,
    })
    await vi.waitFor(() => expect(received).not.toHaveLength(0))
    return structuredClone(received)
  }

  test.each([
    ['logs', logs],
    ['traces', traces],
    ['metrics', metrics],
  ] as const)(
    'forwards the same %s when it receives them as a line and as protobuf',
    async (signal, make) => {
      const request = await make()
      const line = new JsonWriter(signal).line(request).toString()
      const fromProtobuf = await forwarded(signal, 'application/x-protobuf', request)
      const fromLine = await forwarded(signal, 'application/json', Buffer.from(line))
      expect(fromLine).toEqual(fromProtobuf)
      // The line differs from what the Collector writes only by fields that have their default.
      const own = JSON.parse(line)[KEYS[signal]]
      expect(withoutDefaults(own)).toEqual(withoutDefaults(fromProtobuf))
    },
  )
})

/** Log records with any values. */
function logs(): Uint8Array {
  const scope = encodeScope({ name: 'any', version: '1', schemaUrl: 'https://a/2' }, encodeResource(resource))
  const batch = new OpenBatch()
  for (const [body, fields, words] of fc.sample(fc.tuple(value, attributes(), text), 300)) {
    batch.add(
      scope,
      {
        timestamp: [1_700_000_000, 1],
        observedTimestamp: [1_700_000_000, 999_999_999],
        severityNumber: 9,
        severityText: words,
        body: body()[0],
        attributes: fields()[0],
        droppedAttributesCount: 1,
        eventName: words,
        spanContext: {
          traceId: '0af7651916cd43dd8448eb211c80319c',
          spanId: 'b7ad6b7169203331',
          traceFlags: 1,
        },
      },
      { attributeCountLimit: Infinity },
    )
  }
  return encodeRequest(batch.seal()!)
}

function traces(): Uint8Array {
  const spans: ReadableSpan[] = []
  const keep = {
    onStart() {},
    onEnd: (span: ReadableSpan) => void spans.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  }
  const provider = new TracerProvider({ resource, spanProcessors: [keep] })
  const tracer = provider.getTracer('t', '2', { schemaUrl: 'https://a/3' })
  const other = tracer.startSpan('linked')
  for (const name of fc.sample(fc.string({ unit: 'binary' }), 100)) {
    const span = tracer.startSpan(name, {
      kind: SpanKind.CLIENT,
      attributes: { name, half: 0.5, many: 2 ** 40, flag: false, list: ['a', 'b'] },
      links: [{ context: other.spanContext(), attributes: { name } }],
    })
    span.addEvent('event', { name })
    span.setStatus({ code: SpanStatusCode.ERROR, message: name })
    span.end()
  }
  other.end()
  return ProtobufTraceSerializer.serializeRequest(spans)!
}

async function metrics(): Promise<Uint8Array> {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: 1e6,
    exportTimeoutMillis: 1e3,
  })
  const views = [
    { instrumentName: 'exponential', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM as const } },
  ]
  const provider = new MeterProvider({ resource, readers: [reader], views })
  const meter = provider.getMeter('m', '3', { schemaUrl: 'https://a/4' })
  const instruments = [
    meter.createHistogram('exponential'),
    meter.createHistogram('explicit', { unit: 'ms', description: 'Duration' }),
    meter.createGauge('gauge'),
  ]
  const counter = meter.createCounter('counter', { valueType: ValueType.INT })
  for (const number of fc.sample(fc.double({ min: -1e6, max: 1e12, noNaN: true }), 200)) {
    for (const instrument of instruments) instrument.record(number, { positive: number >= 0 })
    counter.add(Math.floor(Math.abs(number)))
  }
  await reader.forceFlush()
  const [resourceMetrics] = exporter.getMetrics()
  await provider.shutdown()
  return ProtobufMetricsSerializer.serializeRequest(resourceMetrics!)!
}

/** Removes fields that have the default of protobuf, except for the value of an AnyValue. */
function withoutDefaults(given: unknown): unknown {
  if (Array.isArray(given)) return given.map((each) => withoutDefaults(each))
  if (typeof given !== 'object' || given === null) return given
  const fields = Object.entries(given).map(([key, each]) => [key, withoutDefaults(each)] as const)
  return Object.fromEntries(
    fields.filter(([key, each]) => /(Value|^asInt|^asDouble)$/.test(key) || !isDefault(each)),
  )
}

function isDefault(given: unknown): boolean {
  return (
    given === 0 ||
    given === '' ||
    given === '0' ||
    given === false ||
    (typeof given === 'object' && given !== null && Object.keys(given).length === 0)
  )
}
