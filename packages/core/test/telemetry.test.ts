import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { LogbridgeError } from '@logbridge/bridge'
import { isLoggingSuppressed } from '@logbridge/bridge/internal'
import { type ReceivedHistogram, type ReceivedMetric, startViewer, type Viewer } from '@logbridge/viewer'
import {
  context,
  diag,
  DiagLogLevel,
  logs,
  metrics,
  propagation,
  ROOT_CONTEXT,
  trace,
} from '@opentelemetry/api'
import { logs as logs2x } from '@opentelemetry/api-logs'
import { InstrumentationBase } from '@opentelemetry/instrumentation'
import {
  AggregationTemporality,
  AggregationType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  OtlpLogRecordProcessor,
  startTelemetry,
  type Telemetry,
  type TelemetryOptions,
} from '../src/index.ts'
import { EMPTY_STATS } from '../src/queue/counters.ts'
import { run } from './programs.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { unreachableUrl } from '@logbridge/test-support/ports'
import {
  type GrpcAnswer,
  type ScriptedReceiver,
  startGrpcReceiver,
} from '@logbridge/test-support/scriptedReceiver'

const made = capturedWarnings()

let viewer: Viewer
const arrived = {
  logs: [] as { body: unknown; traceId: string; resource: { attributes: object } }[],
  spans: [] as { name: string; traceId: string; attributes: object; resource: { attributes: object } }[],
  metrics: [] as ReceivedMetric[],
}

beforeAll(async () => {
  viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
  viewer.on('logs', (records) => arrived.logs.push(...records))
  viewer.on('spans', (spans) => arrived.spans.push(...spans))
  // Separate tests check the metrics of the pipeline.
  const isOfApplication = ({ name }: { name: string }): boolean => !name.startsWith('otel.sdk.')
  viewer.on('metrics', (metrics) => arrived.metrics.push(...metrics.filter(isOfApplication)))
})
afterAll(() => viewer.close())

let telemetry: Telemetry | undefined
/** Starts telemetry for one test, against the viewer unless it says otherwise. */
function start(options: TelemetryOptions = {}): Telemetry {
  telemetry = startTelemetry({ endpoint: viewer.grpcUrl, ...options })
  return telemetry
}

beforeEach(() => {
  arrived.logs.length = arrived.spans.length = arrived.metrics.length = 0
})
afterEach(async () => {
  await telemetry?.shutdown(1000)
  telemetry = undefined
  vi.unstubAllEnvs()
  trace.disable()
  metrics.disable()
  logs.disable()
  logs2x.disable()
})

/** One of each, by the global API. */
function produceAll(): void {
  trace.getTracer('t').startActiveSpan('work', (span) => {
    logs.getLogger('l').emit({ body: 'hello', severityNumber: 9 })
    metrics.getMeter('m').createCounter('jobs').add(2)
    span.end()
  })
}

describe.each([
  ['grpc', () => viewer.grpcUrl],
  ['http/protobuf', () => viewer.httpUrl],
] as const)('startTelemetry over %s', (protocol, endpoint) => {
  test.each(['gzip', 'none'] as const)(
    'sends all three signals with one resource (%s)',
    async (compression) => {
      start({
        protocol,
        endpoint: endpoint(),
        compression,
        serviceName: 'shop',
        resource: { 'service.namespace': 'eu', 'service.instance.id': 'i-1', 'host.name': 'h', team: 'blue' },
      })
      produceAll()
      await telemetry?.forceFlush()
      const [log, span, metric] = [arrived.logs[0], arrived.spans[0], arrived.metrics[0]]
      expect([log?.body, span?.name, metric?.name]).toEqual(['hello', 'work', 'jobs'])
      expect(log?.traceId).toBe(span?.traceId)
      expect(log?.resource.attributes).toMatchObject({
        'service.name': 'shop',
        'service.namespace': 'eu',
        'service.instance.id': 'i-1',
        'host.name': 'h',
        team: 'blue',
        'telemetry.sdk.language': 'nodejs',
      })
      expect(span?.resource.attributes).toEqual(log?.resource.attributes)
      expect(metric?.resource.attributes).toEqual(log?.resource.attributes)
      expect(telemetry?.stats()).toMatchObject({ created: 1, delivered: 1, queued: 0, inFlight: 0 })
      expect(made).toEqual([])
    },
  )

  test('sends all three signals when variables alone configure it', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', protocol)
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', endpoint())
    vi.stubEnv('OTEL_SERVICE_NAME', 'env-shop')
    telemetry = startTelemetry()
    produceAll()
    await telemetry.shutdown()
    for (const { resource } of [...arrived.logs, ...arrived.spans, ...arrived.metrics]) {
      expect(resource.attributes).toMatchObject({ 'service.name': 'env-shop' })
    }
    expect([arrived.logs, arrived.spans, arrived.metrics].map((all) => all.length)).toEqual([1, 1, 1])
  })
})

