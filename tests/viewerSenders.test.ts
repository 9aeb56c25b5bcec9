import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTelemetry, AggregationType, type MetricsOptions } from '@logbridge/core'
import { logs, metrics, ROOT_CONTEXT, trace, type Context } from '@opentelemetry/api'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Collector, findCollector, RECEIVERS, startCollector } from '@logbridge/test-support/collector'
import { rootFolder, run } from '@logbridge/test-support/run'
import { load as loadSdk2 } from './otel-2/packages.ts'
import { load as loadSdk3 } from './otel-3/packages.ts'

// Fields of all signals, from each sender through the store of the viewer, as its HTTP API and its command return them.

const CLI = join(rootFolder, 'packages/viewer/dist/cli.js')
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const inSpan = trace.setSpanContext(ROOT_CONTEXT, { traceId: TRACE, spanId: SPAN, traceFlags: 1 })

/** Providers of a sender, typed by shape so that SDK 2.x, SDK 3.x, and logbridge fit. */
interface Pipeline {
  logger: { emit(record: object): void }
  tracer: any
  meter: any
  shutdown(): Promise<unknown>
}

interface Sender {
  name: string
  isOurs?: boolean
  /** Sends through a Collector in place of the viewer. */
  through?: 'otlp_grpc' | 'otlp_http'
  open(grpcUrl: string, httpUrl: string): Pipeline
}

const VIEWS: NonNullable<MetricsOptions['views']> = [
  {
    instrumentName: 'exponential',
    aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize: 10 } },
  },
  {
    instrumentName: 'latency',
    aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: [10, 100] } },
  },
]

function ours(protocol: 'grpc' | 'http/protobuf'): Sender {
  return {
    name: `logbridge over ${protocol}`,
    isOurs: true,
    open(grpcUrl, httpUrl) {
      const telemetry = startTelemetry({
        endpoint: protocol === 'grpc' ? grpcUrl : httpUrl,
        protocol,
        metrics: { views: VIEWS },
        shutdownSignals: [],
      })
      return {
        logger: logs.getLogger('shop', '1.2.3'),
        tracer: trace.getTracer('shop', '1.2.3'),
        meter: metrics.getMeter('shop', '1.2.3'),
        shutdown: () => telemetry.shutdown(),
      }
    },
  }
}

const PACKAGES = { grpc: 'grpc', 'http/protobuf': 'proto', 'http/json': 'http' } as const
type Protocol = keyof typeof PACKAGES

function official(generation: 2 | 3, protocol: Protocol, through?: Sender['through']): Sender {
  const { require: load } = generation === 2 ? loadSdk2 : loadSdk3
  const end = through === undefined ? '' : `, through a Collector with ${through}`
  return {
    name: `SDK ${generation}.x over ${protocol}${end}`,
    ...(through !== undefined && { through }),
    open(grpcUrl, httpUrl) {
      const exporter = (signal: string, path: string, name: string): object => {
        const Exporter = load(`@opentelemetry/exporter-${signal}-otlp-${PACKAGES[protocol]}`)[name]
        return new Exporter({ url: protocol === 'grpc' ? grpcUrl : `${httpUrl}/v1/${path}` }) as object
      }
      const { LoggerProvider, BatchLogRecordProcessor } = load('@opentelemetry/sdk-logs')
      const loggerProvider = new LoggerProvider({
        processors: [new BatchLogRecordProcessor({ exporter: exporter('logs', 'logs', 'OTLPLogExporter') })],
      })
      const spans = exporter('trace', 'traces', 'OTLPTraceExporter')
      const sdkTrace = load(generation === 2 ? '@opentelemetry/sdk-trace-base' : '@opentelemetry/sdk-trace')
      const tracerProvider =
        generation === 2
          ? new sdkTrace.BasicTracerProvider({ spanProcessors: [new sdkTrace.SimpleSpanProcessor(spans)] })
          : new sdkTrace.TracerProvider({
              spanProcessors: [new sdkTrace.SimpleSpanProcessor({ exporter: spans })],
            })
      const { MeterProvider, PeriodicExportingMetricReader } = load('@opentelemetry/sdk-metrics')
      const meterProvider = new MeterProvider({
        readers: [
          new PeriodicExportingMetricReader({
            exporter: exporter('metrics', 'metrics', 'OTLPMetricExporter'),
            exportIntervalMillis: 3_600_000,
          }),
        ],
        views: VIEWS,
      })
      return {
        logger: loggerProvider.getLogger('shop', '1.2.3'),
        tracer: tracerProvider.getTracer('shop', '1.2.3'),
        meter: meterProvider.getMeter('shop', '1.2.3'),
        shutdown: () =>
          Promise.all([loggerProvider.shutdown(), tracerProvider.shutdown(), meterProvider.shutdown()]),
      }
    },
  }
}

