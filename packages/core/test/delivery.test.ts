import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js'
import { afterEach, describe, expect, test } from 'vitest'
import type { ExporterConfig } from '../src/config/exporter.ts'
import { createGrpcTransport } from '../src/delivery/grpc.ts'
import { createHttpTransport } from '../src/delivery/http.ts'
import type { Transport } from '../src/delivery/transport.ts'

const REQUEST = Buffer.from('0a00', 'hex')
const never = new AbortController().signal
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

function config(url: string, options: Partial<ExporterConfig> = {}): ExporterConfig {
  return {
    protocol: 'grpc',
    url,
    headers: {},
    compression: 'none',
    timeoutMillis: 10_000,
    tls: undefined,
    ...options,
  }
}

function track<T extends Transport>(transport: T): T {
  cleanups.push(() => transport.close())
  return transport
}

/** `ExportLogsServiceResponse { partial_success { rejected_log_records: 3, error_message: "no" } }` */
const PARTIAL_SUCCESS = Buffer.from('0a06080312026e6f', 'hex')

/** `google.rpc.Status` with a `RetryInfo` of 1.5 seconds. */
function statusWithRetryInfo(): Buffer {
  const message = (tag: number, content: Buffer): Buffer =>
    Buffer.concat([Buffer.from([tag, content.length]), content])
  const duration = Buffer.from('08011080cab5ee01', 'hex')
  const any = Buffer.concat([
    message(0x0a, Buffer.from('type.googleapis.com/google.rpc.RetryInfo')),
    message(0x12, message(0x0a, duration)),
  ])
  return message(0x1a, any)
}