describe('startTelemetry', () => {
  test('registers its providers, and starts again when a shutdown has unregistered them', async () => {
    const first = start()
    expect(logs.getLoggerProvider()).toBe(first.loggerProvider)
    expect(logs2x.getLoggerProvider()).toBe(first.loggerProvider)
    expect(metrics.getMeterProvider()).toBe(first.meterProvider)
    expect(propagation.fields()).toEqual(expect.arrayContaining(['traceparent', 'baggage']))
    await first.shutdown()
    expect(logs.getLoggerProvider()).not.toBe(first.loggerProvider)
    expect(metrics.getMeterProvider()).not.toBe(first.meterProvider)
    expect(trace.getTracer('t').startSpan('x').isRecording()).toBe(false)
    expect(propagation.fields()).toEqual([])
    expect(context.with(ROOT_CONTEXT.setValue(Symbol('any'), 1), () => context.active())).toBe(ROOT_CONTEXT)

    start()
    produceAll()
    await telemetry?.forceFlush()
    expect([arrived.logs, arrived.spans, arrived.metrics].map((all) => all.length)).toEqual([1, 1, 1])
    expect(made).toEqual([])
  })

  test('starts once at a time', () => {
    start()
    expect(() => startTelemetry()).toThrow(
      expect.objectContaining({ code: 'ALREADY_STARTED', message: expect.stringContaining('shutdown()') }),
    )
  })

  test('leaves other providers registered and running when they were registered first', async () => {
    const spans = new InMemorySpanExporter()
    const tracerProvider = new TracerProvider({
      spanProcessors: [new SimpleSpanProcessor({ exporter: spans })],
    })
    const meterProvider = new MeterProvider()
    trace.setGlobalTracerProvider(tracerProvider)
    metrics.setGlobalMeterProvider(meterProvider)
    const own = start()
    expect(made).toEqual([
      expect.stringContaining('has registered TracerProvider, MeterProvider before startTelemetry()'),
    ])
    own.tracerProvider.getTracer('t').startSpan('ours').end()
    await own.shutdown()
    expect(arrived.spans.map(({ name }) => name)).toEqual(['ours'])
    expect(metrics.getMeterProvider()).toBe(meterProvider)
    trace.getTracer('t').startSpan('theirs').end()
    expect(spans.getFinishedSpans().map(({ name }) => name)).toEqual(['theirs'])
  })

  test('sends nothing of a signal when the signal is off', async () => {
    const { loggerProvider, tracerProvider, meterProvider, stats } = start({
      logs: false,
      traces: false,
      metrics: false,
    })
    loggerProvider.getLogger('l').emit({ body: 'x' })
    expect(tracerProvider.getTracer('t').startSpan('x').isRecording()).toBe(false)
    meterProvider.getMeter('m').createCounter('c').add(1)
    expect(logs.getLoggerProvider()).not.toBe(loggerProvider)
    expect(stats()).toEqual(EMPTY_STATS)
    await telemetry?.shutdown()
    expect(arrived.logs).toEqual([])
  })

  test('propagates contexts and sends nothing when OTEL_SDK_DISABLED is true', async () => {
    vi.stubEnv('OTEL_SDK_DISABLED', 'true')
    vi.stubEnv('OTEL_PROPAGATORS', 'b3')
    start()
    produceAll()
    const carrier = {}
    const spanContext = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }
    context.with(trace.setSpanContext(ROOT_CONTEXT, spanContext), () =>
      propagation.inject(context.active(), carrier),
    )
    expect(carrier).toEqual({ b3: `${'1'.repeat(32)}-${'2'.repeat(16)}-1` })
    await telemetry?.forceFlush()
    expect(telemetry?.stats().created).toBe(0)
    expect([arrived.logs, arrived.spans, arrived.metrics]).toEqual([[], [], []])
  })

  test('sends nothing when OTEL_*_EXPORTER is none', async () => {
    for (const signal of ['LOGS', 'TRACES', 'METRICS']) vi.stubEnv(`OTEL_${signal}_EXPORTER`, 'none')
    start()
    produceAll()
    await telemetry?.shutdown()
    expect([arrived.logs, arrived.spans, arrived.metrics]).toEqual([[], [], []])
    expect(made).toEqual([])
  })
})

