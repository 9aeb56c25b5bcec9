import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { startViewer, type Viewer } from '@logbridge/viewer'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import {
  type ReceivedRequest,
  startGrpcReceiver,
  startHttpReceiver,
} from '@logbridge/test-support/scriptedReceiver'
import { unreachableUrl } from '@logbridge/test-support/ports'
import { run, start } from '../programs.ts'

const ESM = `import { startTelemetry } from '@logbridge/core'
import { diag, logs, metrics, trace } from '@opentelemetry/api'
`
const PRODUCE = `
trace.getTracer('t').startSpan('work').end()
logs.getLogger('l').emit({ body: 'hello', severityNumber: 9 })
metrics.getMeter('m').createCounter('jobs').add(1)
`

let viewer: Viewer
const total = { logRecords: 0, spans: 0, dataPoints: 0 }
beforeAll(async () => {
  viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
})
afterAll(() => viewer.close())
beforeEach(() => {
  const { logRecords, spans, dataPoints } = viewer.counts
  Object.assign(total, { logRecords, spans, dataPoints })
})
function received(): number[] {
  const { logRecords, spans, dataPoints } = viewer.counts
  return [logRecords - total.logRecords, spans - total.spans, dataPoints - total.dataPoints]
}

describe('onProcessExit of a process without further work', () => {
  test('sends its log records, spans, and metrics', async () => {
    const ended = await run(`${ESM} startTelemetry() ${PRODUCE}`, {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl },
    })
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' })
    // The metrics are one of the application and five of the counters.
    expect(received()).toEqual([1, 1, 6])
  })

  test('sends records that are logged after its first flush', async () => {
    const late = `process.once('beforeExit', () => setTimeout(() => { ${PRODUCE} }, 1))`
    await run(`${ESM} startTelemetry({ metrics: false }) ${PRODUCE}; ${late}`, {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl },
    })
    expect(received()).toEqual([2, 2, 0])
  })

  test('ends the process when another agent logs during each flush', { tags: 'long' }, async () => {
    // The immediate alone keeps no process alive.
    const agent = `process.on('beforeExit', () => {
      const log = () => logs.getLogger('l').emit({ body: 'again', severityNumber: 9 })
      setImmediate(log).unref()
    })`
    const ended = await run(`${ESM} startTelemetry({ metrics: false }) ${PRODUCE}; ${agent}`, {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl },
    })
    expect(ended.code).toBe(0)
    expect(received()[0]).toBeGreaterThan(2)
  })

  test('ends the process when the receiver is unreachable', async () => {
    const ended = await run(
      `${ESM} const telemetry = startTelemetry() ${PRODUCE}
      await telemetry.shutdown(200)
      console.log(JSON.stringify(telemetry.stats()))`,
      { env: { OTEL_EXPORTER_OTLP_ENDPOINT: await unreachableUrl() } },
    )
    expect(ended.code).toBe(0)
    expect(JSON.parse(ended.stdout)).toMatchObject({
      created: 1,
      dropped: { shutdown_timeout: 1 },
      queued: 0,
      inFlight: 0,
    })
    expect(ended.stderr).toMatch(/^logbridge: .*(?:dropping|dropped) 1 log record\b/m)
  })
})

