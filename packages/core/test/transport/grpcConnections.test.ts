import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import http2 from 'node:http2'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startFaultProxy } from '@logbridge/test-support/faultProxy'
import { startGrpcReceiver } from '@logbridge/test-support/scriptedReceiver'
import { createGrpcTransport } from '../../src/transport/grpc.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { exporterConfig, never, REQUEST } from './exporterConfig.ts'
import { accept, startHttp2Server } from './http2Server.ts'
import { startNameServer } from './nameServer.ts'
import { serve } from './receivers.ts'

function connect(url: string, options: Parameters<typeof exporterConfig>[1] = {}): Transport {
  const transport = createGrpcTransport(exporterConfig(url, options))
  onTestFinished(() => transport.close())
  return transport
}

const delivered = { kind: 'delivered', rejected: 0, status: 0 }

/** Forwards connections from an address of this machine. */
async function forward(host: string, to: { readonly url: string }, port = 0): Promise<number> {
  const proxy = await startFaultProxy(to.url, { host, port })
  onTestFinished(() => proxy.close())
  return proxy.port
}

/** Starts a server of bare TCP, and closes the server after the test. Returns its port. */
async function listen(onConnection: (socket: Socket) => unknown, path?: string): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    onConnection(socket)
  })
  server.listen(path ?? { port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return path === undefined ? (server.address() as AddressInfo).port : 0
}

function pipe(socket: Socket, { port }: { readonly port: number }): void {
  const receiver = connectTcp(port, '127.0.0.1').on('error', () => {})
  socket.pipe(receiver).pipe(socket)
  socket.on('close', () => receiver.destroy())
}

/** Forwards connections from a socket in the file system. Returns its path. */
async function forwardPath(to: { readonly port: number }): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'logbridge-unix-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'otlp.sock')
  await listen((socket) => pipe(socket, to), path)
  return path
}

type Receiver = Awaited<ReturnType<typeof startGrpcReceiver>>

test.each<[string, (receiver: Receiver) => Promise<string>, RegExp]>([
  ['http:// with an IPv6 address', async (to) => `http://[::1]:${await forward('::1', to)}`, /^\[::1\]:\d+$/],
  ['ipv6:', async (to) => `ipv6:[::1]:${await forward('::1', to)}`, /^\[::1\]:\d+$/],
  ['ipv4:', async ({ port }) => `ipv4:127.0.0.1:${port}`, /^127\.0\.0\.1:\d+$/],
  ['dns:///', async ({ port }) => `dns:///localhost:${port}`, /^localhost:\d+$/],
  [
    'dns:// with a server',
    async ({ port }) => {
      const names = await startNameServer(['127.0.0.1'])
      onTestFinished(() => names.close())
      return `dns://127.0.0.1:${names.port}/collector.test:${port}`
    },
    /^collector\.test:\d+$/,
  ],
  ['unix:', async (to) => `unix:${await forwardPath(to)}`, /^localhost$/],
  ['unix:///', async (to) => `unix://${await forwardPath(to)}`, /^localhost$/],
])('createGrpcTransport delivers when the endpoint is %s', async (_, endpoint, authority) => {
  const receiver = await serve(startGrpcReceiver)
  expect(await connect(await endpoint(receiver)).send(REQUEST, never)).toEqual(delivered)
  expect(receiver.requests[0]!.headers[':authority']).toMatch(authority)
})

test('createGrpcTransport verifies the name localhost when TLS is on a socket in the file system', async () => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'logbridge test' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  })
  const receiver = await serve(() => startGrpcReceiver({ cert, key }))
  const path = await forwardPath(receiver)
  const transport = connect(`unix:${path}`, { tls: { ca: Buffer.from(cert) } })
  expect(await transport.send(REQUEST, never)).toEqual(delivered)
})

test('createGrpcTransport sends to all addresses in turn when the endpoint has several', async () => {
  const receivers = [await serve(startGrpcReceiver), await serve(startGrpcReceiver)] as const
  const url = `ipv4:${receivers.map(({ port }) => `127.0.0.1:${port}`).join()}`
  const transport = connect(url)
  // Either connection may be in the making when the first requests are sent.
  await vi.waitFor(async () => {
    await transport.send(REQUEST, never)
    for (const { requests } of receivers) expect(requests).not.toEqual([])
  })
  const before = receivers.map(({ requests }) => requests.length)
  for (let n = 0; n < 10; n += 1) expect(await transport.send(REQUEST, never)).toEqual(delivered)
  expect(receivers.map(({ requests }, index) => requests.length - before[index]!)).toEqual([5, 5])
})