describe('gRPC', () => {
  type Answer = (
    call: { metadata: Metadata },
    reply: (error: object | null, response?: Buffer) => void,
  ) => void

  /** A real gRPC server of the LogsService that answers as it is told. */
  async function serve(answer: Answer): Promise<{ url: string; requests: Buffer[]; metadata: Metadata[] }> {
    const requests: Buffer[] = []
    const metadata: Metadata[] = []
    const server = new Server()
    const identity = (bytes: Buffer): Buffer => bytes
    server.addService(
      {
        Export: {
          path: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
          requestStream: false,
          responseStream: false,
          requestSerialize: identity,
          requestDeserialize: identity,
          responseSerialize: identity,
          responseDeserialize: identity,
        },
      },
      {
        Export(call: any, reply: any) {
          requests.push(call.request)
          metadata.push(call.metadata)
          answer(call, reply)
        },
      },
    )
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      )
    })
    cleanups.push(() => server.forceShutdown())
    return { url: `http://127.0.0.1:${port}`, requests, metadata }
  }

  test('delivers the bytes, with the headers', async () => {
    const server = await serve((_, reply) => reply(null, Buffer.alloc(0)))
    const transport = track(createGrpcTransport(config(server.url, { headers: { 'x-tenant': 'shop' } })))
    expect(await transport.send(REQUEST, never)).toEqual({ kind: 'delivered', rejected: 0 })
    expect(server.requests).toEqual([REQUEST])
    expect(server.metadata[0]!.get('x-tenant')).toEqual(['shop'])
  })

  test('a certificate that cannot be read fails the request, and rejects nothing', async () => {
    const cert = Buffer.from('-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----')
    const transport = track(createGrpcTransport(config('https://127.0.0.1:1', { tls: { cert, key: cert } })))
    expect(await transport.send(REQUEST, never)).toEqual({
      kind: 'failed',
      reason: expect.stringMatching(/^gRPC request impossible: ERR_OSSL/),
    })
  })

  test('asks a header function for each request', async () => {
    const server = await serve((_, reply) => reply(null, Buffer.alloc(0)))
    let token = 0
    const headers = async () => ({ authorization: `Bearer ${(token += 1)}` })
    const transport = track(createGrpcTransport(config(server.url, { headers })))
    await transport.send(REQUEST, never)
    await transport.send(REQUEST, never)
    expect(server.metadata.map((each) => each.get('authorization'))).toEqual([['Bearer 1'], ['Bearer 2']])
  })

  test('a header function that fails is asked again later, and its error is not shown', async () => {
    const transport = track(
      createGrpcTransport(
        config('http://127.0.0.1:1', { headers: () => Promise.reject(new Error('secret')) }),
      ),
    )
    const outcome = await transport.send(REQUEST, never)
    expect(outcome.kind).toBe('retryable')
    expect(JSON.stringify(outcome)).not.toContain('secret')
  })

  test('a header function that never answers is given up at the deadline, or when aborted', async () => {
    const headers = (): Promise<never> => new Promise(() => {})
    const hasty = track(createGrpcTransport(config('http://127.0.0.1:1', { headers, timeoutMillis: 50 })))
    expect(await hasty.send(REQUEST, never)).toMatchObject({ kind: 'retryable' })
    const controller = new AbortController()
    const patient = track(createGrpcTransport(config('http://127.0.0.1:1', { headers })))
    const sent = patient.send(REQUEST, controller.signal)
    controller.abort()
    expect(await sent).toMatchObject({ kind: 'retryable' })
    expect(await patient.send(REQUEST, controller.signal)).toMatchObject({ kind: 'retryable' })
  })

  test('compresses', async () => {
    // A bare HTTP/2 server, because a gRPC one hides the compression.
    const frame = Promise.withResolvers<Buffer>()
    const server = http2.createServer()
    server.on('stream', async (stream, headers) => {
      const chunks: Buffer[] = []
      for await (const chunk of stream) chunks.push(chunk)
      expect(headers['grpc-encoding']).toBe('gzip')
      frame.resolve(Buffer.concat(chunks))
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '0' },
        { endStream: true },
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanups.push(() => server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const transport = track(createGrpcTransport(config(url, { compression: 'gzip' })))
    void transport.send(Buffer.alloc(10_000, 'x'), never)
    const message = await frame.promise
    // A gRPC message is a flag for compression, four bytes of length, and the content.
    expect(message[0]).toBe(1)
    expect(gunzipSync(message.subarray(5))).toEqual(Buffer.alloc(10_000, 'x'))
    transport.close()
  })

  test('partial success is delivered, and says what was refused', async () => {
    const server = await serve((_, reply) => reply(null, PARTIAL_SUCCESS))
    const transport = track(createGrpcTransport(config(server.url)))
    expect(await transport.send(REQUEST, never)).toEqual({ kind: 'delivered', rejected: 3, message: 'no' })
  })

  test('an answer that cannot be read is a success: the request was accepted', async () => {
    const server = await serve((_, reply) => reply(null, Buffer.from('0aff', 'hex')))
    const transport = track(createGrpcTransport(config(server.url)))
    expect(await transport.send(REQUEST, never)).toEqual({ kind: 'delivered', rejected: 0 })
  })

  test.each([
    [status.CANCELLED, 'retryable'],
    [status.UNKNOWN, 'failed'],
    [status.INVALID_ARGUMENT, 'failed'],
    [status.DEADLINE_EXCEEDED, 'retryable'],
    [status.NOT_FOUND, 'failed'],
    [status.PERMISSION_DENIED, 'failed'],
    [status.RESOURCE_EXHAUSTED, 'failed'],
    [status.FAILED_PRECONDITION, 'failed'],
    [status.ABORTED, 'retryable'],
    [status.OUT_OF_RANGE, 'retryable'],
    [status.UNIMPLEMENTED, 'failed'],
    [status.INTERNAL, 'failed'],
    [status.UNAVAILABLE, 'retryable'],
    [status.DATA_LOSS, 'retryable'],
    [status.UNAUTHENTICATED, 'failed'],
  ])('status %i is %s', async (code, kind) => {
    const server = await serve((_, reply) => reply({ code, details: 'because' }))
    const transport = track(createGrpcTransport(config(server.url)))
    expect(await transport.send(REQUEST, never)).toMatchObject({
      kind,
      reason: expect.stringMatching(new RegExp(`^gRPC ${status[code]}: .*because`)),
    })
  })

  test('RESOURCE_EXHAUSTED with RetryInfo is retryable, after the delay it names', async () => {
    const server = await serve((_, reply) => {
      const trailers = new Metadata()
      trailers.set('grpc-status-details-bin', statusWithRetryInfo())
      reply({ code: status.RESOURCE_EXHAUSTED, details: 'busy', metadata: trailers })
    })
    const transport = track(createGrpcTransport(config(server.url)))
    expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'retryable', afterMillis: 1500 })
  })

  test('the words of the Collector for a request that is too large are understood', async () => {
    const details = 'grpc: received message larger than max (5242880 vs. 4194304)'
    const server = await serve((_, reply) => reply({ code: status.RESOURCE_EXHAUSTED, details }))
    const transport = track(createGrpcTransport(config(server.url)))
    expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'too-large' })
  })

  test('nobody listening is retryable', async () => {
    const transport = track(createGrpcTransport(config('http://127.0.0.1:1')))
    expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'retryable' })
  })

  test('an endpoint of the wrong kind is told with what to look at', async () => {
    const plain = http.createServer((_, response) => response.end()).listen(0, '127.0.0.1')
    await once(plain, 'listening')
    cleanups.push(() => plain.close())
    const { port } = plain.address() as AddressInfo
    const grpcToHttp = track(createGrpcTransport(config(`http://127.0.0.1:${port}`)))
    expect(await grpcToHttp.send(REQUEST, never)).toMatchObject({
      reason: expect.stringContaining('http/protobuf'),
    })
    const tlsToPlain = track(createGrpcTransport(config(`https://localhost:${port}`, { tls: {} })))
    expect(await tlsToPlain.send(REQUEST, never)).toMatchObject({ reason: expect.stringContaining('TLS') })
    const { url } = await serve((_, reply) => reply(null, Buffer.alloc(0)))
    const httpToGrpc = track(createHttpTransport(config(`${url}/v1/logs`, { protocol: 'http/protobuf' })))
    expect(await httpToGrpc.send(REQUEST, never)).toMatchObject({
      reason: expect.stringContaining('protocol grpc'),
    })
  })

  test('a receiver that never answers is given up at the deadline, or when aborted', async () => {
    const server = await serve(() => {})
    const hasty = track(createGrpcTransport(config(server.url, { timeoutMillis: 50 })))
    expect(await hasty.send(REQUEST, never)).toMatchObject({
      kind: 'retryable',
      reason: expect.stringMatching('DEADLINE'),
    })
    const controller = new AbortController()
    const patient = track(createGrpcTransport(config(server.url)))
    const sent = patient.send(REQUEST, controller.signal)
    controller.abort()
    expect(await sent).toMatchObject({ kind: 'retryable', reason: expect.stringMatching('CANCELLED') })
  })
})

