import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  type HttpAnswer,
  partialSuccess,
  startGrpcReceiver,
  startHttpReceiver,
} from '@logbridge/test-support/scriptedReceiver'
import type { ExporterConfig } from '../../src/config/exporter.ts'
import { createHttpTransport } from '../../src/transport/http.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { exporterConfig, never, REQUEST, WRONG_HEADERS } from './exporterConfig.ts'
import { proxied, serve } from './receivers.ts'

function connect(url: string, options: Partial<ExporterConfig> = {}): Transport {
  const transport = createHttpTransport(
    exporterConfig(`${url}/v1/logs`, { protocol: 'http/protobuf', ...options }),
  )
  onTestFinished(() => transport.close())
  return transport
}

const delivered = { kind: 'delivered', rejected: 0, status: 200 }

describe('createHttpTransport', () => {
  test('sends requests byte for byte, with the headers, on one connection', async () => {
    const receiver = await serve(startHttpReceiver)
    const headers = () => ({ 'x-tenant': 'shop', 'User-Agent': 'mine' })
    const transport = connect(receiver.url, { headers })
    expect(await transport.send(REQUEST, never)).toEqual(delivered)
    await transport.send(REQUEST, never)
    expect(receiver.requests[0]).toMatchObject({
      path: '/v1/logs',
      headers: {
        'content-type': 'application/x-protobuf',
        'x-tenant': 'shop',
        'user-agent': expect.stringMatching(/^mine logbridge\/\S+ OTel-OTLP-Exporter-JavaScript\/\S+$/),
      },
      body: REQUEST,
    })
    expect(receiver.connections).toBe(1)
  })

  test('compresses a request when it is over 1 KiB', async () => {
    const receiver = await serve(startHttpReceiver)
    const transport = connect(receiver.url, { compression: 'gzip' })
    const large = Buffer.alloc(1025, 'x')
    await transport.send(large, never)
    await transport.send(large.subarray(1), never)
    expect(receiver.requests.map(({ body, compressed }) => [body.length, compressed])).toEqual([
      [1025, true],
      [1024, false],
    ])
    expect(receiver.requests[0]?.body).toEqual(large)
  })

  test.each(WRONG_HEADERS)(
    'has a retryable outcome, whose reason hides the headers, when a function returns %s for headers',
    async (_, headers, reason) => {
      const receiver = await serve(startHttpReceiver)
      const outcome = await connect(receiver.url, { headers }).send(REQUEST, never)
      expect(outcome).toEqual({ kind: 'retryable', reason: expect.stringMatching(reason) })
      expect(JSON.stringify(outcome)).not.toContain('hunter2')
      expect(receiver.requests).toEqual([])
    },
  )

  test('ends an attempt at the deadline or the abort when the headers function never returns', async () => {
    const headers = (): Promise<never> => new Promise(() => {})
    expect(
      await connect('http://127.0.0.1:1', { headers, timeoutMillis: 50 }).send(REQUEST, never),
    ).toMatchObject({ kind: 'retryable', reason: expect.stringContaining('in time') })
    const controller = new AbortController()
    const patient = connect('http://127.0.0.1:1', { headers })
    const sent = patient.send(REQUEST, controller.signal)
    controller.abort()
    expect(await sent).toMatchObject({ kind: 'retryable' })
    expect(await patient.send(REQUEST, controller.signal)).toMatchObject({ kind: 'retryable' })
  })

  async function outcomeOf(answer: HttpAnswer, options: Partial<ExporterConfig> = {}) {
    const receiver = await serve(startHttpReceiver, () => answer)
    return await connect(receiver.url, options).send(REQUEST, never)
  }

  test('counts rejected records as delivered when the answer is a partial success', async () => {
    const headers = { authorization: 'Bearer hunter2' }
    const body = partialSuccess(3n, 'not for hunter2\n')
    expect(await outcomeOf({ body }, { headers })).toEqual({
      ...delivered,
      rejected: 3,
      message: 'not for *** ',
    })
    expect(await outcomeOf({ body: partialSuccess(-3n) })).toEqual(delivered)
  })

  test.each([
    [301, 'failed'],
    [307, 'failed'],
    [400, 'failed'],
    [401, 'failed'],
    [404, 'failed'],
    [408, 'failed'],
    [413, 'too_large'],
    [429, 'retryable'],
    [500, 'failed'],
    [501, 'failed'],
    [502, 'retryable'],
    [503, 'retryable'],
    [504, 'retryable'],
  ])('maps the status %i to %s', async (status, kind) => {
    const other = await serve(startHttpReceiver)
    const headers = { location: `${other.url}/v1/logs` }
    expect(await outcomeOf({ status, body: 'no', headers })).toMatchObject({
      kind,
      status,
      reason: expect.stringMatching(new RegExp(`^HTTP ${status}( \\(redirects are not followed\\))?$`)),
    })
    expect(other.requests).toEqual([])
  })

  test('shows the message of the Status without the headers when the request is refused', async () => {
    const text = 'no such token: hunter2\n'
    const body = Buffer.concat([Buffer.from([0x08, 16, 0x12, text.length]), Buffer.from(text)])
    const options = { headers: { authorization: 'Bearer hunter2' } }
    const headers = { 'content-type': 'application/x-protobuf' }
    expect(await outcomeOf({ status: 401, body, headers }, options)).toMatchObject({
      reason: 'HTTP 401: no such token: *** ',
    })
    for (const other of [body.subarray(0, 5), Buffer.alloc(5_000_000, body), Buffer.from('<html>hunter2')]) {
      expect(await outcomeOf({ status: 401, body: other, headers }, options)).toMatchObject({
        reason: 'HTTP 401',
      })
    }
    expect(await outcomeOf({ status: 401, body: '<html>hunter2' }, options)).toMatchObject({
      reason: 'HTTP 401',
    })
  })

  test('maps the status 400 to too_large when the Collector finds the request too large', async () => {
    const text = 'http: request body too large'
    const body = Buffer.concat([Buffer.from([0x12, text.length]), Buffer.from(text)])
    const headers = { 'content-type': 'application/x-protobuf' }
    expect(await outcomeOf({ status: 400, body, headers })).toMatchObject({ kind: 'too_large' })
    expect(await outcomeOf({ status: 400, body: text })).toMatchObject({ kind: 'failed' })
  })

  test.each([
    ['2', 2000],
    ['0', 0],
    ['1000000000', 1e12],
    ['soon', undefined],
    ['-1e9', undefined],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ])('reads Retry-After: %s as a delay of %s milliseconds', async (value, retryAfterMillis) => {
    for (const status of [429, 502, 503, 504]) {
      expect(await outcomeOf({ status, headers: { 'retry-after': value } })).toMatchObject({
        kind: 'retryable',
        retryAfterMillis,
      })
    }
  })

  test('reads Retry-After as the time until a date when it is a date', async () => {
    const headers = { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }
    const { retryAfterMillis } = (await outcomeOf({ status: 503, headers })) as { retryAfterMillis: number }
    expect(retryAfterMillis).toBeGreaterThan(50_000)
    expect(retryAfterMillis).toBeLessThanOrEqual(60_000)
  })

  test.each([
    ['cannot be read', { body: Buffer.from('0aff', 'hex') }],
    ['is larger than 4 MiB', { body: Buffer.alloc(5_000_000) }],
    ['is cut short', { body: Buffer.alloc(1000), fault: 'truncated' }],
    ['is shorter than it said', { body: 'x', headers: { 'content-length': 2 }, fault: 'truncated' }],
    ['never ends', { body: 'x', headers: { 'content-length': 2 } }],
  ] as const)('has the outcome delivered when the content of an accepting answer %s', async (_, answer) => {
    expect(await outcomeOf(answer, { timeoutMillis: 200 })).toEqual(delivered)
  })

  test.each([
    ['garbage', { raw: 'SSH-2.0-OpenSSH_9.2\r\n' }, /HPE_/],
    ['a garbage status', { raw: 'HTTP/1.1 twohundred OK\r\n\r\n' }, /HPE_/],
    [
      'a header without end',
      { raw: `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}` },
      /HPE_HEADER_OVERFLOW|ECONNRESET/,
    ],
    ['half a status line', { raw: 'HTTP/1.1 200' }, /ECONNRESET|HPE_/],
    ['a closed connection', { raw: '' }, /ECONNRESET/],
    ['a reset connection', { fault: 'disconnect' }, /ECONNRESET/],
  ] as const)('has a retryable outcome without status when the answer is %s', async (_, answer, reason) => {
    const outcome = await outcomeOf(answer)
    expect(outcome).toMatchObject({ kind: 'retryable', reason: expect.stringMatching(reason) })
    expect(outcome).not.toHaveProperty('status')
  })

  test('ends an attempt at the deadline or the abort when no answer arrives', async () => {
    const receiver = await serve<HttpAnswer>(startHttpReceiver, () => ({ fault: 'silent' }))
    expect(await connect(receiver.url, { timeoutMillis: 50 }).send(REQUEST, never)).toEqual({
      kind: 'retryable',
      reason: 'HTTP request failed: no response in time',
    })
    const controller = new AbortController()
    const sent = connect(receiver.url).send(REQUEST, controller.signal)
    controller.abort()
    expect(await sent).toMatchObject({ kind: 'retryable' })
  })

  test('has a retryable outcome when the connection is refused', async () => {
    expect(await connect('http://127.0.0.1:1').send(REQUEST, never)).toEqual({
      kind: 'retryable',
      reason: 'HTTP request failed: ECONNREFUSED',
    })
  })

  test('names the protocol to set when the endpoint speaks another protocol', async () => {
    const receiver = await startGrpcReceiver()
    onTestFinished(receiver.close)
    expect(await connect(receiver.url).send(REQUEST, never)).toMatchObject({
      reason: 'HTTP request failed: HPE_INVALID_CONSTANT',
      advice: expect.stringContaining('set the option protocol or OTEL_EXPORTER_OTLP_PROTOCOL to grpc'),
    })
  })

  test('repeats a request when a kept connection is closed as it is used', async () => {
    const seen = new Set<number>()
    const receiver = await serve(startHttpReceiver, ({ connection }, n) =>
      n > 3 && seen.has(connection) ? { fault: 'disconnect' } : (seen.add(connection), {}),
    )
    const transport = connect(receiver.url)
    const send = (): Promise<unknown> => transport.send(REQUEST, never)
    expect(await Promise.all([send(), send(), send()])).toEqual([delivered, delivered, delivered])
    expect(receiver.connections).toBe(3)
    expect(await send()).toEqual(delivered)
  })

  test('has a retryable outcome when the connection is reset amid a request', async () => {
    const receiver = await serve(startHttpReceiver)
    const proxy = await proxied(receiver)
    proxy.fault = { cut: { of: 'request', afterBytes: 10_000 } }
    const transport = connect(proxy.url)
    expect(await transport.send(Buffer.alloc(1_000_000), never)).toMatchObject({ kind: 'retryable' })
    expect(await transport.send(Buffer.alloc(1_000_000), never)).toEqual(delivered)
  })

  test('leaves a half open connection after one attempt', async () => {
    const receiver = await serve(startHttpReceiver)
    const proxy = await proxied(receiver)
    const transport = connect(proxy.url, { timeoutMillis: 200 })
    await transport.send(REQUEST, never)
    proxy.halfOpen()
    expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'retryable' })
    expect(await transport.send(REQUEST, never)).toEqual(delivered)
    await vi.waitFor(() => expect(proxy.accepted).toBe(2))
  })
})
