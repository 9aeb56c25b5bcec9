import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { status } from '@grpc/grpc-js'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  type GrpcAnswer,
  partialSuccess,
  retryInfo,
  startGrpcReceiver,
} from '@logbridge/test-support/scriptedReceiver'
import type { ExporterConfig } from '../../src/config/exporter.ts'
import { createGrpcTransport } from '../../src/transport/grpc.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { exporterConfig, never, REQUEST, WRONG_HEADERS } from './exporterConfig.ts'
import { proxied, serve } from './receivers.ts'

function connect(url: string, options: Partial<ExporterConfig> = {}): Transport {
  const transport = createGrpcTransport(exporterConfig(url, options))
  onTestFinished(() => transport.close())
  return transport
}

const delivered = { kind: 'delivered', rejected: 0, status: status.OK }

describe('a request', () => {
  test('arrives byte for byte, with the headers', async () => {
    const receiver = await serve(startGrpcReceiver)
    expect(await connect(receiver.url, { headers: { 'x-tenant': 'shop' } }).send(REQUEST, never)).toEqual(
      delivered,
    )
    expect(receiver.requests[0]).toMatchObject({
      path: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
      headers: {
        'x-tenant': 'shop',
        'user-agent': expect.stringMatching(/^logbridge\/\S+ OTel-OTLP-Exporter-JavaScript\/\S+/),
      },
      body: REQUEST,
    })
  })

  test('is compressed when it is over 1 KiB', async () => {
    const receiver = await serve(startGrpcReceiver)
    const transport = connect(receiver.url, { compression: 'gzip' })
    const large = Buffer.alloc(1025, 'x')
    await transport.send(large, never)
    await transport.send(large.subarray(1), never)
    expect(receiver.requests.map(({ body, compressed }) => [body.length, compressed])).toEqual([
      [1025, true],
      [1024, false],
    ])
    expect(receiver.requests[0]?.body).toEqual(large)
    await connect(receiver.url).send(large, never)
    expect(receiver.requests[2]?.compressed).toBe(false)
  })

  test('has the headers that a function gives at that time', async () => {
    const receiver = await serve(startGrpcReceiver)
    let token = 0
    const headers = async () => ({ authorization: `Bearer ${(token += 1)}` })
    const transport = connect(receiver.url, { headers })
    await transport.send(REQUEST, never)
    await transport.send(REQUEST, never)
    expect(receiver.requests.map((each) => each.headers.authorization)).toEqual(['Bearer 1', 'Bearer 2'])
  })

  test.each(WRONG_HEADERS)(
    'is retryable when a function returns %s for headers, with a reason that hides the headers',
    async (_, headers, reason) => {
      const receiver = await serve(startGrpcReceiver)
      const outcome = await connect(receiver.url, { headers }).send(REQUEST, never)
      expect(outcome).toEqual({ kind: 'retryable', reason: expect.stringMatching(reason) })
      expect(JSON.stringify(outcome)).not.toContain('hunter2')
      expect(receiver.requests).toEqual([])
    },
  )

  test('ends at the deadline or the abort when the headers function never returns', async () => {
    const headers = (): Promise<never> => new Promise(() => {})
    expect(await connect('http://127.0.0.1:1', { headers, timeoutMillis: 50 }).send(REQUEST, never)).toEqual({
      kind: 'retryable',
      reason: 'headers function did not return in time',
    })
    const controller = new AbortController()
    const patient = connect('http://127.0.0.1:1', { headers })
    const sent = patient.send(REQUEST, controller.signal)
    controller.abort()
    expect(await sent).toMatchObject({ kind: 'retryable' })
    expect(await patient.send(REQUEST, controller.signal)).toMatchObject({ kind: 'retryable' })
  })

  test('with a certificate that cannot be read fails, and rejects nothing', async () => {
    const cert = Buffer.from('-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----')
    const transport = connect('https://127.0.0.1:1', { tls: { cert, key: cert } })
    expect(await transport.send(REQUEST, never)).toEqual({
      kind: 'failed',
      reason: expect.stringMatching(/^gRPC request failed before sending: ERR_OSSL/),
    })
  })
})

