import { type Collector, findCollector, startCollector } from '@logbridge/test-support/collector'
import fc from 'fast-check'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { messageOf, requests } from '../../core/test/otlp/anyRequest.ts'
import { JsonWriter } from '../../core/src/otlp/jsonWriter.ts'
import { startCommand, startReceiver, temporaryFolder, WAIT } from './startCommand.ts'

type Signal = keyof typeof requests

const SIGNALS = ['logs', 'traces', 'metrics'] as const
const KEYS = { logs: 'resourceLogs', traces: 'resourceSpans', metrics: 'resourceMetrics' } as const
const PARTS = {
  logs: ['scopeLogs', 'logRecords'],
  traces: ['scopeSpans', 'spans'],
  metrics: ['scopeMetrics', 'metrics'],
} as const
const MIN = '-9223372036854775808'
const MAX = '9223372036854775807'
const attributes = [
  { key: 'least', value: { intValue: MIN } },
  { key: 'most', value: { intValue: MAX } },
  { key: 'NaN', value: { doubleValue: NaN } },
  { key: 'bytes', value: { bytesValue: Buffer.from([0, 255]) } },
  { key: 'none', value: {} },
  {
    key: 'map',
    value: { kvlistValue: { values: [{ key: 'list', value: { arrayValue: { values: [{}] } } }] } },
  },
]
const traceId = Buffer.from('4bf92f3577b34da6a3ce929d0e0e4736', 'hex')
const spanId = Buffer.from('00f067aa0ba902b7', 'hex')
const exemplars = [{ filteredAttributes: attributes, timeUnixNano: '1', asInt: MIN, spanId, traceId }]
const times = {
  startTimeUnixNano: '1790000000000000001',
  timeUnixNano: '18446744073709551615',
  attributes,
  exemplars,
}
const buckets = { offset: -3, bucketCounts: ['18446744073709551615', '0'] }

/** One record of each kind, with every part of which others lose something. */
const RECORDS = {
  logs: [
    {
      timeUnixNano: MAX,
      severityNumber: 17,
      body: { intValue: MIN },
      attributes,
      droppedAttributesCount: 3,
      eventName: 'e',
    },
  ],
  traces: [
    {
      traceId,
      spanId,
      name: 'n',
      kind: 3,
      flags: 257,
      attributes,
      events: [{ timeUnixNano: '1', name: 'event', attributes, droppedAttributesCount: 1 }],
      droppedEventsCount: 2,
      links: [{ traceId, spanId, traceState: 'a=b', attributes, droppedAttributesCount: 1, flags: 1 }],
      droppedLinksCount: 4,
      status: { message: 'm', code: 2 },
    },
  ],
  metrics: [
    {
      name: 'gauge',
      gauge: {
        dataPoints: [
          { ...times, asInt: MIN },
          { ...times, asDouble: NaN },
        ],
      },
    },
    {
      name: 'sum',
      sum: { dataPoints: [{ ...times, asInt: MAX }], aggregationTemporality: 2, isMonotonic: true },
    },
    {
      name: 'histogram',
      histogram: {
        dataPoints: [
          {
            ...times,
            count: '3',
            sum: -0,
            bucketCounts: ['1', '2'],
            explicitBounds: [0.5],
            min: 0,
            max: Infinity,
          },
        ],
        aggregationTemporality: 1,
      },
    },
    {
      name: 'exponential',
      exponentialHistogram: {
        dataPoints: [
          {
            ...times,
            count: '3',
            scale: -11,
            zeroCount: '1',
            positive: buckets,
            negative: buckets,
            zeroThreshold: 1e-9,
          },
        ],
        aggregationTemporality: 2,
      },
    },
    {
      name: 'summary',
      summary: {
        dataPoints: [
          {
            startTimeUnixNano: '1',
            timeUnixNano: '2',
            count: '3',
            sum: 4,
            quantileValues: [{ quantile: 0.5, value: -Infinity }],
          },
        ],
      },
    },
  ],
}

/** Makes requests with any values, before them one with `RECORDS`. */
function anyRequests(signal: Signal, count: number): Buffer[] {
  const type = requests[signal]
  const [scopes, records] = PARTS[signal]
  const scope = { name: 'shop', version: '1', attributes, droppedAttributesCount: 5 }
  const resource = { attributes, droppedAttributesCount: 6 }
  const known = {
    [KEYS[signal]]: [
      {
        resource,
        schemaUrl: 'https://a/1',
        [scopes]: [{ scope, schemaUrl: 'https://a/2', [records]: RECORDS[signal] }],
      },
    ],
  }
  const sampled = fc.sample(messageOf(type, 0), count)
  // A line without any field is JSON of an application.
  return [known, ...sampled]
    .map((content) => Buffer.from(type.encode(type.fromObject(content)).finish()))
    .filter((request) => request.length > 0)
}