describe('startTelemetry with traces', () => {
  test('samples and limits spans as configured', async () => {
    vi.stubEnv('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', '1')
    start({ traces: { limits: { attributeValueLengthLimit: 3 } } })
    trace
      .getTracer('t')
      .startSpan('x', { attributes: { a: 'long text', b: 1 } })
      .end()
    await telemetry?.shutdown()
    expect(arrived.spans[0]?.attributes).toEqual({ a: 'lon' })

    arrived.spans.length = 0
    vi.stubEnv('OTEL_TRACES_SAMPLER', 'always_off')
    start()
    produceAll()
    await telemetry?.forceFlush()
    expect(arrived.spans).toEqual([])
    expect(arrived.logs).toHaveLength(1)
  })

  test('sends spans in batches of maxExportBatchSize', async () => {
    const before = viewer.counts.requests.traces
    start({ traces: { maxQueueSize: 10, maxExportBatchSize: 2, scheduledDelayMillis: 60_000 } })
    const tracer = trace.getTracer('t')
    for (let n = 0; n < 6; n += 1) tracer.startSpan(`span ${n}`).end()
    await telemetry?.forceFlush()
    expect(arrived.spans).toHaveLength(6)
    expect(viewer.counts.requests.traces - before).toBe(3)
  })

  test('calls the processors of the application when they are given', async () => {
    const spans = new InMemorySpanExporter()
    start({ traces: { processors: [new SimpleSpanProcessor({ exporter: spans })] } })
    produceAll()
    await telemetry?.forceFlush()
    expect(spans.getFinishedSpans()).toHaveLength(1)
    expect(arrived.spans).toHaveLength(1)
  })

  test('makes no log records when spans are printed to the console', async () => {
    vi.stubEnv('OTEL_TRACES_EXPORTER', 'console')
    let exporting: unknown
    vi.spyOn(console, 'dir').mockImplementation(() => {
      exporting = isLoggingSuppressed()
    })
    start()
    produceAll()
    await telemetry?.forceFlush()
    expect(exporting).toBe(true)
    expect(arrived.spans).toEqual([])
  })
})