describe('an answer', () => {
  async function outcomeOf(answer: GrpcAnswer, options: Partial<ExporterConfig> = {}) {
    const receiver = await serve(startGrpcReceiver, () => answer)
    return await connect(receiver.url, options).send(REQUEST, never)
  }

  test('of partial success says what was refused, and is delivered', async () => {
    expect(await outcomeOf({ body: partialSuccess(3n, 'no') })).toEqual({
      ...delivered,
      rejected: 3,
      message: 'no',
    })
  })

  test.each([-3n, -1n, -(2n ** 63n)])(
    'that refuses fewer than no records (%d) refuses none',
    async (count) => {
      expect(await outcomeOf({ body: partialSuccess(count) })).toEqual(delivered)
    },
  )

  test.each([2n ** 53n, 2n ** 63n - 1n])(
    'that refuses more records than there are (%d) says so',
    async (count) => {
      expect(await outcomeOf({ body: partialSuccess(count) })).toEqual({
        ...delivered,
        rejected: Number(count),
        message: undefined,
      })
    },
  )

  test.each([
    [status.CANCELLED, 'retryable'],
    [status.UNKNOWN, 'failed'],
    [status.INVALID_ARGUMENT, 'failed'],
    [status.DEADLINE_EXCEEDED, 'retryable'],
    [status.NOT_FOUND, 'failed'],
    [status.ALREADY_EXISTS, 'failed'],
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
  ])('of status %i is %s', async (code, kind) => {
    const name = status[code] as keyof typeof status
    for (const trailersOnly of [true, false]) {
      expect(await outcomeOf({ code: name, message: 'because', trailersOnly })).toEqual({
        kind,
        reason: `gRPC ${name}: because`,
        status: code,
      })
    }
  })

  test('of RESOURCE_EXHAUSTED with RetryInfo is retryable, after the delay it names', async () => {
    const details = retryInfo(1n, 500_000_000n)
    expect(await outcomeOf({ code: 'RESOURCE_EXHAUSTED', details })).toMatchObject({
      kind: 'retryable',
      retryAfterMillis: 1500,
      status: status.RESOURCE_EXHAUSTED,
    })
  })

  test.each([
    ['seconds', retryInfo(7n), 7000],
    ['a negative delay', retryInfo(-7n), 0],
    ['the most negative delay', retryInfo(-(2n ** 63n)), 0],
    ['30 years', retryInfo(1_000_000_000n), 1e12],
    ['the longest time there is', retryInfo(2n ** 63n - 1n), 2 ** 63 * 1e3],
    ['nothing that can be read', Buffer.from('garbage'), undefined],
  ])('of UNAVAILABLE with RetryInfo of %s is retryable', async (_, details, retryAfterMillis) => {
    expect(await outcomeOf({ code: 'UNAVAILABLE', details })).toMatchObject({
      kind: 'retryable',
      retryAfterMillis,
    })
  })

  test('in the words of the Collector for a request that is too large is understood', async () => {
    const message = 'grpc: received message larger than max (5242880 vs. 4194304)'
    expect(await outcomeOf({ code: 'RESOURCE_EXHAUSTED', message })).toMatchObject({ kind: 'too_large' })
    const ofGrpcJs = 'Received message larger than max (5242880 vs 4194304)'
    expect(await outcomeOf({ code: 'RESOURCE_EXHAUSTED', message: ofGrpcJs })).toMatchObject({
      kind: 'too_large',
    })
  })

  test('that accepts is delivered, whatever its content', async () => {
    expect(await outcomeOf({ body: Buffer.from('0aff', 'hex') })).toEqual(delivered)
    expect(await outcomeOf({ raw: Buffer.alloc(0) })).toEqual(delivered)
    expect(await outcomeOf({ raw: Buffer.from([0, 0]) })).toEqual(delivered)
  })

  test.each([
    ['is too large', { body: Buffer.alloc(5_000_000) }],
    ['is garbage', { raw: Buffer.from('<html>nothing here</html>') }],
    [
      'is compressed and without end',
      { raw: framed(gzipSync(Buffer.alloc(1e7)), 1), headers: { 'grpc-encoding': 'gzip' } },
    ],
    ['cannot be decompressed', { raw: framed(Buffer.from('x'), 1), headers: { 'grpc-encoding': 'gzip' } }],
  ])(
    'that %s fails without a retry, because a retry could deliver the request twice',
    async (_, answer: GrpcAnswer) => {
      expect(await outcomeOf(answer)).toEqual({
        kind: 'failed',
        reason: expect.stringContaining('response is unreadable'),
      })
    },
  )

  test.each([
    ['is cut short', { fault: 'truncated', body: Buffer.alloc(1000) }],
    ['is a reset stream', { fault: 'reset' }],
    ['is a closed connection', { fault: 'disconnect' }],
  ] as const)('that %s is retryable, and no status', async (_, answer) => {
    expect(await outcomeOf(answer)).toEqual({ kind: 'retryable', reason: expect.any(String) })
  })

  test.each([
    [502, 'retryable'],
    [503, 'retryable'],
    [429, 'retryable'],
    [401, 'failed'],
    [404, 'failed'],
    [500, 'failed'],
  ])('of HTTP alone, %i, as of a proxy between, is %s', async (httpStatus, kind) => {
    expect(await outcomeOf({ httpStatus, raw: Buffer.from('<html></html>') })).toMatchObject({
      kind,
      reason: expect.stringContaining(String(httpStatus)),
    })
  })

  test('that repeats a header, or would write to a terminal, is shown without', async () => {
    const headers = { authorization: 'Bearer hunter2' }
    const message = 'no such token: hunter2 (Bearer hunter2)\u001b[31m\nfatal'
    const refused = await outcomeOf({ code: 'UNAUTHENTICATED', message }, { headers })
    expect(refused).toMatchObject({
      reason: 'gRPC UNAUTHENTICATED: no such token: *** (Bearer ***) [31m fatal',
    })
    const partial = await outcomeOf({ body: partialSuccess(1n, 'not for hunter2\n') }, { headers })
    expect(partial).toMatchObject({ message: 'not for *** ' })
  })

  test('that never arrives ends the attempt at the deadline or the abort', async () => {
    const receiver = await serve<GrpcAnswer>(startGrpcReceiver, () => ({ fault: 'silent' }))
    expect(await connect(receiver.url, { timeoutMillis: 50 }).send(REQUEST, never)).toEqual({
      kind: 'retryable',
      reason: expect.stringContaining('DEADLINE'),
    })
    const cancelled = { kind: 'retryable', reason: 'gRPC CANCELLED: no response yet' }
    const controller = new AbortController()
    const sent = connect(receiver.url).send(REQUEST, controller.signal)
    await vi.waitFor(() => expect(receiver.requests).toHaveLength(2))
    controller.abort()
    expect(await sent).toMatchObject(cancelled)
    expect(await connect(receiver.url).send(REQUEST, AbortSignal.abort())).toMatchObject(cancelled)
  })
})