/** Lists each record with its resource and scope, because requests are joined on their way. */
function recordsOf(signal: Signal, resources: any[]): string[] {
  const [scopes, records] = PARTS[signal]
  return resources
    .flatMap(({ [scopes]: inScopes = [], ...resource }) =>
      inScopes.flatMap(({ [records]: inRecords = [], ...scope }: any) =>
        inRecords.map((record: unknown) => JSON.stringify({ resource, scope, record })),
      ),
    )
    .toSorted((a, b) => (a < b ? -1 : 1))
}

function first(of: readonly string[], others: readonly string[]): string | undefined {
  const known = new Set(others)
  return of.find((record) => !known.has(record))
}

const program = findCollector()

describe.skipIf(program === undefined)('logbridge-pipe into the Collector', () => {
  let collector: Collector
  beforeAll(async () => {
    collector = await startCollector(program as string)
  })
  afterAll(() => collector?.stop())

  /** Sends requests as one, because the Collector refuses metrics without data points unless others are with them. */
  async function post(signal: Signal, bodies: readonly Buffer[]): Promise<string[]> {
    const received = collector.received[KEYS[signal]]
    received.length = 0
    const response = await fetch(`${collector.httpUrl}/v1/${signal}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      // Concatenated protobuf messages are one message with the fields of all.
      body: new Uint8Array(Buffer.concat(bodies)),
    })
    expect(response.status).toBe(200)
    return recordsOf(signal, received.splice(0))
  }

  /** Compares what has arrived. An assertion about all of it would print megabytes. */
  function expectSame(signal: Signal, expected: readonly string[]): void {
    const arrived = recordsOf(signal, collector.received[KEYS[signal]])
    const difference = { missing: first(expected, arrived), unexpected: first(arrived, expected) }
    expect({ ...difference, count: arrived.length }).toEqual({ count: expected.length })
  }

  test.each(SIGNALS)(
    'delivers lines of OTLP with %s as the requests were, when they have any values',
    async (signal) => {
      const bodies = anyRequests(signal, 60)
      const direct = await post(signal, bodies)
      expect(direct.length).toBeGreaterThan(20)
      const writer = new JsonWriter(signal)
      const lines = Buffer.concat(bodies.map((body) => Buffer.from(writer.line(body))))
      const command = startCommand(['--quiet'], { OTEL_EXPORTER_OTLP_ENDPOINT: collector.grpcUrl })
      expect([await command.end(lines), command.stderr()]).toEqual([0, ''])
      expectSame(signal, direct)
    },
  )

  test('delivers a line of OTLP in parts when it is larger than the receiver accepts', async () => {
    const { resourceLogs } = collector.received
    resourceLogs.length = 0
    const logRecords = Array.from({ length: 60_000 }, (_, index) => ({
      timeUnixNano: `${index + 1}`,
      body: { stringValue: `order ${index} ${'x'.repeat(80)}` },
    }))
    const line = `${JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })}\n`
    expect(line.length).toBeGreaterThan(8 * 1024 * 1024)
    const command = startCommand(['--quiet'], { OTEL_EXPORTER_OTLP_ENDPOINT: collector.grpcUrl })
    expect([await command.end(line), command.stderr()]).toEqual([0, ''])
    expect(new Set(recordsOf('logs', resourceLogs)).size).toBe(logRecords.length)
  })

  test('delivers what the file exporter has written as it was, when a file of each signal is followed', async () => {
    const folder = await temporaryFolder()
    const input = join(folder, 'input.jsonl')
    const bodies = SIGNALS.map((signal) => [signal, anyRequests(signal, 10)] as const)
    const lines = bodies.flatMap(([signal, requests]) => {
      const writer = new JsonWriter(signal)
      return requests.map((body) => Buffer.from(writer.line(body)))
    })
    await writeFile(input, Buffer.concat(lines))
    const direct: Record<string, string[]> = {}
    for (const [signal, requests] of bodies) direct[signal] = await post(signal, requests)

    const written = startCommand(['--quiet', '--file', join(folder, 'out.jsonl')])
    expect([await written.end(await readFile(input)), written.stderr()]).toEqual([0, ''])
    const command = startCommand(
      ['follow', join(folder, 'out*.jsonl'), '--from-start', '--checkpoints', join(folder, 'checkpoints')],
      { OTEL_EXPORTER_OTLP_ENDPOINT: collector.grpcUrl },
    )
    await vi.waitFor(() => {
      for (const signal of SIGNALS) expectSame(signal, direct[signal]!)
    }, WAIT)
    command.child.kill()
    expect(await command.end()).toBe(0)
  })
})

test('logbridge-pipe delivers all signals of a program with its own resource when the program writes them to stdout', async () => {
  const { viewer, env, records } = await startReceiver()
  const spans: unknown[] = []
  const metrics: unknown[] = []
  viewer.on('spans', (received) => void spans.push(...received))
  viewer.on('metrics', (received) => void metrics.push(...received))
  const script = join(await temporaryFolder(), 'program.mjs')
  await writeFile(
    script,
    `import { startTelemetry } from ${JSON.stringify(import.meta.resolve('@logbridge/core'))}
    const telemetry = startTelemetry({ serviceName: 'stock' })
    telemetry.tracerProvider.getTracer('t').startSpan('placed').end()
    telemetry.meterProvider.getMeter('m').createCounter('orders').add(3)
    telemetry.loggerProvider.getLogger('l').emit({ body: 'sold out', severityNumber: 17 })
    await telemetry.shutdown()`,
  )
  const exporters = SIGNALS.map((signal) => `OTEL_${signal.toUpperCase()}_EXPORTER=otlp/stdout`)
  const program = ['env', ...exporters, process.execPath, script]
  const command = startCommand(['--quiet', '--service', 'shop', '--', ...program], env)
  expect([await command.end(), command.stderr()]).toEqual([0, ''])
  const resource = { attributes: { 'service.name': 'stock' } }
  expect(records).toMatchObject([{ body: 'sold out', resource }])
  expect(spans).toMatchObject([{ name: 'placed', resource }])
  expect(metrics).toContainEqual(expect.objectContaining({ name: 'orders' }))
})

const logLine = (record: object): string =>
  JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] })
const spanLine = (span: object): string =>
  JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })
const text = (stringValue: string): object => ({ stringValue })

test('logbridge-pipe names the field of the first line of OTLP that is malformed, counts all, and sends those around', async () => {
  const { env, bodies } = await startReceiver()
  const lines = [
    logLine({ body: text('before') }),
    logLine({ severityNumber: 'INFO', body: text('secret') }),
    spanLine({ spanId: '1' }),
    logLine({ body: text('after'), future: true }),
    logLine({ body: text('half') }).slice(0, -3),
  ]
  const command = startCommand(['--quiet'], env)
  expect(await command.end(`${lines.join('\n')}\n`)).toBe(1)
  expect(command.stderr()).toBe(
    'logbridge-pipe: a line of OTLP with logs is malformed, and not sent: resourceLogs[0].scopeLogs[0].logRecords[0].severityNumber ' +
      'must be a whole number from 0 to 4294967295, not a text of 4 characters\n' +
      'logbridge-pipe: 2 lines of OTLP were malformed, and not sent\n',
  )
  // A line that is no JSON is kept as a text.
  expect(await bodies(3)).toEqual(['before', 'after', lines[4]])
})

test('logbridge-pipe changes the log records of OTLP when options say so, and says that spans stay as they are', async () => {
  const { viewer, env, records } = await startReceiver()
  const spans: unknown[] = []
  viewer.on('spans', (received) => void spans.push(...received))
  const attributes = [
    { key: 'password', value: text('secret') },
    { key: 'item', value: { intValue: '7' } },
  ]
  const command = startCommand(['--quiet', '--redact', 'password'], env)
  const ids = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }
  const lines = [logLine({ body: text('b'), attributes }), spanLine({ ...ids, name: 's' })]
  expect(await command.end(`${lines.join('\n')}\n`)).toBe(0)
  expect(records).toMatchObject([{ body: 'b', attributes: { password: '[Redacted]', item: 7 } }])
  expect(spans).toMatchObject([{ name: 's' }])
  expect(command.stderr()).toBe(
    'logbridge-pipe: traces of OTLP are sent unchanged: options such as --redact change log records alone\n',
  )
})

test('logbridge-pipe counts lines of OTLP that are malformed, and sends those around, when options change records', async () => {
  const { env, bodies } = await startReceiver()
  const deep = `${'{"arrayValue":{"values":['.repeat(5000)}{}${']}}'.repeat(5000)}`
  const resource = { attributes: [{ key: 'deep', value: 'DEEP' }] }
  const withResource = { resourceLogs: [{ resource, scopeLogs: [{ logRecords: [{ body: text('a') }] }] }] }
  const malformed = [
    logLine({ body: 'DEEP' }).replace('"DEEP"', deep),
    JSON.stringify(withResource).replace('"DEEP"', deep),
    logLine({ body: { intValue: { toString: 1, valueOf: 1 } } }),
    logLine({ body: text('b'), traceId: 'zz' }),
    JSON.stringify({ resourceLogs: [{ scopeLogs: { logRecords: [{ body: text('c') }] } }] }),
  ]
  const lines = [logLine({ body: text('before') }), ...malformed, logLine({ body: text('after') })]
  const command = startCommand(['--quiet', '--redact', 'password'], env)
  expect(await command.end(`${lines.join('\n')}\n`)).toBe(1)
  expect(command.stderr()).toContain('logbridge-pipe: 5 lines of OTLP were malformed, and not sent\n')
  expect(await bodies(2)).toEqual(['before', 'after'])
})

test('logbridge-pipe reads every form of a number, and null as an absent field, when options change records', async () => {
  const { env, records } = await startReceiver()
  const record = `{"severityNumber":"17","timeUnixNano":1790000000000000001,"flags":"1","traceId":"4bf92f3577b34da6a3ce929d0e0e4736",
    "spanId":"00f067aa0ba902b7","body":{"stringValue":null,"intValue":42}}`
  const line = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${record.replaceAll('\n', '')}]}]}]}`
  const [whole, single] = [[], ['--redact', 'password']].map((options) =>
    startCommand(['--quiet', ...options], env),
  )
  expect([await whole!.end(`${line}\n`), await single!.end(`${line}\n`)]).toEqual([0, 0])
  const { severityNumber, timeUnixNano, flags, body } = records[0]!
  expect([severityNumber, body]).toEqual([17, 42])
  expect(records[1]).toMatchObject({ severityNumber, timeUnixNano, flags, body })
})