describe('startTelemetry with metrics', () => {
  test('applies views and the temporality', async () => {
    start({
      metrics: {
        temporalityPreference: 'delta',
        views: [
          {
            instrumentName: 'latency',
            aggregation: {
              type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
              options: { boundaries: [1, 10] },
            },
          },
        ],
      },
    })
    const latency = metrics.getMeter('m').createHistogram('latency')
    latency.record(5)
    await telemetry?.forceFlush()
    latency.record(7)
    await telemetry?.forceFlush()
    const histograms = arrived.metrics as ReceivedHistogram[]
    expect(histograms.map(({ aggregationTemporality }) => aggregationTemporality)).toEqual(['delta', 'delta'])
    expect(histograms.map(({ dataPoints }) => dataPoints[0]?.bucketCounts)).toEqual([
      [0, 1, 0],
      [0, 1, 0],
    ])
    expect(histograms[0]?.dataPoints[0]?.explicitBounds).toEqual([1, 10])
  })

  test('uses exponential histograms when the variable is set', async () => {
    vi.stubEnv(
      'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION',
      'base2_exponential_bucket_histogram',
    )
    start()
    metrics.getMeter('m').createHistogram('h').record(1)
    metrics.getMeter('m').createCounter('c').add(1)
    await telemetry?.forceFlush()
    expect(arrived.metrics.map(({ type }) => type)).toEqual(['exponentialHistogram', 'sum'])
    expect(arrived.metrics[1]).toMatchObject({ aggregationTemporality: 'cumulative' })
  })

  test('exports metrics at the interval', async () => {
    start({ metrics: { exportIntervalMillis: 20, exportTimeoutMillis: 20 } })
    metrics.getMeter('m').createCounter('ticks').add(1)
    await viewer.waitFor(() => arrived.metrics.length >= 2)
  })

  test('serves Prometheus, and exports nothing, until the shutdown', async () => {
    const port = Number(new URL(await unreachableUrl()).port)
    start({ metrics: { prometheus: { port, host: '127.0.0.1' } } })
    metrics.getMeter('m').createCounter('jobs').add(3)
    const url = `http://127.0.0.1:${port}/metrics`
    const page = await vi.waitFor(async () => (await fetch(url)).text())
    expect(page).toMatch(/^jobs_total\{.*\} 3$/m)
    await telemetry?.shutdown()
    expect(arrived.metrics).toEqual([])
    await expect(fetch(url)).rejects.toThrow()
  })

  test('warns when the port for Prometheus is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    start({ metrics: { prometheus: { port, host: '127.0.0.1' } } })
    await vi.waitFor(() => expect(made).toHaveLength(1))
    expect(made[0]).toContain(`Prometheus endpoint failed to listen at 127.0.0.1:${port}`)
    server.close()
  })

  test('gives metrics to the readers of the application when they are given', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    start({ metrics: { readers: [new PeriodicExportingMetricReader({ exporter })] } })
    produceAll()
    await telemetry?.forceFlush()
    expect(exporter.getMetrics()[0]?.scopeMetrics[0]?.metrics[0]?.descriptor.name).toBe('jobs')
    expect(arrived.metrics).toHaveLength(1)
  })
})

describe('startTelemetry', () => {
  test('starts nothing when an option is invalid', () => {
    for (const options of [
      { metrics: { views: [{}] } },
      { logs: { maxQueueSize: 0 } },
      { resource: { a: {} } },
      { instrumentations: {} },
      { instrumentations: [() => []] },
      { instrumentations: [[undefined]] },
    ]) {
      expect(() => start(options as never)).toThrow(LogbridgeError)
      expect(trace.getTracer('t').startSpan('x').isRecording()).toBe(false)
      expect(propagation.fields()).toEqual([])
    }
    start()
  })

  test('fails to compile when an option is invalid', () => {
    const options: TelemetryOptions[] = [
      // @ts-expect-error no such option
      { endpont: 'x' },
      // @ts-expect-error not a number
      { logs: { maxQueueSize: '5' } },
      // @ts-expect-error not a protocol
      { protocol: 'http/json' },
      // @ts-expect-error false, not true
      { traces: true },
      // @ts-expect-error not a resource
      { resource: 'a=b' },
    ]
    for (const wrong of options) expect(() => start(wrong)).toThrow(LogbridgeError)
  })
})

class ProbeInstrumentation extends InstrumentationBase {
  enabled = 0
  constructor() {
    super('probe', '1.0.0', { enabled: false })
  }
  protected override init(): void {}
  override enable(): void {
    this.enabled += 1
    super.enable()
  }
  override disable(): void {
    this.enabled -= 1
    super.disable()
  }
  produce(): void {
    this.tracer.startSpan('instrumented').end()
    this.meter.createCounter('instrumented').add(1)
  }
}

test('startTelemetry gives its providers to instrumentations, and a shutdown disables them', async () => {
  const probe = new ProbeInstrumentation()
  start({ instrumentations: [[probe]] })
  expect(probe.enabled).toBe(1)
  probe.produce()
  await telemetry?.shutdown()
  expect(probe.enabled).toBe(0)
  expect(arrived.spans.map(({ name }) => name)).toEqual(['instrumented'])
  expect(arrived.metrics.map(({ name }) => name)).toEqual(['instrumented'])
})

