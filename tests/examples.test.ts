import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type ReceivedLogRecord,
  type ReceivedMetric,
  type ReceivedSpan,
  startViewer,
  type Viewer,
} from '@logbridge/viewer'
import { freePort } from '@logbridge/test-support/ports'
import { describe, expect, onTestFinished, test } from 'vitest'

interface Arrived {
  viewer: Viewer
  logs: ReceivedLogRecord[]
  spans: ReceivedSpan[]
  /** Latest metric of each name. */
  metrics: Map<string, ReceivedMetric>
}

async function receive(): Promise<Arrived> {
  const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
  onTestFinished(() => viewer.close())
  const arrived: Arrived = { viewer, logs: [], spans: [], metrics: new Map() }
  viewer.on('logs', (records) => arrived.logs.push(...records))
  viewer.on('spans', (spans) => arrived.spans.push(...spans))
  viewer.on('metrics', (metrics) => metrics.forEach((metric) => arrived.metrics.set(metric.name, metric)))
  return arrived
}

interface Result {
  code: number
  stdout: string
  stderr: string
}

/** Environment without the OpenTelemetry variables of the machine. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('OTEL_')),
)

function run(example: string, env: NodeJS.ProcessEnv): Promise<Result> {
  const file = fileURLToPath(new URL(`../examples/${example}`, import.meta.url))
  const options = { cwd: dirname(file), env: { ...environment, ...env } }
  return new Promise((resolve) => {
    execFile(process.execPath, [file], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

/** Checks the two records that an example of one library logs inside its span. */
function expectRecordsOfSpan(records: (ReceivedLogRecord | undefined)[], spans: ReceivedSpan[]): void {
  expect(spans.map(({ name }) => name)).toEqual(['checkout'])
  const { traceId, spanId } = spans[0]!
  expect(records).toMatchObject([
    {
      severityNumber: 13,
      body: 'card is about to expire',
      attributes: { card: { last4: '0042', expires: '2027-01' } },
      traceId,
      spanId,
      flags: 1,
    },
    {
      severityNumber: 17,
      body: expect.stringMatching(/^payment failed/),
      attributes: {
        'exception.type': 'TypeError',
        'exception.message': 'amount is missing',
        'exception.stacktrace': expect.stringMatching(/^TypeError: amount is missing\n +at .*\/examples\//),
      },
      traceId,
      spanId,
      flags: 1,
    },
  ])
}

describe('example of one library', () => {
  test.for([
    { example: 'winston', scope: 'winston', levels: ['info', 'warn', 'error'] },
    { example: 'pino', scope: 'pino', levels: ['info', 'warn', 'error'] },
    { example: 'pino-worker', scope: 'pino', levels: ['info', 'warn', 'error'] },
    { example: 'bunyan', scope: 'payments', levels: ['info', 'warn', 'error'] },
    { example: 'log4js', scope: 'payments', levels: ['INFO', 'WARN', 'ERROR'] },
    { example: 'console', scope: 'console', levels: ['info', 'warn', 'error'] },
  ])('$example prints its records and sends them', async ({ example, scope, levels }) => {
    const { viewer, logs, spans } = await receive()
    const { code, stdout, stderr } = await run(`${example}/index.js`, {
      OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl,
    })

    expect(stderr).not.toMatch(/^logbridge:/m)
    expect(code).toBe(0)
    // The library still prints its own output.
    for (const text of ['listening', 'card is about to expire', 'payment failed'])
      expect(stdout + stderr).toContain(text)
    expect(logs.map((log) => log.severityText)).toEqual(levels)
    for (const log of logs) {
      expect(log.scope.name).toBe(scope)
      expect(log.resource.attributes['service.name']).toBe(`${example}-example`)
    }
    expect(logs[0]).toMatchObject({
      severityNumber: 9,
      body: 'listening',
      attributes: { port: 8080 },
      traceId: '',
    })
    expectRecordsOfSpan(logs.slice(1), spans)
  })
})

describe('example all-signals', () => {
  const resource = {
    'service.namespace': 'shop',
    'service.name': 'payments',
    'service.instance.id': expect.stringMatching(/^payments-\d+$/),
    'host.name': hostname(),
    'shop.region': 'eu-west',
    'shop.shelves': 12,
    'shop.canary': true,
    'team.name': 'checkout',
    'team.cost_center': 4711,
  }

  test('sends logs, spans, and metrics', async () => {
    const { viewer, logs, spans, metrics } = await receive()
    const { code } = await run('all-signals/index.js', { OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl })

    expect(code).toBe(0)
    const payments = metrics.get('payments')
    const amounts = metrics.get('payment.amount')
    for (const item of [...logs, ...spans, payments, amounts])
      expect(item?.resource.attributes).toMatchObject(resource)

    expect(spans.map(({ name }) => name)).toEqual(['pay', 'pay', 'pay'])
    const [first, second, third] = spans.map(({ traceId, spanId }) => ({ traceId, spanId }))
    const inOrder = logs.toSorted((a, b) => Number(a.observedTimeUnixNano - b.observedTimeUnixNano))
    expect(inOrder).toMatchObject([
      {
        scope: { name: 'payments' },
        severityNumber: 5,
        body: 'paying',
        attributes: { amount: 20 },
        ...first,
      },
      {
        scope: { name: 'payments' },
        severityNumber: 5,
        body: 'paying',
        attributes: { amount: 75 },
        ...second,
      },
      {
        scope: { name: 'payments' },
        severityNumber: 5,
        body: 'paying',
        attributes: { amount: 900 },
        ...third,
      },
      {
        scope: { name: 'payments' },
        severityNumber: 17,
        attributes: { 'exception.type': 'RangeError' },
        ...third,
      },
      { scope: { name: 'console' }, severityNumber: 9, body: 'the day is over', attributes: { payments: 3 } },
    ])

    expect(payments).toMatchObject({
      type: 'sum',
      unit: '{payment}',
      dataPoints: [
        { attributes: { outcome: 'paid' }, value: 2 },
        { attributes: { outcome: 'failed' }, value: 1 },
      ],
    })
    expect(amounts).toMatchObject({
      type: 'histogram',
      unit: 'EUR',
      dataPoints: [{ explicitBounds: [10, 50, 100], bucketCounts: [0, 1, 1, 1], sum: 995 }],
    })
  })

  test('serves metrics for Prometheus when PROMETHEUS_PORT is set', async () => {
    const { viewer, logs, spans, metrics } = await receive()
    const { code, stdout } = await run('all-signals/index.js', {
      OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl,
      // The SDK's Prometheus endpoint does not accept port 0.
      PROMETHEUS_PORT: String(await freePort()),
    })

    expect(code).toBe(0)
    expect(stdout).toMatch(/^payments_total\{outcome="paid"[^}]*\} 2$/m)
    const buckets = [...stdout.matchAll(/^payment_amount_bucket\{.*le="([^"]+)"\} (\d)$/gm)]
    expect(buckets.map(([, bound, count]) => [bound, count])).toEqual([
      ['10', '0'],
      ['50', '1'],
      ['100', '2'],
      ['+Inf', '3'],
    ])
    expect(stdout).toMatch(/^target_info\{.*service_namespace="shop".*\} 1$/m)
    expect([logs.length, spans.length, metrics.size]).toEqual([5, 3, 0])
  })
})

test('example lambda sends the records of each invocation when the process freezes after it', async () => {
  const { viewer, logs, spans } = await receive()
  const { code, stdout, stderr } = await run('lambda/index.js', {
    OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl,
  })

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const orders = ['A-101', 'A-102', 'A-103']
  expect([...stdout.matchAll(/statusCode: 202, body: '(.*)'/g)].map(([, order]) => order)).toEqual(orders)
  expect(logs).toMatchObject(
    orders.map((order, n) => ({
      body: 'order received',
      attributes: { order, request: `request-${order}` },
      spanId: spans[n]!.spanId,
      resource: { attributes: { 'service.name': 'lambda-example' } },
    })),
  )
})

describe('example existing-sdk', () => {
  test.for([
    { file: 'adapter-only.js', service: 'existing-sdk-adapter' },
    { file: 'processor.js', service: 'existing-sdk-processor' },
  ])("$file sends its records through OpenTelemetry's NodeSDK", async ({ file, service }) => {
    const { viewer, logs, spans } = await receive()
    const { code } = await run(`existing-sdk/${file}`, { OTEL_EXPORTER_OTLP_ENDPOINT: viewer.httpUrl })

    expect(code).toBe(0)
    expectRecordsOfSpan(logs, spans)
    for (const { scope, resource } of logs) {
      expect(scope.name).toBe('winston')
      expect(resource.attributes['service.name']).toBe(service)
    }
  })
})

describe('demo', () => {
  const END =
    /^demo: sent (?<sent>\d+), received (?<received>\d+), libraries (?<libraries>\d), with trace (?<withTrace>\d+), dropped (?<dropped>\d+)\n\nNext:\n(?: {2}.+ {2,}.+\n){3}$/m
  const SERVICES = ['storefront', 'orders', 'inventory', 'payments', 'mailer']

  function countsOf(stdout: string): Record<string, number> {
    expect(stdout).toMatch(END)
    const { groups = {} } = END.exec(stdout)!
    return Object.fromEntries(Object.entries(groups).map(([name, count]) => [name, Number(count)]))
  }

  test('prints every record and its counts when no endpoint is set', async () => {
    const { code, stdout } = await run('shop/demo.js', {})
    const count = 27
    expect(countsOf(stdout)).toEqual({
      sent: count,
      received: count,
      libraries: 5,
      withTrace: count,
      dropped: 0,
    })
    expect(code).toBe(0)

    // Each record is inside the span in which it was logged.
    const records = [...stdout.matchAll(/^ +\d\d:\d\d:\d\d\.\d{3} \w+ +(\w+) \[(\w+)\] /gm)]
    expect(records).toHaveLength(count)
    expect(records.filter(([, service, scope]) => service !== scope)).toEqual([])
    expect(new Set(records.map(([, service]) => service))).toEqual(new Set(SERVICES))
    expect(stdout).toMatch(
      /^( +)payments: POST \/charges server .*\n\1 {2}[\d:.]+ INFO +payments \[payments\] charging 60 EUR/m,
    )
    expect(stdout.match(/ trace=[\da-f]{32}$/gm)).toHaveLength(4)
    expect(stdout).not.toContain('otel.sdk.')
    expect(stdout).toContain('Caused by: RangeError: insufficient funds')
    expect(stdout).toMatch(/payments: ask the bank internal [\d.]+ms, insufficient funds/)
    expect(stdout).toContain('up to 50: 0, up to 100: 1, up to 500: 1, up to 1000: 0, more: 0')
  })

  test('sends every record in one trace for each customer when an endpoint is set', async () => {
    const { viewer, logs, spans, metrics } = await receive()
    const { code, stdout } = await run('shop/demo.js', { OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl })
    const count = logs.length
    expect(countsOf(stdout)).toEqual({
      sent: count,
      received: count,
      libraries: 5,
      withTrace: count,
      dropped: 0,
    })
    expect(code).toBe(0)

    const spanIds = new Set(spans.map(({ traceId, spanId }) => `${traceId}-${spanId}`))
    for (const log of logs) {
      expect(spanIds).toContain(`${log.traceId}-${log.spanId}`)
      expect(log.resource.attributes['service.name']).toBe(log.scope.name)
    }
    expect(new Set(logs.map(({ resource }) => resource.attributes['service.name']))).toEqual(
      new Set(SERVICES),
    )
    // Each of the four customers has one trace through all services.
    expect(new Set(spans.map((span) => span.traceId)).size).toBe(4)
    expect(spans.filter((span) => span.parentSpanId === '')).toHaveLength(4)
    const declined = logs.find((log) => log.scope.name === 'payments' && log.severityNumber === 17)
    expect(declined).toMatchObject({
      body: 'order A-104 cannot be charged',
      attributes: {
        'exception.type': 'ServiceError',
        'exception.message': 'payment declined',
        error: { status: 402, cause: { type: 'RangeError', message: 'insufficient funds', code: 'BANK_51' } },
      },
    })
    expect(metrics.get('shop.orders')?.dataPoints).toMatchObject([
      { attributes: { outcome: 'placed' }, value: 2 },
      { attributes: { outcome: 'failed' }, value: 2 },
    ])
    expect(metrics.get('shop.order.value')?.dataPoints).toMatchObject([
      { explicitBounds: [50, 100, 500, 1000], bucketCounts: [0, 1, 1, 0, 0] },
    ])
  })

  test('exits with 1 when the receiver refuses records', async () => {
    const refusingServer = createServer((request, response) => {
      request.resume()
      response.writeHead(400).end()
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void refusingServer.close())
    await new Promise((resolve) => refusingServer.once('listening', resolve))
    const { code, stdout } = await run('shop/demo.js', {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${portOf(refusingServer)}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    })
    const { sent, received, dropped } = countsOf(stdout)
    expect(sent).toBeGreaterThan(0)
    expect(received).toBe(0)
    expect(dropped).toBe(sent)
    expect(code).toBe(1)
  })
})

function portOf(server: ReturnType<typeof createServer>): number {
  return (server.address() as AddressInfo).port
}