test('logbridge-pipe sends what a line of OTLP has of each signal', async () => {
  const { viewer, env, bodies } = await startReceiver()
  const spans: unknown[] = []
  viewer.on('spans', (received) => void spans.push(...received))
  const ids = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }
  const [logs, traces] = [logLine({ body: text('b') }), spanLine({ ...ids, name: 's' })]
  const command = startCommand(['--quiet'], env)
  expect(await command.end(`${logs.slice(0, -1)},${traces.slice(1)}\n`)).toBe(0)
  expect(await bodies(1)).toEqual(['b'])
  expect(spans).toMatchObject([{ name: 's' }])
})

test('logbridge-pipe says that lines of a signal are not sent when the variable of the signal names no otlp', async () => {
  const { env, bodies } = await startReceiver()
  const command = startCommand(['--quiet', '--redact', 'a'], { ...env, OTEL_TRACES_EXPORTER: 'none' })
  const lines = [spanLine({ name: 'a' }), spanLine({ name: 'b' }), logLine({ body: text('c') })]
  expect(await command.end(`${lines.join('\n')}\n`)).toBe(0)
  expect(command.stderr()).toBe(
    'logbridge-pipe: traces of OTLP are not sent, because OTEL_TRACES_EXPORTER names no otlp, or the endpoint is invalid\n',
  )
  expect(await bodies(1)).toEqual(['c'])
})