describe('a connection', () => {
  test('that is refused is retryable', async () => {
    expect(await connect('http://127.0.0.1:1').send(REQUEST, never)).toEqual({
      kind: 'retryable',
      reason: expect.stringContaining('ECONNREFUSED'),
    })
  })

  test('to an endpoint of the wrong kind names the setting to change', async () => {
    const plain = http.createServer((_, response) => response.end()).listen(0, '127.0.0.1')
    await once(plain, 'listening')
    onTestFinished(() => void plain.close())
    const { port } = plain.address() as AddressInfo
    expect(await connect(`http://127.0.0.1:${port}`).send(REQUEST, never)).toMatchObject({
      advice: expect.stringContaining('http/protobuf'),
    })
    expect(await connect(`https://localhost:${port}`, { tls: {} }).send(REQUEST, never)).toMatchObject({
      reason: 'gRPC UNAVAILABLE: receiver does not speak TLS',
      advice: expect.stringContaining('http://'),
    })
  })

  test('that is half open is replaced after one attempt, though nothing closes it', async () => {
    const receiver = await serve(startGrpcReceiver)
    const proxy = await proxied(receiver)
    const transport = connect(proxy.url, { timeoutMillis: 200 })
    expect(await transport.send(REQUEST, never)).toMatchObject(delivered)
    // A transport of another signal to the same receiver, with which grpc-js would share the connection.
    await connect(proxy.url).send(REQUEST, never)
    const accepted = proxy.accepted
    proxy.halfOpen()
    expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'retryable' })
    expect(await transport.send(REQUEST, never)).toMatchObject(delivered)
    expect(proxy.accepted).toBe(accepted + 1)
  })

  test('stays where the receiver is only slow with one of several requests', async () => {
    const receiver = await serve(startGrpcReceiver, async (_, n) => (n === 2 ? { fault: 'silent' } : {}))
    const transport = connect(receiver.url, { timeoutMillis: 200 })
    await transport.send(REQUEST, never)
    const slow = transport.send(REQUEST, never)
    await vi.waitFor(() => expect(receiver.requests).toHaveLength(2))
    expect(await transport.send(REQUEST, never)).toMatchObject(delivered)
    expect(await slow).toMatchObject({ kind: 'retryable' })
    expect(await transport.send(REQUEST, never)).toMatchObject(delivered)
    expect(receiver.connections).toBe(1)
  })

  test('that the receiver ends with GOAWAY amid a stream of requests costs none of them', async () => {
    const receiver = await serve(startGrpcReceiver, (_, n) => ({ goaway: n % 10 === 0 }))
    const transport = connect(receiver.url)
    const outcomes: Record<string, number> = {}
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        for (let sent = 0; sent < 25;) {
          const { kind } = await transport.send(REQUEST, never)
          outcomes[kind] = (outcomes[kind] ?? 0) + 1
          if (kind === 'delivered') sent += 1
        }
      }),
    )
    expect(outcomes).toEqual({ delivered: 100 })
    expect(receiver.connections).toBeGreaterThan(5)
  })
})

/** A gRPC message, with its flag for compression. */
function framed(content: Buffer, flag: number): Buffer {
  const head = Buffer.alloc(5)
  head[0] = flag
  head.writeUInt32BE(content.length, 1)
  return Buffer.concat([head, content])
}
