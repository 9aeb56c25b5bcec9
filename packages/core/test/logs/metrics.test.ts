import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { LoggerProvider } from '@opentelemetry/sdk-logs'
import { expect, onTestFinished, test } from 'vitest'
import { startGrpcReceiver, startHttpReceiver } from '@logbridge/test-support/scriptedReceiver'
import {
  createLoggerProvider,
  type LoggerProviderOptions,
  OtlpLogRecordProcessor,
  startTelemetry,
} from '../../src/index.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'

capturedWarnings()

/** Starts a real MeterProvider. `read` returns the points of each metric as `[value, attributes]`. */
function meters() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  onTestFinished(() => meterProvider.shutdown())
  return {
    meterProvider,
    async read() {
      exporter.reset()
      await meterProvider.forceFlush()
      const metrics = exporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics)
        .flatMap((of) => of.metrics)
      return Object.fromEntries(
        metrics.map(({ descriptor, dataPoints }) => [
          descriptor.name,
          { unit: descriptor.unit, points: dataPoints.map(({ value, attributes }) => [value, attributes]) },
        ]),
      )
    },
  }
}

function provider(options: LoggerProviderOptions) {
  const made = createLoggerProvider({ register: false, scheduledDelayMillis: 2 ** 30, ...options })
  onTestFinished(() => made.shutdown(0))
  return made
}

test('observePipeline exports the counters as metrics of the semantic conventions', async () => {
  const receiver = await startGrpcReceiver()
  onTestFinished(() => receiver.close())
  receiver.answer = (_, n) => (n === 2 ? { code: 'PERMISSION_DENIED' } : {})
  const { meterProvider, read } = meters()
  const loggerProvider = provider({ endpoint: receiver.url, maxQueueSize: 10, meterProvider })
  const logger = loggerProvider.getLogger('l')
  const emit = (count: number): void => {
    for (let i = 0; i < count; i += 1) logger.emit({ body: i, severityNumber: 9 })
  }
  emit(3)
  await loggerProvider.forceFlush()
  emit(2)
  await loggerProvider.forceFlush()
  emit(20)
  const shown = await read()
  const { delivered, dropped, queued, created } = loggerProvider.stats()
  expect({ created, delivered, dropped, queued }).toEqual({
    created: 25,
    delivered: 3,
    dropped: { export_failed: 2, queue_full: 12 },
    queued: 8,
  })

  const processor = {
    'otel.component.type': 'batching_log_processor',
    'otel.component.name': expect.stringMatching(/^batching_log_processor\/\d+$/) as string,
  }
  const exporter = {
    'otel.component.type': 'otlp_grpc_log_exporter',
    'otel.component.name': expect.stringMatching(/^otlp_grpc_log_exporter\/\d+$/) as string,
    'server.address': '127.0.0.1',
    'server.port': receiver.port,
  }
  const unit = '{log_record}'
  const { 'otel.sdk.exporter.operation.duration': duration, ...records } = shown
  expect(records).toEqual({
    'otel.sdk.log.created': { unit, points: [[25, {}]] },
    'otel.sdk.processor.log.processed': {
      unit,
      points: [
        [5, processor],
        [12, { ...processor, 'error.type': 'queue_full' }],
      ],
    },
    'otel.sdk.processor.log.queue.size': { unit, points: [[8, processor]] },
    'otel.sdk.processor.log.queue.capacity': { unit, points: [[10, processor]] },
    'otel.sdk.exporter.log.inflight': { unit, points: [[0, exporter]] },
    'otel.sdk.exporter.log.exported': {
      unit,
      points: [
        [3, exporter],
        [2, { ...exporter, 'error.type': 'PERMISSION_DENIED' }],
      ],
    },
  })
  expect(duration).toMatchObject({
    unit: 's',
    points: [
      [{ count: 1, buckets: { boundaries: expect.arrayContaining([0.005, 1, 300]) } }, exporter],
      [{ count: 1 }, { ...exporter, 'error.type': 'PERMISSION_DENIED' }],
    ],
  })
})

test('observePipeline counts records of the exporter once when a shutdown drops them', async () => {
  const receiver = await startGrpcReceiver()
  onTestFinished(() => receiver.close())
  receiver.answer = () => ({ code: 'UNAVAILABLE' })
  const { meterProvider, read } = meters()
  const loggerProvider = provider({ endpoint: receiver.url, meterProvider })
  loggerProvider.getLogger('l').emit({ body: 'a' })
  const flushed = loggerProvider.forceFlush()
  // A second request proves that the first was answered.
  await expect.poll(() => receiver.requests.length, { timeout: 10_000 }).toBeGreaterThan(1)
  await loggerProvider.shutdown(50)
  await flushed
  expect(loggerProvider.stats().dropped).toEqual({ shutdown_timeout: 1 })
  const shown = await read()
  expect(shown['otel.sdk.processor.log.processed']!.points).toEqual([
    [1, expect.not.objectContaining({ 'error.type': 'already_shutdown' })],
  ])
  expect(shown['otel.sdk.exporter.log.exported']!.points).toMatchObject([
    [0, {}],
    [1, { 'error.type': 'UNAVAILABLE' }],
  ])
})

