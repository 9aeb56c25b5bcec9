import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { findCollector, startCollector } from '@logbridge/test-support/collector'
import {
  partialSuccess,
  startGrpcReceiver,
  startHttpReceiver,
} from '@logbridge/test-support/scriptedReceiver'
import { NOTHING, type Stats } from '@logbridge/test-support/stats'
import { unreachableUrl } from '@logbridge/test-support/ports'
import { type Ended, run, start } from '../programs.ts'
import { receiver } from '../receive.ts'

// Child processes that call process.exit(), with their received records, stats, and exit codes.

const decoding = receiver()
const folder = mkdtempSync(join(tmpdir(), 'logbridge-exit-'))
afterAll(() => rmSync(folder, { recursive: true }))

const IMPORTS = `
import { createLoggerProvider, OtlpLogRecordProcessor, startTelemetry } from '@logbridge/core'
import { logs } from '@opentelemetry/api'
`
const LOG = `for (const n of [0, 1, 2]) logs.getLogger('l').emit({ body: 'hello ' + n })\n`
const LISTEN = `process.on('exit', () => logs.getLogger('l').emit({ body: 'last' }))`
const BODIES = ['hello 0', 'hello 1', 'hello 2']

/** @param options source of further options */
function program(options: string, end = 'process.exit(3)'): string {
  return `${IMPORTS}
const telemetry = startTelemetry({
  traces: false, metrics: false, flushOnExit: true, logs: { scheduledDelayMillis: 600_000 }, ...${options},
})
process.on('exit', () => console.log(JSON.stringify(telemetry.stats())))
${LOG}${end}`
}

function statsOf({ stdout }: Ended): Stats {
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Stats
}

async function bodiesOf(requests: readonly { readonly body: Buffer }[]): Promise<unknown[]> {
  const bodies: unknown[] = []
  for (const { body } of requests) bodies.push(...(await decoding.decode(body)).map((record) => record.body))
  return bodies
}

const delivered = { created: 3, delivered: 3, dropped: NOTHING, queued: 0, inFlight: 0 }

interface Pair {
  cert: string
  key: string
}
async function certificate(altName: string): Promise<Pair> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'logbridge test' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: altName }] }],
  })
  return { cert, key }
}