test('startTelemetry leaves the diag logger of the application alone when OTEL_LOG_LEVEL is set', () => {
  vi.stubEnv('OTEL_LOG_LEVEL', 'error')
  const heard: string[] = []
  const hear = (message: string): void => void heard.push(message)
  diag.setLogger(
    { error: hear, warn: hear, info: hear, debug: hear, verbose: hear },
    { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true },
  )
  start()
  diag.error('heard')
  expect(heard).toEqual(['heard'])
})

describe('startTelemetry', () => {
  let receiver: ScriptedReceiver<GrpcAnswer>
  beforeEach(async () => {
    receiver = await startGrpcReceiver()
  })
  afterEach(() => receiver.close())

  test('sends the headers of a function, called for each request, with every signal', async () => {
    let token = 0
    start({
      endpoint: receiver.url,
      headers: async () => ({ authorization: `Bearer ${(token += 1)}` }),
    })
    for (let round = 0; round < 2; round += 1) {
      produceAll()
      await telemetry?.forceFlush()
    }
    const signals = receiver.requests.map(({ path }) => /\.v1\.(\w+)Service/.exec(path)?.[1])
    expect(signals.toSorted(byText)).toEqual(['Logs', 'Logs', 'Metrics', 'Metrics', 'Trace', 'Trace'])
    const tokens = receiver.requests.map(({ headers }) => headers.authorization)
    expect(tokens.map(String).toSorted(byText)).toEqual([1, 2, 3, 4, 5, 6].map((n) => `Bearer ${n}`))
    expect(made).toEqual([])
  })

  test('sends only the headers of the option when variables are set, too', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'other=secret')
    start({ endpoint: receiver.url, headers: { own: '1' } })
    produceAll()
    await telemetry?.forceFlush()
    expect(receiver.requests).toHaveLength(3)
    for (const { headers } of receiver.requests) {
      expect(headers['own']).toBe('1')
      expect(headers['other']).toBeUndefined()
    }
  })

  test('sends all telemetry when the receiver is unavailable at first', async () => {
    const seen = new Set<string>()
    receiver.answer = ({ path }) => (seen.size < seen.add(path).size ? { code: 'UNAVAILABLE' } : {})
    start({ endpoint: receiver.url })
    produceAll()
    await telemetry?.forceFlush()
    expect(receiver.requests).toHaveLength(6)
    expect(telemetry?.stats()).toMatchObject({ created: 1, delivered: 1 })
    expect(made).toEqual([])
  })

  test('reports once for each signal, and rejects nothing, when the receiver refuses', async () => {
    receiver.answer = () => ({ code: 'UNAUTHENTICATED' })
    start({ endpoint: receiver.url, headers: { authorization: 'Bearer hunter2' } })
    for (let round = 0; round < 2; round += 1) {
      produceAll()
      await telemetry?.forceFlush()
    }
    await telemetry?.shutdown()
    expect(telemetry?.stats()).toMatchObject({ created: 2, delivered: 0, dropped: { export_failed: 2 } })
    for (const what of ['spans', 'metrics']) {
      expect(made.filter((text) => text.startsWith(`export failed, ${what} dropped`))).toHaveLength(1)
    }
    expect(made.join('\n')).toContain('UNAUTHENTICATED')
    expect(made.join('\n')).not.toContain('hunter2')
  })

  test('ends flush and shutdown at their deadlines when the receiver never answers', async () => {
    receiver.answer = () => ({ fault: 'silent' })
    start({ endpoint: receiver.url })
    produceAll()
    await telemetry?.forceFlush(20)
    await telemetry?.shutdown(20)
    expect(telemetry?.stats()).toMatchObject({
      created: 1,
      dropped: { shutdown_timeout: 1 },
      queued: 0,
      inFlight: 0,
    })
    for (const what of [
      'dropped 1 log record: shutdown_timeout',
      /dropped 1 span and . batch(es)? of metrics: shutdown_timeout/,
    ]) {
      expect(made).toContainEqual(expect.stringMatching(what))
    }
  })
})

test('Telemetry.forceFlush and shutdown resolve when they are called at any time, and again', async () => {
  const { forceFlush, shutdown } = start()
  produceAll()
  const flushing = forceFlush()
  const ending = shutdown()
  expect(shutdown()).toBe(ending)
  await Promise.all([flushing, ending, forceFlush()])
  await forceFlush()
  await shutdown()
  expect([arrived.logs, arrived.spans, arrived.metrics].map((all) => all.length)).toEqual([
    1,
    1,
    expect.any(Number),
  ])
  expect(made).toEqual([])
})