test('LogPipeline delivers records when the MeterProvider throws', async () => {
  const receiver = await startGrpcReceiver()
  onTestFinished(() => receiver.close())
  const { meterProvider } = meters()
  const getMeter: MeterProvider['getMeter'] = (name) => {
    const meter = meterProvider.getMeter(name)
    const record = (): void => {
      throw new Error('no more attributes')
    }
    return Object.assign(Object.create(meter) as typeof meter, { createHistogram: () => ({ record }) })
  }
  const loggerProvider = provider({ endpoint: receiver.url, meterProvider: { getMeter } })
  loggerProvider.getLogger('l').emit({ body: 'a' })
  await loggerProvider.forceFlush()
  expect(loggerProvider.stats()).toMatchObject({ delivered: 1, inFlight: 0 })
})

test('observePipeline exports the HTTP status and rejected records when the protocol is http/protobuf', async () => {
  const receiver = await startHttpReceiver()
  onTestFinished(() => receiver.close())
  receiver.answer = (_, n) => (n === 1 ? { body: Buffer.from('0a020801', 'hex') } : { status: 403 })
  const { meterProvider, read } = meters()
  const options = { protocol: 'http/protobuf', endpoint: receiver.url, meterProvider } as const
  const loggerProvider = provider(options)
  const logger = loggerProvider.getLogger('l')
  for (let i = 0; i < 2; i += 1) {
    logger.emit({ body: 'a' })
    logger.emit({ body: 'b' })
    await loggerProvider.forceFlush()
  }
  const shown = await read()
  expect(shown['otel.sdk.exporter.log.exported']!.points).toMatchObject([
    [1, { 'otel.component.type': 'otlp_http_log_exporter' }],
    [1, { 'error.type': 'rejected' }],
    [2, { 'error.type': '403' }],
  ])
  expect(shown['otel.sdk.exporter.operation.duration']!.points).toMatchObject([
    [{ count: 1 }, { 'error.type': 'rejected', 'http.response.status_code': 200 }],
    [{ count: 1 }, { 'error.type': '403', 'http.response.status_code': 403 }],
  ])
})

test('observePipeline has the name of the status as rpc.response.status_code when the protocol is grpc', async () => {
  const receiver = await startGrpcReceiver()
  onTestFinished(() => receiver.close())
  receiver.answer = (_, n) => (n === 1 ? {} : { code: 'PERMISSION_DENIED' })
  const { meterProvider, read } = meters()
  const loggerProvider = provider({ endpoint: receiver.url, meterProvider })
  for (const body of ['a', 'b']) {
    loggerProvider.getLogger('l').emit({ body })
    await loggerProvider.forceFlush()
  }
  expect((await read())['otel.sdk.exporter.operation.duration']!.points).toMatchObject([
    [{ count: 1 }, { 'rpc.response.status_code': 'OK' }],
    [{ count: 1 }, { 'error.type': 'PERMISSION_DENIED', 'rpc.response.status_code': 'PERMISSION_DENIED' }],
  ])
})

test('observePipeline leaves otel.sdk.log.created to the official SDK when it is behind that SDK', async () => {
  const { meterProvider, read } = meters()
  const processor = new OtlpLogRecordProcessor({ endpoint: 'http://127.0.0.1:1', meterProvider })
  const sdk = new LoggerProvider({ processors: [processor], meterProvider })
  onTestFinished(() => processor.shutdown(0))
  sdk.getLogger('l').emit({ body: 'a' })
  const shown = await read()
  expect(shown['otel.sdk.log.created']!.points).toEqual([[1, {}]])
  expect(shown['otel.sdk.processor.log.queue.size']!.points).toMatchObject([[1, {}]])
})

test('startTelemetry exports the final counters of logs with its metrics when it is shut down', async () => {
  const receiver = await startGrpcReceiver()
  onTestFinished(() => receiver.close())
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 })
  const telemetry = startTelemetry({ endpoint: receiver.url, metrics: { readers: [reader] } })
  for (let i = 0; i < 7; i += 1) telemetry.loggerProvider.getLogger('l').emit({ body: i })
  // Counts are final after the answer of this slow receiver.
  receiver.answer = () => new Promise((resolve) => setTimeout(resolve, 50, {}))
  await telemetry.shutdown()
  const points = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    .filter(({ descriptor }) => descriptor.name === 'otel.sdk.exporter.log.exported')
    .flatMap(({ dataPoints }) => dataPoints.map(({ value }) => value))
  expect(points).toEqual([7])
})