test.each([
  ['through processors of the application', '[{ onEmit() {}, async forceFlush() {}, async shutdown() {} }]'],
  [
    'past a processor whose flush never ends',
    '[{ onEmit() {}, forceFlush: () => new Promise(() => {}), async shutdown() {} }]',
  ],
])(
  'onProcessExit ends the process after at most three seconds when records go %s',
  { tags: 'long' },
  async (_, processors) => {
    const ended = await run(
      `${ESM} startTelemetry({ traces: false, metrics: false, logs: { processors: ${processors} } }) ${PRODUCE}
    const start = performance.now()
    process.on('exit', () => console.log(performance.now() - start < 20_000 ? 'soon' : 'late'))`,
      { env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' } },
    )
    expect(ended).toMatchObject({ code: 0, stdout: 'soon\n' })
    expect(ended.stderr).toMatch(/^logbridge: export to \S+ failed, dropping 1 log record unless .*\n$/)
  },
)

test(
  'onProcessExit ends the process after its final flush when the receiver of spans and metrics is unreachable',
  { tags: 'long' },
  async () => {
    // The SDK would wait 30 s for its export of spans, and have metrics start an export each second meanwhile.
    const ended = await run(
      `${ESM} startTelemetry({ metrics: { exportIntervalMillis: 1000 } }) ${PRODUCE}
    const start = performance.now()
    process.on('exit', () => console.log(performance.now() - start < 20_000 ? 'soon' : 'late'))`,
      { env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' } },
    )
    expect(ended).toMatchObject({ code: 0, stdout: 'soon\n' })
    // The line has the event, the state, and the cause.
    expect(ended.stderr).toMatch(/^logbridge: .*: gRPC UNAVAILABLE: connect ECONNREFUSED 127\.0\.0\.1:1$/m)
  },
)

const NO = `() => { throw new Error('no') }`
test.each([
  ['of log records', 'logs', `{ onEmit: ${NO}, enabled: () => true, forceFlush: ${NO}, shutdown: ${NO} }`],
  [
    'of spans',
    'traces',
    `{ onStart: ${NO}, onEnding: ${NO}, onEnd: ${NO}, forceFlush: ${NO}, shutdown: ${NO} }`,
  ],
])(
  'onProcessExit sends the telemetry and ends the process when a processor %s throws',
  async (_, signal, processor) => {
    const ended = await run(
      `${ESM} setTimeout(() => console.log('late'), 4000).unref()
    startTelemetry({ metrics: false, ${signal}: { processors: [${processor}] } }) ${PRODUCE}`,
      { env: { OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl } },
    )
    expect(ended).toMatchObject({ code: 0, stdout: '' })
    expect(ended.stderr).toContain('a processor failed on a log record or a span (logged once): no')
    expect(ended.stderr).toContain('a processor failed to flush or shut down: no')
    expect(received()).toEqual([1, 1, 0])
  },
)

test('OTEL_LOG_LEVEL prints messages until the shutdown', async () => {
  const ended = await run(
    `${ESM} const telemetry = startTelemetry({ logs: false, traces: false, metrics: false })
    diag.warn('quiet'); diag.error('loud')
    await telemetry.shutdown(); diag.error('quiet again')`,
    { env: { OTEL_LOG_LEVEL: 'error' } },
  )
  expect(ended).toEqual({ code: 0, stdout: '', stderr: 'loud\n' })
})

test('startTelemetry throws when the other module format has started telemetry', async () => {
  const ended = await run(
    `${ESM} import { createRequire } from 'node:module'
    const { startTelemetry: again } = createRequire(import.meta.url)('@logbridge/core')
    const telemetry = startTelemetry()
    try { again() } catch (error) { console.log(error.code) }
    await telemetry.shutdown()
    await again().shutdown()`,
    { env: { OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl } },
  )
  expect(ended).toEqual({ code: 0, stdout: 'ALREADY_STARTED\n', stderr: '' })
})

test.each(['grpc', 'http/protobuf'])(
  'onProcessExit ends the process after its final flush when a receiver accepts requests over %s and never answers',
  { tags: 'long' },
  async (protocol) => {
    const silent = createServer((socket) => void socket.on('error', () => {}).resume())
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    onTestFinished(() => void silent.close())
    const { port } = silent.address() as AddressInfo
    // Attempts last a minute, which is longer than the test.
    const ended = await run(
      `${ESM} startTelemetry({ timeoutMillis: 60_000, protocol: '${protocol}', traces: false, metrics: false }) ${PRODUCE}`,
      { env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` } },
    )
    expect(ended.code).toBe(0)
    expect(ended.stderr).toContain('not sent when the process ended: 1 log record.')
  },
)

const LOST = String.raw`1 log record, 3 spans(?: and 1 batch of metrics)?`
const OUTAGE = String.raw`logbridge: export to \S+ failed`
const WAIT = String.raw`logbridge: still waiting for 1 log record, 3 spans and 1 batch of metrics to be sent to \S+, at most 3 s\n`
const AT_END = String.raw`logbridge: not sent when the process ended: 1 log record(?:,| and) 3 spans(?: and 1 batch of metrics)?\. .*\n`
const SPANS = `${PRODUCE} for (let n = 0; n < 2; n += 1) trace.getTracer('t').startSpan('work').end()\n`

test.each([
  ['it ends at once', '', `${OUTAGE}, dropping ${LOST} unless an export succeeds within 3 s .*\n`],
  [
    'an outage has begun before',
    'setTimeout(() => {}, 4000)',
    `${OUTAGE}, retrying with backoff .*\n${WAIT}${AT_END}`,
  ],
  ['it exits', 'process.exit()', AT_END],
  [
    'a flush has timed out and a shutdown follows',
    'await telemetry.forceFlush(3000); await telemetry.shutdown()',
    `${OUTAGE}, retrying with backoff .*\n${WAIT}logbridge: dropped 1 log record: shutdown_timeout .*\n` +
      'logbridge: dropped 3 spans and [12] batch(?:es)? of metrics: shutdown_timeout\n',
  ],
])(
  'onProcessExit reports one cause, and once what each signal loses, when the receiver is unreachable and %s',
  { tags: 'long' },
  async (_, end, lines) => {
    const ended = await run(`${ESM} const telemetry = startTelemetry()\n${SPANS}${end}`, {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: await unreachableUrl() },
    })
    expect(ended.stderr).toMatch(new RegExp(`^${lines}$`))
  },
)

/** Starts a receiver over HTTP and records its answers. */
async function startAnswering(answer: (request: ReceivedRequest, n: number) => number) {
  const receiver = await startHttpReceiver()
  onTestFinished(() => receiver.close())
  const answers: string[] = []
  receiver.answer = (request, n) => {
    const status = answer(request, n)
    answers.push(`${request.path} ${status}`)
    return { status }
  }
  return {
    answers,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' },
  }
}

test('shutdownSignals waits for logs, spans, and metrics when their exports are retried', async () => {
  let isBack = false
  const { answers, env } = await startAnswering(() => (isBack ? 200 : 503))
  const program = start(
    `${ESM} startTelemetry({
      shutdownSignals: ['SIGTERM'],
      logs: { scheduledDelayMillis: 1 },
      traces: { scheduledDelayMillis: 1 },
      metrics: { exportIntervalMillis: 2000 },
    }) ${PRODUCE} setInterval(() => {}, 1000)`,
    { env },
  )
  const failed = (): number => new Set(answers).size
  while (failed() < 3) await new Promise((resolve) => setTimeout(resolve, 10))
  program.kill('SIGTERM')
  isBack = true
  expect((await program.ended).code).toBe('SIGTERM')
  expect(answers).toEqual(expect.arrayContaining(['/v1/logs 200', '/v1/traces 200', '/v1/metrics 200']))
})

const END = `process.on('exit', () => console.log(performance.now() < 20_000 ? 'soon' : 'late'))`

test(
  'onProcessExit ends the process after its final flush when a gRPC receiver never answers',
  { tags: 'long' },
  async () => {
    const receiver = await startGrpcReceiver()
    onTestFinished(() => receiver.close())
    receiver.answer = () => ({ fault: 'silent' })
    const ended = await run(
      `${ESM} startTelemetry({ timeoutMillis: 60_000, metrics: false, logs: { scheduledDelayMillis: 1 }, traces: { scheduledDelayMillis: 1 } })
      ${PRODUCE} setTimeout(() => {}, 500); ${END}`,
      { env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } },
    )
    expect(ended).toMatchObject({ code: 0, stdout: 'soon\n' })
    expect(ended.stderr).toContain('not sent when the process ended: 1 log record and 1 span.')
  },
)

test('onProcessExit says what to start when flushOnExit finds no receiver', async () => {
  const ended = await run(
    `${ESM} startTelemetry({ flushOnExit: true, metrics: false }) ${SPANS} process.exit()`,
    { env: { OTEL_EXPORTER_OTLP_ENDPOINT: await unreachableUrl() } },
  )
  expect(ended.stderr).toMatch(
    /^logbridge: still waiting for 1 log record .*\nlogbridge: not sent when the process ended: 1 log record and 3 spans \(start a receiver, e\.g\. npx @logbridge\/viewer; .*\): gRPC UNAVAILABLE: .*\n$/,
  )
})

const UNREACHABLE = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }

// The SDK's timers for an export would hold the process for 30 s.
test.each([
  [
    'of spans is tried again as the work ends',
    `startTelemetry({ logs: false, metrics: false, traces: { scheduledDelayMillis: 1 } }) ${PRODUCE}
    setTimeout(() => {}, 100)`,
  ],
  [
    'of metrics begins after the last flush',
    `const telemetry = startTelemetry({ logs: false, traces: false }) ${PRODUCE}
    process.once('beforeExit', () => setTimeout(() => telemetry.forceFlush(1), 3500))`,
  ],
])(
  'onProcessExit ends the process after a flush when its receiver is unreachable and an export %s',
  { tags: 'long' },
  async (_, code) => {
    expect(await run(`${ESM} ${code}; ${END}`, { env: UNREACHABLE })).toMatchObject({
      code: 0,
      stdout: 'soon\n',
    })
  },
)