describe.each([
  ['grpc', startGrpcReceiver],
  ['http/protobuf', startHttpReceiver],
] as const)('flushOnExit sends over %s', (protocol, startReceiver) => {
  let own: Pair
  let client: Pair
  beforeAll(async () => {
    own = await certificate('localhost')
    client = await certificate('client')
  })

  async function open(tls?: Parameters<typeof startReceiver>[0]) {
    const opened = await startReceiver(tls)
    onTestFinished(() => opened.close())
    return opened
  }

  function exits(
    url: string,
    options: object = {},
    end?: string,
    env?: Record<string, string>,
  ): Promise<Ended> {
    return run(program(JSON.stringify({ protocol, endpoint: url, ...options }), end), env ? { env } : {})
  }

  test('plain text with headers', async () => {
    const plain = await open()
    const ended = await exits(plain.url, { headers: { 'X-Token': 'a-secret-token' } })
    expect(ended).toMatchObject({ code: 3, stderr: '' })
    expect(statsOf(ended)).toMatchObject(delivered)
    expect(await bodiesOf(plain.requests)).toEqual(BODIES)
    expect(plain.requests[0]).toMatchObject({ compressed: false, headers: { 'x-token': 'a-secret-token' } })
  })

  test('compressed requests', async () => {
    const plain = await open()
    const more = `logs.getLogger('l').emit({ body: 'x'.repeat(5000) }); process.exit(3)`
    const ended = await exits(plain.url, { compression: 'gzip' }, more)
    expect(ended).toMatchObject({ code: 3, stderr: '' })
    expect(plain.requests[0]).toMatchObject({ compressed: true })
    expect(await bodiesOf(plain.requests)).toEqual([...BODIES, 'x'.repeat(5000)])
  })

  test('requests with TLS', async () => {
    const secure = await open(own)
    expect(await exits(secure.url, { tls: { ca: own.cert } })).toMatchObject({ code: 3, stderr: '' })
    expect(await bodiesOf(secure.requests)).toEqual(BODIES)
  })

  test('nothing when the certificate of the receiver is not trusted', { tags: 'long' }, async () => {
    const secure = await open(own)
    const ended = await exits(secure.url, { tls: { ca: client.cert } })
    expect(ended.code).toBe(3)
    expect(ended.stderr).toContain('not sent when the process ended: 3 log records')
    expect(secure.requests).toHaveLength(0)
  })

  test('requests with mutual TLS from files', async () => {
    const mutual = await open({ ...own, ca: client.cert })
    const [caFile, certFile, keyFile] = [own.cert, client.cert, client.key].map((content, index) => {
      const path = join(folder, `${index}.pem`)
      writeFileSync(path, content)
      return path
    })
    const ended = await exits(mutual.url, { tls: { caFile, certFile, keyFile } })
    expect(ended).toMatchObject({ code: 3, stderr: '' })
    expect(await bodiesOf(mutual.requests)).toEqual(BODIES)
  })

  test('a request again when the receiver is unavailable at first', async () => {
    const busy = await open()
    busy.answer = (_, n) => (n === 1 ? { code: 'UNAVAILABLE', status: 503 } : {}) as never
    const ended = await exits(busy.url)
    expect(ended).toMatchObject({ code: 3, stderr: '' })
    expect(statsOf(ended)).toMatchObject(delivered)
    expect(busy.requests).toHaveLength(2)
  })

  test('requests and counts records that the receiver refuses', async () => {
    const refusing = await open()
    const token = 'a-secret-token'
    refusing.answer = () => ({ code: 'INVALID_ARGUMENT', message: `not for ${token}`, status: 400 }) as never
    const refused = await exits(refusing.url, { headers: { 'X-Token': token } })
    expect(refused.stderr).not.toContain(token)
    expect(refused.code).toBe(3)
    expect(refused.stderr).toMatch(
      /^logbridge: dropped log records, refused by the receiver: (HTTP 400|gRPC INVALID_ARGUMENT: not for \*\*\*) \(from http:\/\/127\.0\.0\.1:\d+/,
    )
    expect(statsOf(refused)).toMatchObject({ delivered: 0, dropped: { export_failed: 3 }, queued: 0 })
    refusing.answer = () => ({ body: partialSuccess(2n, `no ${token}`) })
    const rejected = await exits(refusing.url, { headers: { 'X-Token': token } })
    expect(statsOf(rejected)).toMatchObject({ delivered: 1, rejected: 2, queued: 0 })
    expect(rejected.stderr).toMatch(
      /^logbridge: the receiver rejected 2 log records: no \*\*\* \(from http:\/\/127\.0\.0\.1:\d+\S*\)\n$/,
    )
  })

  test(
    'for two seconds at most when the receiver never answers, and reports what it takes with it',
    { tags: 'long' },
    async () => {
      const silent = await open()
      silent.answer = () => ({ fault: 'silent' }) as never
      const timed = `const start = performance.now(); process.on('exit', () => {
        if (performance.now() - start > 8000) console.log('late')
      }); process.exit(3)`
      const ended = await exits(silent.url, {}, timed)
      expect(ended).toMatchObject({ code: 3, stdout: expect.not.stringContaining('late') })
      const lines = ended.stderr.trimEnd().split('\n')
      expect(lines).toEqual([
        `logbridge: still waiting for 3 log records to be sent to ${silent.url}, at most 2 s`,
        expect.stringMatching(
          /^logbridge: not sent when the process ended: 3 log records \(.* OTEL_EXPORTER_OTLP_ENDPOINT\): .*no response in time$/,
        ),
      ])
      expect(statsOf(ended)).toMatchObject({ created: 3, delivered: 0, dropped: NOTHING, queued: 3 })
    },
  )

  test('requests in flight again', async () => {
    const slow = await open()
    slow.answer = (_, n) => (n === 1 ? { fault: 'silent' } : {})
    const running = start(
      program(
        JSON.stringify({ protocol, endpoint: slow.url, logs: { scheduledDelayMillis: 1 } }),
        `process.stdin.once('data', () => process.exit(3)); console.log('ready')`,
      ),
      { stdin: 'pipe' },
    )
    await running.printed('ready')
    while (slow.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    running.write('exit\n')
    const ended = await running.ended
    expect(ended).toMatchObject({ code: 3, stderr: '' })
    expect(statsOf(ended)).toMatchObject(delivered)
    expect(await bodiesOf(slow.requests)).toEqual([...BODIES, ...BODIES])
  })

  test('requests when the application has --import and options that a worker refuses', async () => {
    const plain = await open()
    const preload = join(folder, 'preload.cjs')
    writeFileSync(preload, `require('node:fs').writeSync(1, 'preloaded\\n')`)
    const ended = await exits(plain.url, {}, undefined, {
      NODE_OPTIONS: `--require ${preload} --tls-cipher-list=DEFAULT --tls-min-v1.3 --use-system-ca`,
    })
    expect(ended).toMatchObject({ code: 3, stderr: '' })
    expect(ended.stdout.match(/preloaded/g)).toHaveLength(1)
    expect(plain.requests).toHaveLength(1)
  })

  test('headers of a function', async () => {
    const plain = await open()
    const options = (headers: string): string =>
      `{ protocol: '${protocol}', endpoint: '${plain.url}', headers: ${headers} }`
    const sent = (): unknown[] => plain.requests.map(({ headers }) => headers['x-token'])
    await run(program(options(`() => ({ 'X-Token': 'at once' })`)))
    // headers() is called at the start, because the process has sent no request before.
    const awaited = `await new Promise((resolve) => setTimeout(resolve, 10)); process.exit(3)`
    await run(program(options(`async () => ({ 'X-Token': 'before' })`), awaited))
    expect(sent()).toEqual(['at once', 'before'])
    const ended = await run(program(options(`() => new Promise(() => {})`)))
    expect(ended).toMatchObject({ code: 3 })
    expect(ended.stderr).toContain('headers function has returned no headers yet')
    expect(ended.stderr).toContain('when the process ended: 3 log records')
    expect(sent()).toHaveLength(2)
  })
})

describe('flushOnExit sends over gRPC', () => {
  test.each([
    ['in plain text', false],
    ['requests with TLS', true],
  ])('%s through the proxy of the environment', async (_, secure) => {
    const own = await certificate('localhost')
    const plain = await startGrpcReceiver(secure ? own : undefined)
    onTestFinished(() => plain.close())
    const connects: unknown[] = []
    const proxy = createServer().listen(0, '127.0.0.1')
    proxy.on('connect', ({ url, headers }, client) => {
      connects.push([url, headers['proxy-authorization']])
      const server = connect(plain.port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n')
        server.pipe(client).pipe(server)
      })
      for (const socket of [server, client]) socket.on('error', () => {})
    })
    await once(proxy, 'listening')
    onTestFinished(() => void proxy.close())
    const authority = `localhost:${plain.port}`
    const options = {
      endpoint: `${secure ? 'https' : 'http'}://${authority}`,
      tls: secure ? { ca: own.cert } : undefined,
    }
    const { port } = proxy.address() as AddressInfo
    const env = { grpc_proxy: `http://ada:pass%20word@127.0.0.1:${port}`, no_grpc_proxy: 'example.com' }
    const ended = await run(program(JSON.stringify(options)), { env })
    expect(ended).toMatchObject({ code: 3, stderr: '' })
    expect(connects).toEqual([[authority, `Basic ${Buffer.from('ada:pass word').toString('base64')}`]])
    expect(await bodiesOf(plain.requests)).toEqual(BODIES)
    // A name in no_proxy is connected without the proxy.
    await run(program(JSON.stringify(options)), { env: { ...env, no_grpc_proxy: 'example.com,localhost' } })
    expect(connects).toHaveLength(1)
    expect(plain.requests).toHaveLength(2)
  })

  test('to a name that gRPC resolves and to a Unix socket', async () => {
    const plain = await startGrpcReceiver()
    onTestFinished(() => plain.close())
    const path = join(folder, 'grpc.sock')
    const { createServer } = await import('node:net')
    const socket = createServer((client) => {
      const server = connect(plain.port, '127.0.0.1')
      for (const each of [client, server]) each.on('error', () => {})
      server.pipe(client).pipe(server)
    }).listen(path)
    onTestFinished(() => void socket.close())
    for (const endpoint of [
      `dns:///localhost:${plain.port}`,
      `ipv4:127.0.0.1:${plain.port}`,
      `unix:${path}`,
    ]) {
      const ended = await run(program(JSON.stringify({ endpoint, tls: false })))
      expect(ended, endpoint).toMatchObject({ code: 3, stderr: '' })
    }
    expect(plain.requests).toHaveLength(3)
  })
})

describe.each([
  ['grpc', startGrpcReceiver],
  ['http/protobuf', startHttpReceiver],
] as const)('flushOnExit sends spans over %s', (protocol, startReceiver) => {
  test('that are queued, spans in flight again, and log records', async () => {
    const slow = await startReceiver()
    onTestFinished(() => slow.close())
    slow.answer = (_, n) => (n === 1 ? { fault: 'silent' } : {})
    const code = `${IMPORTS}
      import { trace } from '@opentelemetry/api'
      const telemetry = startTelemetry({
        protocol: '${protocol}', endpoint: '${slow.url}', metrics: false, flushOnExit: true,
        logs: { scheduledDelayMillis: 600_000 }, traces: { scheduledDelayMillis: 600_000, maxExportBatchSize: 2 },
      })
      const tracer = trace.getTracer('t')
      for (const name of ['first', 'second', 'third']) tracer.startSpan(name).end()
      ${LOG}
      process.stdin.once('data', () => process.exit(3)); console.log('ready')`
    const running = start(code, { stdin: 'pipe', env: { OTEL_NODE_RESOURCE_DETECTORS: 'none' } })
    await running.printed('ready')
    while (slow.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    running.write('exit\n')
    expect(await running.ended).toMatchObject({ code: 3, stderr: '' })
    const [traces, sentLogs] = [/trace/i, /logs/i].map((path) =>
      slow.requests.filter((request) => path.test(request.path)),
    )
    expect(await bodiesOf(sentLogs!)).toEqual(BODIES)
    const names = traces!.map(({ body }) => body.toString('latin1').match(/first|second|third/g))
    expect(names.map(String).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'first,second',
      'first,second',
      'third',
    ])
  })
})

const collector = findCollector()
test.skipIf(collector === undefined)('flushOnExit sends log records to a Collector', async () => {
  const { grpcUrl, httpUrl, received, stop } = await startCollector(collector!)
  onTestFinished(stop)
  for (const [protocol, endpoint] of [
    ['grpc', grpcUrl],
    ['http/protobuf', httpUrl],
  ]) {
    for (const compression of ['none', 'gzip']) {
      const ended = await run(program(JSON.stringify({ protocol, endpoint, compression })))
      expect(ended, protocol).toMatchObject({ code: 3, stderr: '' })
    }
  }
  const records = received.resourceLogs.flatMap(({ scopeLogs }) =>
    scopeLogs.flatMap((scope: any) => scope.logRecords),
  )
  expect(records.map(({ body }) => body.stringValue)).toEqual([...BODIES, ...BODIES, ...BODIES, ...BODIES])
})

describe('flushOnExit sends log records', () => {
  async function exits(end: string, options = '{}'): Promise<Ended & { bodies: unknown[] }> {
    decoding.take()
    const ended = await run(program(options, end), {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: decoding.grpcUrl() },
    })
    return { ...ended, bodies: decoding.take().map(({ body }) => body) }
  }

  test('and the exception when an uncaught exception ends the process', async () => {
    const ended = await exits(`throw new TypeError('no stock')`)
    expect(ended).toMatchObject({ code: 1, bodies: [...BODIES, 'no stock'] })
    expect(ended.stderr).not.toContain('logbridge:')
  })

  test('when a listener of beforeExit exits', async () => {
    const ended = await exits(`process.on('beforeExit', () => process.exit(4))`)
    expect(ended).toMatchObject({ code: 4, stderr: '', bodies: BODIES })
  })

  test('when a listener of exit calls process.exit()', async () => {
    const before = `process.on('exit', () => process.exit(5))`
    const code = program('{}').replace('const telemetry', `${before}\nconst telemetry`)
    decoding.take()
    const ended = await run(code, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: decoding.grpcUrl() } })
    expect(ended).toEqual({ code: 5, stdout: '', stderr: '' })
    expect(decoding.take()).toHaveLength(3)
  })

  test.each([
    ['before the start', `${LISTEN}; const telemetry`, 'process.exit(3)'],
    ['in the turn of the exit', 'const telemetry', `${LISTEN}; process.exit(3)`],
    ['in a turn before', 'const telemetry', `${LISTEN}; setTimeout(() => process.exit(3), 1)`],
    ['at last, and its work ends', 'const telemetry', `${LISTEN}; process.exitCode = 3`],
    [
      'at last, and an exception ends it',
      'const telemetry',
      `${LISTEN}; process.exitCode = 3; setTimeout(() => { throw 1 }, 1)`,
    ],
    [
      'beside one that exits itself',
      'const telemetry',
      `${LISTEN}; process.on('exit', () => process.exit(3)); setTimeout(() => process.exit(1), 1)`,
    ],
  ])('of a listener of exit that was added %s', async (_when, start, end) => {
    const code = program('{ captureUncaughtExceptions: false }', end).replace('const telemetry', start)
    decoding.take()
    const ended = await run(code, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: decoding.grpcUrl() } })
    expect(ended.stderr).not.toContain('logbridge:')
    expect(decoding.take().map(({ body }) => body)).toEqual([...BODIES, 'last'])
  })

  test('when the application uses fake timers', async () => {
    const fakes = `process.hrtime.bigint = () => 0n; process.hrtime = () => [0, 0]; performance.now = () => 0; Date.now = () => 0`
    expect(await exits(`${fakes}; process.exit(3)`)).toMatchObject({ code: 3, stderr: '', bodies: BODIES })
  })

  test('when the process exits during a shutdown', async () => {
    expect(await exits(`telemetry.shutdown(); process.exit(3)`)).toMatchObject({
      code: 3,
      stderr: '',
      bodies: BODIES,
    })
  })

  test('of several providers and both copies of the package', async () => {
    const more = `
      import { createRequire } from 'node:module'
      const other = createRequire(import.meta.url)('@logbridge/core')
      const options = { register: false, flushOnExit: true }
      createLoggerProvider(options).getLogger('l').emit({ body: 'second' })
      other.createLoggerProvider(options).getLogger('l').emit({ body: 'third' })
      const processor = new OtlpLogRecordProcessor({ flushOnExit: true })
      const { LoggerProvider } = createRequire(import.meta.resolve('@logbridge/core'))('@opentelemetry/sdk-logs')
      new LoggerProvider({ processors: [processor] }).getLogger('l').emit({ body: 'fourth' })
      process.exit(3)`
    const { bodies, ...ended } = await exits(more)
    expect(ended).toMatchObject({ code: 3, stderr: '' })
    expect(new Set(bodies)).toEqual(new Set([...BODIES, 'second', 'third', 'fourth']))
    expect(bodies).toHaveLength(6)
  })

  test('when a worker thread exits', async () => {
    const worker = `
      const { startTelemetry } = require('@logbridge/core')
      const { logs } = require('@opentelemetry/api')
      startTelemetry({ traces: false, metrics: false, flushOnExit: true })
      ${LOG} process.exit(6)`
    decoding.take()
    const ended = await run(
      `const { Worker } = require('node:worker_threads')
      new Worker(${JSON.stringify(worker)}, { eval: true }).on('exit', (code) => console.log('worker', code))`,
      { type: 'commonjs', env: { OTEL_EXPORTER_OTLP_ENDPOINT: decoding.grpcUrl() } },
    )
    expect(ended).toEqual({ code: 0, stdout: 'worker 6\n', stderr: '' })
    expect(decoding.take()).toHaveLength(3)
  })

  test('only when flushOnExit is set, else reports their loss', async () => {
    const ended = await exits('process.exit(3)', '{ flushOnExit: undefined }')
    expect(ended).toMatchObject({ code: 3, bodies: [] })
    expect(ended.stderr).toContain('not sent when the process ended: 3 log records')
  })
})