const PROTOCOLS = Object.keys(PACKAGES) as Protocol[]
const collectorProgram = findCollector()
const SENDERS: readonly Sender[] = [
  ours('grpc'),
  ours('http/protobuf'),
  ...PROTOCOLS.map((protocol) => official(3, protocol)),
  ...PROTOCOLS.map((protocol) => official(2, protocol)),
  ...(collectorProgram === undefined
    ? []
    : [official(3, 'grpc', 'otlp_grpc'), official(2, 'http/protobuf', 'otlp_http')]),
]

interface LogCase {
  title: string
  record: Readonly<Record<string, unknown>> & { context?: Context }
  /** Fields of the record in OTLP/JSON. */
  otlp: object
  /** Text in the line of the API. Integers have all their digits there. */
  row: string
  isOnlyOurs?: boolean
}

const text = (stringValue: string): object => ({ stringValue })
const int = (intValue: bigint): object => ({ intValue: String(intValue) })

const VALUES: readonly [title: string, value: unknown, otlp: object, json: string][] = [
  ['a text', 'naïve ☃ "quoted"\n', text('naïve ☃ "quoted"\n'), '"naïve ☃ \\"quoted\\"\\u000a"'],
  ['an empty text', '', text(''), '""'],
  ['true', true, { boolValue: true }, 'true'],
  ['false', false, { boolValue: false }, 'false'],
  ['an integer', -42, int(-42n), '-42'],
  ['the largest safe integer', 2 ** 53 - 1, int(2n ** 53n - 1n), '9007199254740991'],
  ['a double', 0.25, { doubleValue: 0.25 }, '0.25'],
  ['bytes', new Uint8Array([1, 2, 255]), { bytesValue: 'AQL/' }, '"AQL/"'],
  [
    'a list',
    ['a', 1, true],
    { arrayValue: { values: [text('a'), int(1n), { boolValue: true }] } },
    '["a",1,true]',
  ],
  [
    'nested objects',
    { deep: { list: [{ x: 1 }] } },
    map('deep', map('list', { arrayValue: { values: [map('x', int(1n))] } })),
    '{"deep":{"list":[{"x":1}]}}',
  ],
]
const LIMITS: typeof VALUES = [
  ['the largest int64', 2n ** 63n - 1n, int(2n ** 63n - 1n), '9223372036854775807'],
  ['the smallest int64', -(2n ** 63n), int(-(2n ** 63n)), '-9223372036854775808'],
]

function map(key: string, value: object): object {
  return { kvlistValue: { values: [{ key, value }] } }
}

function valueCases(values: typeof VALUES, isOnlyOurs: boolean): LogCase[] {
  return values.flatMap(([title, value, otlp, json]) => [
    {
      title: `an attribute is ${title}`,
      record: { attributes: { key: value } },
      otlp: { attributes: [{ key: 'key', value: otlp }] },
      row: `"attributes":{"key":${json}}`,
      isOnlyOurs,
    },
    {
      title: `the body is ${title}`,
      record: { body: value },
      otlp: { body: otlp },
      row: `"body":${json}`,
      isOnlyOurs,
    },
  ])
}

const EXCEPTION = {
  'exception.type': 'RangeError',
  'exception.message': 'insufficient funds',
  'exception.stacktrace': 'RangeError: insufficient funds\n    at pay (shop.js:1:2)',
}
const exceptionOtlp = {
  attributes: Object.entries(EXCEPTION).map(([key, value]) => ({ key, value: text(value) })),
}
const exceptionRow = `"exception.type":"RangeError","exception.message":"insufficient funds","exception.stacktrace":"RangeError: insufficient funds\\u000a    at pay (shop.js:1:2)"`