describe('HTTP', () => {
  interface Received {
    request: http.IncomingMessage
    body: Buffer
  }

  /** A real HTTP server that answers as it is told. */
  async function serve(
    answer: (response: http.ServerResponse) => void,
  ): Promise<{ url: string; received: Received[] }> {
    const received: Received[] = []
    const server = http.createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      received.push({ request, body: Buffer.concat(chunks) })
      answer(response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanups.push(() => {
      server.closeAllConnections()
      server.close()
    })
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/logs`, received }
  }
  const overHttp = (url: string, options: Partial<ExporterConfig> = {}): Transport =>
    track(createHttpTransport(config(url, { protocol: 'http/protobuf', ...options })))

  test('delivers the bytes, with the headers, on one connection', async () => {
    const server = await serve((response) => response.end())
    const transport = overHttp(server.url, { headers: () => ({ 'x-tenant': 'shop', 'User-Agent': 'mine' }) })
    expect(await transport.send(REQUEST, never)).toEqual({ kind: 'delivered', rejected: 0 })
    await transport.send(REQUEST, never)
    const [{ request, body }, second] = server.received as [Received, Received]
    expect(body).toEqual(REQUEST)
    expect(request).toMatchObject({ method: 'POST', url: '/v1/logs' })
    expect(request.headers).toMatchObject({
      'content-type': 'application/x-protobuf',
      'x-tenant': 'shop',
      'user-agent': 'mine',
    })
    expect(second.request.socket).toBe(request.socket)
  })

  test('compresses what is over 1 KiB', async () => {
    const server = await serve((response) => response.end())
    const transport = overHttp(server.url, { compression: 'gzip' })
    const large = Buffer.alloc(1025, 'x')
    await transport.send(large, never)
    await transport.send(large.subarray(1), never)
    const [first, second] = server.received as [Received, Received]
    expect(first.request.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(first.body)).toEqual(large)
    expect(second.request.headers['content-encoding']).toBeUndefined()
    expect(second.body).toEqual(large.subarray(1))
  })

  test('partial success is delivered, and says what was refused', async () => {
    const server = await serve((response) => response.end(PARTIAL_SUCCESS))
    expect(await overHttp(server.url).send(REQUEST, never)).toEqual({
      kind: 'delivered',
      rejected: 3,
      message: 'no',
    })
  })

  test.each([
    [301, 'failed'],
    [400, 'failed'],
    [401, 'failed'],
    [404, 'failed'],
    [408, 'failed'],
    [413, 'too-large'],
    [429, 'retryable'],
    [500, 'failed'],
    [502, 'retryable'],
    [503, 'retryable'],
    [504, 'retryable'],
  ])('status %i is %s', async (code, kind) => {
    const server = await serve((response) => response.writeHead(code).end('no'))
    expect(await overHttp(server.url).send(REQUEST, never)).toMatchObject({ kind, reason: `HTTP ${code}` })
  })

  test('Retry-After is read, in seconds and as a date', async () => {
    let retryAfter = '2'
    const server = await serve((response) => response.writeHead(503, { 'retry-after': retryAfter }).end())
    expect(await overHttp(server.url).send(REQUEST, never)).toMatchObject({ afterMillis: 2000 })
    retryAfter = new Date(Date.now() + 60_000).toUTCString()
    const { afterMillis } = (await overHttp(server.url).send(REQUEST, never)) as { afterMillis: number }
    expect(afterMillis).toBeGreaterThan(50_000)
    expect(afterMillis).toBeLessThanOrEqual(60_000)
    retryAfter = 'soon'
    expect(await overHttp(server.url).send(REQUEST, never)).toMatchObject({
      kind: 'retryable',
      afterMillis: undefined,
    })
  })

  test('an answer without end is not read to its end', async () => {
    const server = await serve((response) => {
      const write = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
        if (!response.destroyed) response.once('drain', write)
      }
      write()
    })
    expect(await overHttp(server.url).send(REQUEST, never)).toMatchObject({ kind: 'delivered' })
  })

  test('nobody listening, a dropped connection and a deadline are retryable', async () => {
    expect(await overHttp('http://127.0.0.1:1/').send(REQUEST, never)).toMatchObject({
      kind: 'retryable',
      reason: 'HTTP request failed: ECONNREFUSED',
    })
    const dropping = await serve((response) => response.destroy())
    expect(await overHttp(dropping.url).send(REQUEST, never)).toMatchObject({ kind: 'retryable' })
    const silent = await serve(() => {})
    expect(await overHttp(silent.url, { timeoutMillis: 50 }).send(REQUEST, never)).toMatchObject({
      kind: 'retryable',
    })
  })

  test('a header that HTTP does not allow fails at once, and is not shown', async () => {
    const server = await serve((response) => response.end())
    const outcome = await overHttp(server.url, { headers: { token: 'secret\nline' } }).send(REQUEST, never)
    expect(outcome).toEqual({ kind: 'failed', reason: 'HTTP request impossible: ERR_INVALID_CHAR' })
  })
})