describe('flushOnExit with a spool', () => {
  function spooling(end: string): string {
    const directory = mkdtempSync(join(folder, 'spool-'))
    return program(
      `{ logs: { scheduledDelayMillis: 600_000, spool: { directory: ${JSON.stringify(directory)} } } }`,
      end,
    )
  }

  test('acknowledges sent records, which the next process does not send again', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: decoding.grpcUrl() }
    const code = spooling('process.exit(3)')
    decoding.take()
    const first = await run(code, { env })
    expect(first).toMatchObject({ code: 3, stderr: '' })
    expect(statsOf(first)).toMatchObject({ ...delivered, spooled: 0 })
    const next = code.replace(LOG, '').replace('process.exit(3)', 'await telemetry.forceFlush()')
    expect(statsOf(await run(next, { env }))).toMatchObject({ created: 0, recovered: 0 })
    expect(decoding.take()).toHaveLength(3)
  })

  test('leaves records of a listener of exit to the next process when flushOnExit is not set', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: decoding.grpcUrl() }
    const code = spooling('process.exit(3)').replace('flushOnExit: true', 'flushOnExit: false')
    decoding.take()
    expect(await run(code.replace(LOG, `${LISTEN}\n${LOG}`), { env })).toMatchObject({ code: 3, stderr: '' })
    const next = code.replace(LOG, '').replace('process.exit(3)', 'await telemetry.forceFlush()')
    expect(statsOf(await run(next, { env }))).toMatchObject({ recovered: 4, delivered: 4 })
    expect(decoding.take().map(({ body }) => body)).toEqual([...BODIES, 'last'])
  })

  test('leaves unsent records to the next process', { tags: 'long' }, async () => {
    const code = spooling('process.exit(3)')
    const first = await run(code, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: await unreachableUrl() } })
    expect(first.code).toBe(3)
    expect(first.stderr).not.toContain('not sent when the process ended')
    expect(statsOf(first)).toMatchObject({ created: 3, delivered: 0, queued: 3, spooled: 3 })
    const next = code
      .replace(LOG, '')
      .replace(
        'process.exit(3)',
        'while (telemetry.stats().delivered < 3) await new Promise((r) => setTimeout(r, 10))',
      )
    decoding.take()
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: decoding.grpcUrl() }
    expect(statsOf(await run(next, { env }))).toMatchObject({ recovered: 3, delivered: 3 })
    expect(decoding.take()).toHaveLength(3)
  })
})

test.each([
  ['', '', 3],
  [', also when a listener of exit logs', LISTEN, 4],
])(
  'onProcessExit waits once for the receiver when its work ends and the process exits%s',
  { tags: 'long' },
  async (_also, more, lost) => {
    const ended = await run(program('{}', more), {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: await unreachableUrl() },
    })
    expect(ended.code).toBe(0)
    expect(ended.stderr).toContain(' failed, dropping 3 log records unless an export succeeds within 3 s ')
    expect(ended.stderr).not.toContain(', at most 2 s\n')
    // The line above has named 3 records.
    const reported = ended.stderr.includes(`not sent when the process ended: ${lost} log records`)
    expect(reported).toBe(lost !== 3)
  },
)

test('startTelemetry throws when flushOnExit is set and worker threads are not permitted', async () => {
  const code = `${IMPORTS} try { startTelemetry({ flushOnExit: true }) } catch (error) { console.log(error.code, error.message) }`
  const ended = await run(code, { execArgv: ['--permission', '--allow-fs-read=*'] })
  expect(ended.stdout).toMatch(/^INVALID_OPTION .*flushOnExit.*--allow-worker/)
})