const LOGS: readonly LogCase[] = [
  ...Array.from({ length: 24 }, (_, index) => ({
    title: `the severity is ${index + 1}`,
    record: { severityNumber: index + 1, severityText: `level ${index + 1}` },
    otlp: { severityNumber: index + 1, severityText: `level ${index + 1}` },
    row: `"severity":${index + 1},"severityText":"level ${index + 1}"`,
  })),
  {
    title: 'there is no severity',
    record: { body: 'plain' },
    otlp: { body: text('plain') },
    row: '"severity":0,"severityText":""',
  },
  ...valueCases(VALUES, false),
  ...valueCases(LIMITS, true),
  {
    title: 'the record is an event in a span',
    record: { eventName: 'order.placed', context: inSpan },
    otlp: { eventName: 'order.placed', traceId: TRACE, spanId: SPAN },
    row: `"eventName":"order.placed","traceId":"${TRACE}","spanId":"${SPAN}"`,
  },
  {
    title: 'the time has nanoseconds',
    record: { timestamp: [1_700_000_000, 123_456_789] },
    otlp: { timeUnixNano: '1700000000123456789' },
    row: '"time":"1700000000123456789"',
  },
  {
    title: 'attributes describe an exception',
    record: { attributes: EXCEPTION },
    otlp: exceptionOtlp,
    row: exceptionRow,
  },
  {
    title: 'the exception is an Error',
    record: {
      exception: Object.assign(new RangeError(EXCEPTION['exception.message']), {
        stack: EXCEPTION['exception.stacktrace'],
      }),
    },
    otlp: exceptionOtlp,
    row: exceptionRow,
    isOnlyOurs: true,
  },
]

