import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { createLoggerProvider } from '@logbridge/core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { reportCounts } from '@logbridge/test-support/faultCounts'
import { type Collector, findCollector, startCollector } from '@logbridge/test-support/collector'
import { startGrpcReceiver, startHttpReceiver } from '@logbridge/test-support/scriptedReceiver'
import { NOTHING } from '@logbridge/test-support/stats'

// Hostile or misconfigured endpoints and headers, beside a provider that sends to a Collector and must not be affected.

const program = findCollector()
const protocols = ['grpc', 'http/protobuf'] as const
const warnings = capturedWarnings()

interface Endpoint {
  readonly url: string
  close(): unknown
}

/** Starts a server on a free port. */
async function serve(server: Server): Promise<Endpoint> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
const tcp = (onConnection: (socket: Socket) => void): Promise<Endpoint> => serve(createServer(onConnection))

const endpoints: Record<string, () => Promise<Endpoint>> = {
  'answers random bytes': () => tcp((socket) => socket.on('data', () => socket.write(randomBytes(10_000)))),
  'sends random bytes before a request': () =>
    tcp((socket) => {
      socket.resume().write(randomBytes(100_000))
    }),
  'answers endless zeros': () =>
    tcp((socket) => {
      const pour = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
      }
      socket.resume().on('drain', pour)
      pour()
    }),
  'answers endless HTTP headers': () =>
    tcp((socket) => {
      const pour = (): void => {
        while (!socket.destroyed && socket.write(`x-header: ${'x'.repeat(10_000)}\r\n`));
      }
      socket.resume().write('HTTP/1.1 200 OK\r\n')
      socket.on('drain', pour)
      pour()
    }),
  'never answers': () => tcp((socket) => socket.resume()),
  'closes each connection': () => tcp((socket) => socket.destroy()),
  'closes each connection after a request': () => tcp((socket) => socket.on('data', () => socket.end())),
  'speaks gRPC': startGrpcReceiver,
  'speaks HTTP/1': () =>
    serve(createHttpServer((request, response) => request.resume().on('end', () => response.end('hello')))),
  'redirects to itself': async () => {
    const receiver = await startHttpReceiver()
    receiver.answer = () => ({ status: 307, headers: { location: `${receiver.url}/v1/logs` } })
    return receiver
  },
  'speaks TLS': () => serve(createTlsServer((socket) => socket.on('error', () => {}))),
}

describe.skipIf(program === undefined)('provider, when an endpoint', () => {
  let collector: Collector
  beforeAll(async () => {
    collector = await startCollector(program as string)
  })
  afterAll(() => collector?.stop())

  describe.each(Object.keys(endpoints))('%s', (name) => {
    // An endpoint that speaks gRPC is tested over HTTP, and the other way round.
    test.each(protocols.filter((protocol) => !name.endsWith(protocol === 'grpc' ? 'gRPC' : 'HTTP/1')))(
      'counts and reports its records over %s while another provider delivers',
      async (protocol) => {
        const endpoint = await endpoints[name]!()
        onTestFinished(() => void endpoint.close())
        const hostile = createLoggerProvider({
          endpoint: endpoint.url,
          protocol,
          register: false,
          timeoutMillis: 300,
          scheduledDelayMillis: 1,
        })
        const other = createLoggerProvider({ endpoint: collector.grpcUrl, register: false })
        for (let number = 0; number < 10; number += 1) {
          hostile.getLogger('hostile').emit({ body: number, severityNumber: 9 })
          other.getLogger('other').emit({ body: number, severityNumber: 9 })
        }
        // Retries and drops are both reported.
        await vi.waitFor(
          () => {
            void hostile.forceFlush(10)
            expect(warnings.join('\n')).toMatch(
              /export to \S+ failed, (?:retrying with backoff|dropping)|dropped log records, refused by the receiver/,
            )
          },
          { timeout: 20_000, interval: 50 },
        )
        await hostile.shutdown(0)
        const stats = hostile.stats()
        reportCounts(`endpoint that ${name}, ${protocol}`, stats)
        expect(stats).toMatchObject({ created: 10, delivered: 0, rejected: 0, queued: 0, inFlight: 0 })
        await other.shutdown()
        expect(other.stats()).toMatchObject({ created: 10, delivered: 10, dropped: NOTHING })
      },
    )
  })
})

describe.each(protocols)('header value with a newline over %s', (protocol) => {
  const SMUGGLED = 'token\r\nx-smuggled: 1'

  async function start() {
    const receiver = protocol === 'grpc' ? await startGrpcReceiver() : await startHttpReceiver()
    onTestFinished(() => receiver.close())
    return {
      receiver,
      options: {
        endpoint: receiver.url,
        protocol,
        register: false,
        scheduledDelayMillis: 1,
        timeoutMillis: 500,
      },
    }
  }

  test('is rejected when it is an option', async () => {
    const { options } = await start()
    const create = (): unknown => createLoggerProvider({ ...options, headers: { authorization: SMUGGLED } })
    expect(create).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(create).not.toThrow(/token/)
  })

  test('is ignored with a warning when it is in a variable', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', `authorization=${encodeURIComponent(SMUGGLED)}`)
    onTestFinished(() => void vi.unstubAllEnvs())
    const { options, receiver } = await start()
    const provider = createLoggerProvider(options)
    provider.getLogger('shop').emit({ body: 'hello' })
    await provider.shutdown()
    expect(provider.stats()).toMatchObject({ created: 1, delivered: 1 })
    expect(warnings.join()).toMatch(/OTEL_EXPORTER_OTLP_HEADERS/)
    expect(warnings.join()).not.toMatch(/token/)
    expect(receiver.requests[0]!.headers).not.toHaveProperty('authorization')
    expect(receiver.requests[0]!.headers).not.toHaveProperty('x-smuggled')
  })

  test.each([
    ['a newline', { authorization: SMUGGLED }],
    ['an invalid name', { 'no name': 'token' }],
    ['a header of the connection', { 'transfer-encoding': 'token' }],
    ['a number', { authorization: 7 }],
    ['nothing', undefined],
    ['text', 'token'],
  ])('fails at most its own request when a function returns %s', async (name, headers) => {
    const { options, receiver } = await start()
    let given: unknown = headers
    const provider = createLoggerProvider({
      ...options,
      headers: async () => given as Record<string, string>,
    })
    const logger = provider.getLogger('shop')
    logger.emit({ body: 'first' })
    await provider.forceFlush(100)
    given = { authorization: 'right' }
    logger.emit({ body: 'second' })
    await provider.shutdown()
    const stats = provider.stats()
    reportCounts(`headers with ${name}, ${protocol}`, stats, { requests: receiver.requests.length })
    expect(stats).toMatchObject({ created: 2, queued: 0, inFlight: 0 })
    expect(stats.delivered).toBeGreaterThanOrEqual(1)
    for (const { headers: received } of receiver.requests) expect(received).not.toHaveProperty('x-smuggled')
    expect(receiver.requests.at(-1)!.headers).toHaveProperty('authorization', 'right')
    expect(warnings.join()).not.toMatch(/token/)
  })
})