test('createGrpcTransport delivers each request at its first attempt when one of two addresses refuses', async () => {
  const receiver = await serve(startGrpcReceiver)
  const transport = connect(`ipv4:127.0.0.1:1,127.0.0.1:${receiver.port}`)
  for (let n = 0; n < 10; n += 1) expect(await transport.send(REQUEST, never)).toEqual(delivered)
})

test('createGrpcTransport uses an address again when its receiver has returned', async () => {
  const receivers = [await serve(startGrpcReceiver), await serve(startGrpcReceiver)] as const
  const proxies = await Promise.all(receivers.map(({ url }) => startFaultProxy(url)))
  onTestFinished(async () => void (await Promise.all(proxies.map(({ close }) => close()))))
  const transport = connect(`ipv4:${proxies.map(({ port }) => `127.0.0.1:${port}`).join()}`)
  const bothAnswer = async (): Promise<void> => {
    const before = receivers.map(({ requests }) => requests.length)
    await vi.waitFor(async () => {
      await transport.send(REQUEST, never)
      for (const [index, { requests }] of receivers.entries())
        expect(requests.length).toBeGreaterThan(before[index]!)
    })
  }
  await bothAnswer()
  await proxies[0]!.refuse()
  await vi.waitFor(async () => expect(await transport.send(REQUEST, never)).toEqual(delivered))
  await proxies[0]!.listen()
  // Move the clock by the interval between two attempts to connect.
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 5000)
  onTestFinished(() => void vi.restoreAllMocks())
  await bothAnswer()
})

test('createGrpcTransport delivers in one attempt when the receiver refuses the stream of a request', async () => {
  let streams = 0
  const { url } = await startHttp2Server((stream) => {
    streams += 1
    if (streams === 1) stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
    else accept(stream)
  })
  expect(await connect(url).send(REQUEST, never)).toEqual(delivered)
  expect(streams).toBe(2)
})

test('createGrpcTransport delivers in one attempt when GOAWAY leaves out the stream of a request', async () => {
  const receiver = await serve(startGrpcReceiver)
  let connections = 0
  const port = await listen((socket) => {
    connections += 1
    if (connections > 1) return pipe(socket, receiver)
    // An empty SETTINGS frame, and a GOAWAY frame with stream 0 as the last one and without an error.
    socket.write(Buffer.from('000000040000000000', 'hex'))
    socket.once('data', () => {
      setTimeout(() => socket.write(Buffer.from('0000080700000000000000000000000000', 'hex')), 50)
    })
  })
  expect(await connect(`http://127.0.0.1:${port}`).send(REQUEST, never)).toEqual(delivered)
  expect(connections).toBe(2)
})

test('createGrpcTransport ends an attempt as retryable when the receiver refuses every stream', async () => {
  let streams = 0
  const { url } = await startHttp2Server((stream) => {
    streams += 1
    stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
  })
  expect(await connect(url).send(REQUEST, never)).toEqual({
    kind: 'retryable',
    reason: expect.stringMatching(/^gRPC UNAVAILABLE: .*REFUSED_STREAM/),
  })
  expect(streams).toBe(4)
})

test('createGrpcTransport looks the name up again when no connection was ever made', async () => {
  const receiver = await serve(startGrpcReceiver)
  const names = await startNameServer(['127.0.0.9'])
  onTestFinished(() => names.close())
  const transport = connect(`dns://127.0.0.1:${names.port}/collector.test:${receiver.port}`)
  expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'retryable' })
  names.addresses = ['127.0.0.1']
  await vi.waitFor(async () => expect(await transport.send(REQUEST, never)).toEqual(delivered), 5000)
})

test('createGrpcTransport connects once when several requests wait for a connection', async () => {
  const receiver = await serve(startGrpcReceiver)
  const transport = connect(receiver.url)
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => transport.send(REQUEST, never)))
  expect(outcomes).toEqual(Array.from({ length: 8 }, () => delivered))
  expect(receiver.connections).toBe(1)
})