let folder: string
let viewer: ChildProcess
let page: string
let grpcUrl: string
let httpUrl: string
const collectors = new Map<string, Collector>()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'logbridge-senders-'))
  const ports = ['--port', '0', '--grpc-port', '0', '--http-port', '0', '--insecure']
  viewer = spawn(process.execPath, [CLI, ...ports], {
    env: { ...process.env, XDG_RUNTIME_DIR: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let printed = ''
  viewer.stderr!.on('data', (chunk) => (printed += chunk))
  const pattern = /Page: (?<page>\S+)\n.*gRPC at (?<grpcUrl>\S+), HTTP at (?<httpUrl>\S+)\n/
  await vi.waitFor(() => expect(printed).toMatch(pattern), { timeout: 20_000 })
  ;({ page, grpcUrl, httpUrl } = pattern.exec(printed)!.groups as Record<
    'page' | 'grpcUrl' | 'httpUrl',
    string
  >)
  for (const exporter of ['otlp_grpc', 'otlp_http'] as const) {
    if (collectorProgram !== undefined) collectors.set(exporter, await startForwarding(exporter))
  }
})
afterAll(async () => {
  for (const collector of collectors.values()) await collector.stop()
  viewer.kill('SIGTERM')
  await once(viewer, 'close')
  rmSync(folder, { recursive: true })
})
afterEach(async () => {
  await fetch(new URL('/api/clear', page), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
})

/** Starts a Collector that answers after the viewer has answered. */
function startForwarding(exporter: 'otlp_grpc' | 'otlp_http'): Promise<Collector> {
  const endpoint = exporter === 'otlp_grpc' ? grpcUrl.replace('http://', '') : httpUrl
  const signals = ['logs', 'traces', 'metrics'].map(
    (signal) => `    ${signal}: { receivers: [otlp], exporters: [${exporter}] }`,
  )
  const config = `
${RECEIVERS}
exporters:
  ${exporter}:
    endpoint: "${endpoint}"
    tls: { insecure: true }
    sending_queue: { enabled: false }
service:
  telemetry: { metrics: { level: none }, logs: { level: error } }
  pipelines:
${signals.join('\n')}
`
  return startCollector(collectorProgram!, { config })
}

async function ask(path: string): Promise<string> {
  const response = await fetch(new URL(path, page))
  expect(response.status).toBe(200)
  return response.text()
}

/** Sends by a pipeline that ends. */
async function send(sender: Sender, emit: (pipeline: Pipeline) => void): Promise<void> {
  const collector = sender.through && collectors.get(sender.through)
  const pipeline = sender.open(collector?.grpcUrl ?? grpcUrl, collector?.httpUrl ?? httpUrl)
  emit(pipeline)
  await pipeline.shutdown()
}

/** Returns what the export has of a signal, in the order of arrival. */
async function exported(signal: 'logs' | 'traces' | 'metrics'): Promise<any[]> {
  const keys = {
    logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
    traces: ['resourceSpans', 'scopeSpans', 'spans'],
    metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'],
  }[signal]
  const lines = (await ask(`/api/export?signal=${signal}`)).split('\n').filter(Boolean)
  return keys.reduce<any[]>(
    (objects, key) => objects.flatMap((object) => object[key] ?? []),
    lines.map((line) => JSON.parse(line) as object),
  )
}

describe.each(SENDERS)('logbridge-viewer with $name', (sender) => {
  it('answers each field of a log record as it was sent, by the export, the API, and the command', async () => {
    const cases = LOGS.filter(({ isOnlyOurs }) => isOnlyOurs !== true || sender.isOurs === true)
    await send(sender, ({ logger }) => {
      for (const [index, { record }] of cases.entries()) {
        logger.emit({ timestamp: [1_600_000_000 + index, 0], ...record })
      }
    })
    const found = await exported('logs')
    const rows = (await ask('/api/logs?limit=1000')).trim().split('\n')
    const command = await run(process.execPath, [CLI, 'logs', '--json', '--limit', '1000'], folder, {
      XDG_RUNTIME_DIR: folder,
    })
    expect(found).toHaveLength(cases.length)
    expect(command.trim().split('\n').toSorted()).toEqual(rows.toSorted())
    const byId = new Map(rows.map((row) => [(JSON.parse(row) as { id: number }).id, row]))
    for (const [index, { title, otlp, row }] of cases.entries()) {
      expect(found[index], title).toMatchObject(otlp)
      expect(byId.get(index + 1), title).toContain(row)
    }
  })

  it('answers each field of a span as it was sent', async () => {
    const kinds = ['internal', 'server', 'client', 'producer', 'consumer']
    await send(sender, ({ tracer }) => {
      for (const [kind, name] of kinds.entries()) {
        const span = tracer.startSpan(
          name,
          {
            kind,
            startTime: [1_700_000_000, 1],
            attributes: { 'http.route': '/orders', count: 3, list: ['a', 'b'] },
            links: [{ context: trace.getSpanContext(inSpan), attributes: { reason: 'retry' } }],
          },
          inSpan,
        )
        span.addEvent('cache.miss', { key: 'k' }, [1_700_000_000, 2])
        span.setStatus(kind === 1 ? { code: 2, message: 'boom' } : { code: kind === 2 ? 1 : 0 })
        span.end([1_700_000_001, 0])
      }
    })
    const found = await exported('traces')
    const answer = await ask(`/api/trace?id=${TRACE}`)
    const { spans } = JSON.parse(answer) as { spans: { name: string }[] }
    expect(answer).toContain('{"name":"cache.miss","time":1700000000000000002,"attributes":{"key":"k"}}')
    expect(found).toHaveLength(kinds.length)
    expect(spans).toHaveLength(kinds.length)
    for (const [kind, name] of kinds.entries()) {
      expect(found.find((span) => span.name === name)).toMatchObject({
        traceId: TRACE,
        parentSpanId: SPAN,
        kind: kind + 1,
        startTimeUnixNano: '1700000000000000001',
        endTimeUnixNano: '1700000001000000000',
        attributes: [
          { key: 'http.route', value: text('/orders') },
          { key: 'count', value: int(3n) },
          { key: 'list', value: { arrayValue: { values: [text('a'), text('b')] } } },
        ],
        events: [
          {
            name: 'cache.miss',
            timeUnixNano: '1700000000000000002',
            attributes: [{ key: 'key', value: text('k') }],
          },
        ],
        links: [{ traceId: TRACE, spanId: SPAN, attributes: [{ key: 'reason', value: text('retry') }] }],
      })
      expect(spans.find((span) => span.name === name)).toMatchObject({
        kind: name,
        time: '1700000000000000001',
        duration: '999999999',
        status: ['unset', 'error', 'ok'][kind] ?? 'unset',
        statusMessage: kind === 1 ? 'boom' : '',
        scope: 'shop',
        parentSpanId: SPAN,
        links: [{ traceId: TRACE, spanId: SPAN, attributes: { reason: 'retry' } }],
        attributes: { 'http.route': '/orders', count: 3, list: ['a', 'b'] },
      })
    }
  })

  it('answers each kind of metric as it was sent', async () => {
    await send(sender, ({ meter }) => {
      meter.createCounter('orders', { unit: '{order}', description: 'Orders placed' }).add(3, { kind: 'web' })
      meter.createUpDownCounter('queue').add(-2)
      meter.createObservableGauge('load').addCallback((result: any) => result.observe(0.25))
      const latency = meter.createHistogram('latency', { unit: 'ms' })
      for (const value of [5, 50, 500]) latency.record(value)
      meter.createHistogram('exponential').record(4)
    })
    const found = new Map((await exported('metrics')).map((metric) => [metric.name, metric]))
    expect(found.get('orders')).toMatchObject({
      unit: '{order}',
      description: 'Orders placed',
      sum: {
        isMonotonic: true,
        aggregationTemporality: 2,
        dataPoints: [{ attributes: [{ key: 'kind', value: text('web') }] }],
      },
    })
    expect(found.get('queue').sum.isMonotonic ?? false).toBe(false)
    expect(found.get('load').gauge.dataPoints).toMatchObject([{ asDouble: 0.25 }])
    expect(found.get('latency').histogram.dataPoints).toMatchObject([
      { count: '3', sum: 555, min: 5, max: 500, bucketCounts: ['1', '1', '1'], explicitBounds: [10, 100] },
    ])
    expect(found.get('exponential').exponentialHistogram.dataPoints).toMatchObject([
      { count: '1', sum: 4, positive: { bucketCounts: ['1'] } },
    ])
    const summaries = JSON.parse(await ask('/api/metrics')) as { name: string }[]
    const byName = Object.fromEntries(summaries.map((summary) => [summary.name, summary]))
    expect(byName).toMatchObject({
      orders: { type: 'sum', last: 3, unit: '{order}', description: 'Orders placed', scope: 'shop' },
      queue: { type: 'sum', last: -2 },
      load: { type: 'gauge', last: 0.25 },
      latency: { type: 'histogram', last: 3, unit: 'ms' },
      exponential: { type: 'exponentialHistogram', last: 1 },
    })
    const [series] = JSON.parse(await ask('/api/metric?name=orders')) as object[]
    expect(series).toMatchObject({ attributes: { kind: 'web' }, points: [{ value: 3 }] })
  })
})

it.each(['otlp_grpc', 'otlp_http'] as const)(
  'logbridge-viewer answers a summary and the limits of int64 when a Collector sends them by %s',
  async (exporter) => {
    if (collectorProgram === undefined) return
    const { httpUrl: url } = collectors.get(exporter)!
    const quantileValues = [
      { quantile: 0.5, value: 1 },
      { quantile: 0.99, value: 7.5 },
    ]
    const point = { timeUnixNano: '1700000000000000000', count: '12', sum: 30.5, quantileValues }
    const limits = [2n ** 63n - 1n, -(2n ** 63n)].map((value, at) => ({
      key: `limit.${at}`,
      value: int(value),
    }))
    for (const [path, body] of [
      [
        'metrics',
        {
          resourceMetrics: [
            { scopeMetrics: [{ metrics: [{ name: 'size', summary: { dataPoints: [point] } }] }] },
          ],
        },
      ],
      [
        'logs',
        { resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano: '1', attributes: limits }] }] }] },
      ],
    ] as const) {
      const headers = { 'content-type': 'application/json' }
      const request = { method: 'POST', headers, body: JSON.stringify(body) }
      expect((await fetch(`${url}/v1/${path}`, request)).status).toBe(200)
    }
    expect(await exported('metrics')).toMatchObject([{ name: 'size', summary: { dataPoints: [point] } }])
    expect(JSON.parse(await ask('/api/metrics'))).toMatchObject([{ type: 'summary', last: 12 }])
    expect(await exported('logs')).toMatchObject([{ attributes: limits }])
    expect(await ask('/api/logs')).toContain(
      '"attributes":{"limit.0":9223372036854775807,"limit.1":-9223372036854775808}',
    )
  },
)