function byText(a = '', b = ''): number {
  return a.localeCompare(b)
}

test('Telemetry.forceFlush and shutdown take no callback when they are hooks of Jest or mocha', () => {
  const telemetry = start()
  // A hook whose length is 1 gets a callback, which shutdown would refuse as a timeout.
  expect([telemetry.forceFlush.length, telemetry.shutdown.length]).toEqual([0, 0])
})

test('startTelemetry sends nothing, and throws nothing, when an endpoint is invalid', async () => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'grpc://hunter2:4317')
  telemetry = startTelemetry()
  telemetry.loggerProvider.getLogger('orders').emit({ body: 'one' })
  telemetry.tracerProvider.getTracer('orders').startSpan('one').end()
  telemetry.meterProvider.getMeter('orders').createCounter('one').add(1)
  const processor = new OtlpLogRecordProcessor()
  processor.onEmit({ severityNumber: 9 } as never)
  expect(processor.enabled({ severityNumber: 9 })).toBe(false)
  await processor.forceFlush()
  await processor.shutdown()
  await telemetry.forceFlush()
  await telemetry.shutdown()
  expect(telemetry.stats()).toEqual(EMPTY_STATS)
  expect(processor.stats()).toEqual(EMPTY_STATS)
  expect(made).toEqual([
    expect.stringMatching(
      /^OTEL_EXPORTER_OTLP_ENDPOINT is 'grpc:.*; set it to .*; until then nothing is exported to it$/,
    ),
  ])
})

test.each([
  ['', {}, 'logs to http://c:4317, traces to http://c:4317, metrics to http://c:4317'],
  [
    '{ metrics: false }',
    { OTEL_TRACES_EXPORTER: 'console' },
    'logs to http://c:4317, traces by console, metrics off',
  ],
  [
    "{ logs: { file: { path: '/dev/null' } }, traces: { processors: [{ onStart() {}, onEnd() {}, async forceFlush() {}, async shutdown() {} }] } }",
    { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'otlp,console' },
    'logs to /dev/null, traces by the application, metrics to http://c:4317 and by console',
  ],
])(
  'startTelemetry says where telemetry goes when OTEL_LOG_LEVEL is info and the options are %s',
  async (options, env, places) => {
    const { stderr } = await run(
      `import { startTelemetry } from '@logbridge/core'
    startTelemetry(${options})
    process.reallyExit()`,
      {
        env: {
          OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:hunter2@c:4317',
          OTEL_LOG_LEVEL: 'info',
          ...env,
        },
      },
    )
    expect(stderr).toContain(`logbridge: telemetry starts: ${places}\n`)
  },
)

test('startTelemetry prints each warning once when OTEL_LOG_LEVEL is set', async () => {
  for (const level of ['debug', 'warn', 'error', undefined]) {
    const { stderr } = await run(
      `import { startTelemetry } from '@logbridge/core'
      const telemetry = startTelemetry({ traces: false, metrics: false })
      await telemetry.shutdown()`,
      { env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'c:4318', ...(level && { OTEL_LOG_LEVEL: level }) } },
    )
    const lines = stderr.match(/^logbridge: .*$/gm)?.filter((line) => !/telemetry starts: /.test(line))
    expect(lines, level).toHaveLength(1)
  }
})

test('startTelemetry says that telemetry was shut down when a record is logged afterwards', async () => {
  const { stderr } = await run(
    `import { createBridge } from '@logbridge/bridge'
    import { startTelemetry } from '@logbridge/core'
    const adapter = { library: 'l', classify: () => ({ severityNumber: 9 }), convert: (body) => ({ body }) }
    const early = createBridge(adapter)
    const telemetry = startTelemetry({ traces: false, metrics: false })
    early.emit('before')
    await telemetry.shutdown()
    early.emit('after')
    createBridge(adapter).emit('pasted below')`,
    { env: { OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl } },
  )
  expect(stderr).toBe(
    'logbridge: telemetry was shut down, 2 log records not sent: call shutdown() after the last log call\n',
  )
})