test('logbridge-pipe keeps the lines of each signal for its next run when the receiver is unreachable and --spool is given', async () => {
  const folder = join(await temporaryFolder(), 'spool')
  const first = startCommand(['--quiet', '--spool', folder, '--export-timeout-millis', '300'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
  })
  const metric = { name: 'm', gauge: { dataPoints: [{ asInt: '1' }] } }
  const lines = [
    logLine({ body: text('kept') }),
    spanLine({ name: 'kept' }),
    JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] }),
  ]
  expect(await first.end(`${lines.join('\n')}\n`)).toBe(0)
  const { viewer, env } = await startReceiver()
  const received: string[] = []
  viewer.on('logs', (records) => void received.push(...records.map(({ body }) => `log ${String(body)}`)))
  viewer.on('spans', (spans) => void received.push(...spans.map(({ name }) => `span ${name}`)))
  viewer.on('metrics', (metrics) => void received.push(...metrics.map(({ name }) => `metric ${name}`)))
  const second = startCommand(['--spool', folder], env)
  await viewer.waitFor(() => received.length >= 3, 20_000)
  expect(await second.end()).toBe(0)
  expect(received.toSorted()).toEqual(['log kept', 'metric m', 'span kept'])
})

test('logbridge-pipe prints the log records of OTLP when OTEL_LOGS_EXPORTER is console', async () => {
  const command = startCommand(['--quiet'], { OTEL_LOGS_EXPORTER: 'console' })
  expect(await command.end(`${logLine({ body: text('to the console'), severityNumber: 9 })}\n`)).toBe(0)
  expect(command.stdout().toString()).toContain("body: 'to the console'")
})
