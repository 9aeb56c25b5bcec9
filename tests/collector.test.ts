import { startTelemetry, type TelemetryOptions } from '@logbridge/core'
import { logs, metrics, trace } from '@opentelemetry/api'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Collector, findCollector, startCollector } from '@logbridge/test-support/collector'
import { NOTHING } from '@logbridge/test-support/stats'

// All three signals through an OpenTelemetry Collector, compared as the Collector forwards them.

const program = findCollector()
if (program === undefined) {
  const missing = 'no OpenTelemetry Collector: set OTELCOL to its path, or put otelcol on the PATH'
  if (process.env['CI']) test('Collector is available in CI', () => expect.fail(missing))
  else process.stderr.write(`tests/collector.test.ts is skipped: ${missing}\n`)
}

describe.skipIf(program === undefined)('Collector', () => {
  let collector: Collector
  beforeAll(async () => {
    collector = await startCollector(program as string)
  })
  afterAll(() => collector?.stop())
  beforeEach(() => {
    for (const all of Object.values(collector.received)) all.length = 0
  })

  const cases: [string, () => TelemetryOptions][] = [
    ['gRPC', () => ({ endpoint: collector.grpcUrl })],
    ['gRPC, gzip', () => ({ endpoint: collector.grpcUrl, compression: 'gzip' })],
    ['HTTP', () => ({ endpoint: collector.httpUrl, protocol: 'http/protobuf' })],
    ['HTTP, gzip', () => ({ endpoint: collector.httpUrl, protocol: 'http/protobuf', compression: 'gzip' })],
  ]

  test.each(cases)('receives all three signals with one resource over %s', async (_name, options) => {
    const telemetry = startTelemetry({
      ...options(),
      serviceName: 'shop',
      resource: {
        'service.namespace': 'eu',
        'service.instance.id': 'i-1',
        'host.name': 'h-1',
        tags: ['a', 'b'],
      },
      metrics: {
        views: [{ instrumentName: 'latency', aggregation: { type: 4, options: { boundaries: [1, 10] } } }],
      },
    })
    const spanContext = trace.getTracer('orders', '1.2.3').startActiveSpan('place order', (span) => {
      logs.getLogger('orders', '1.2.3').emit({
        timestamp: [1_700_000_000, 123_456_789],
        severityNumber: 17,
        severityText: 'error',
        body: 'card declined',
        attributes: {
          'order.id': 42,
          big: 2n ** 60n,
          ratio: 0.5,
          items: [{ sku: 'a', gift: true }],
          at: new Date(0),
          bytes: new Uint8Array([1, 2, 3]),
          nothing: null,
        },
      })
      metrics.getMeter('orders').createCounter('orders.placed', { unit: '{order}' }).add(3, { kind: 'web' })
      metrics.getMeter('orders').createHistogram('latency').record(5)
      span.setAttribute('order.id', 42)
      span.end()
      return span.spanContext()
    })
    await telemetry.shutdown()
    const { resourceLogs, resourceSpans, resourceMetrics } = collector.received
    await vi.waitFor(() =>
      expect([resourceLogs, resourceSpans, resourceMetrics]).toMatchObject([[{}], [{}], [{}]]),
    )

    const [log] = resourceLogs[0].scopeLogs[0].logRecords
    expect(log).toMatchObject({
      timeUnixNano: '1700000000123456789',
      severityNumber: 17,
      severityText: 'error',
      body: { stringValue: 'card declined' },
      traceId: spanContext.traceId,
      spanId: spanContext.spanId,
      flags: 1,
    })
    expect(attributesOf(log)).toEqual({
      'order.id': { intValue: '42' },
      big: { intValue: '1152921504606846976' },
      ratio: { doubleValue: 0.5 },
      items: {
        arrayValue: {
          values: [
            {
              kvlistValue: {
                values: [
                  { key: 'sku', value: { stringValue: 'a' } },
                  { key: 'gift', value: { boolValue: true } },
                ],
              },
            },
          ],
        },
      },
      at: { stringValue: '1970-01-01T00:00:00.000Z' },
      bytes: { bytesValue: 'AQID' },
      nothing: {},
    })
    expect(resourceLogs[0].scopeLogs[0].scope).toEqual({ name: 'orders', version: '1.2.3' })

    const [span] = resourceSpans[0].scopeSpans[0].spans
    expect(span).toMatchObject({
      name: 'place order',
      traceId: spanContext.traceId,
      spanId: spanContext.spanId,
    })
    expect(attributesOf(span)).toEqual({ 'order.id': { intValue: '42' } })

    const byName = (name: string): any =>
      resourceMetrics[0].scopeMetrics[0].metrics.find((metric: any) => metric.name === name)
    expect(byName('orders.placed')).toMatchObject({
      unit: '{order}',
      sum: { isMonotonic: true, dataPoints: [{ asDouble: 3 }] },
    })
    expect(byName('latency').histogram.dataPoints[0]).toMatchObject({
      explicitBounds: [1, 10],
      bucketCounts: ['0', '1', '0'],
    })

    const resource = attributesOf(resourceLogs[0].resource)
    expect(resource).toMatchObject({
      'service.name': { stringValue: 'shop' },
      'service.namespace': { stringValue: 'eu' },
      'service.instance.id': { stringValue: 'i-1' },
      'host.name': { stringValue: 'h-1' },
      tags: { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: 'b' }] } },
    })
    expect(attributesOf(resourceSpans[0].resource)).toEqual(resource)
    expect(attributesOf(resourceMetrics[0].resource)).toEqual(resource)
    expect(telemetry.stats()).toMatchObject({ created: 1, delivered: 1, rejected: 0, dropped: NOTHING })
  })
})

function attributesOf(thing: { attributes?: { key: string; value: unknown }[] }): Record<string, unknown> {
  return Object.fromEntries((thing.attributes ?? []).map(({ key, value }) => [key, value]))
}
