import { once } from 'node:events'
import http2 from 'node:http2'
import net, { type AddressInfo } from 'node:net'
import { type GrpcAnswer, startGrpcReceiver } from '@logbridge/test-support/scriptedReceiver'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { ExporterConfig } from '../../../src/config/exporter.ts'
import { createGrpcSend } from '../../../src/transport/exitFlush/sendByGrpc.ts'
import { resolveExitTarget } from '../../../src/transport/exitFlush/exitTarget.ts'
import { createGrpcTransport } from '../../../src/transport/grpc.ts'
import type { ExportOutcome } from '../../../src/transport/transport.ts'
import { exporterConfig, never, REQUEST } from '../exporterConfig.ts'

function sendAtExit(exporter: ExporterConfig, attempt: AbortSignal = never): Promise<ExportOutcome> {
  return createGrpcSend(resolveExitTarget(exporter, 'logs'))(REQUEST, attempt)
}

/** Starts a server that answers streams of HTTP/2. */
async function serveStreams(answer: (stream: http2.ServerHttp2Stream) => void): Promise<string> {
  const sessions = new Set<http2.ServerHttp2Session>()
  const server = http2.createServer().listen(0, '127.0.0.1')
  server.on('session', (session) => sessions.add(session.on('error', () => {})))
  server.on('stream', (stream) => answer(stream.on('error', () => {})))
  await once(server, 'listening')
  onTestFinished(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test.each<[string, GrpcAnswer]>([
  ['accepts', {}],
  ['is unavailable', { code: 'UNAVAILABLE', message: 'not yet' }],
  ['refuses', { code: 'INVALID_ARGUMENT', message: 'no' }],
  ['finds a request too large', { code: 'RESOURCE_EXHAUSTED', message: 'message larger than max' }],
  ['is behind a proxy that is overloaded', { httpStatus: 503 }],
  ['is behind a proxy that refuses', { httpStatus: 403 }],
  ['answers more than 4 MiB', { body: Buffer.alloc(5_000_000) }],
  ['answers in part', { fault: 'truncated', body: Buffer.alloc(1000) }],
  ['resets the stream', { fault: 'reset' }],
  ['closes the connection', { fault: 'disconnect' }],
])('createGrpcSend has the outcome of the transport when the receiver %s', async (_, answer) => {
  const receiver = await startGrpcReceiver()
  onTestFinished(receiver.close)
  receiver.answer = () => answer
  const exporter = exporterConfig(receiver.url)
  const transport = createGrpcTransport(exporter)
  onTestFinished(() => transport.close())
  const { kind, status } = { status: undefined, ...(await transport.send(REQUEST, never)) }
  expect({ status: undefined, ...(await sendAtExit(exporter)) }).toMatchObject({ kind, status })
})

test('createGrpcSend ends an attempt without a deadline when the receiver cancels the stream', async () => {
  const url = await serveStreams((stream) => stream.close(http2.constants.NGHTTP2_CANCEL))
  expect(await sendAtExit(exporterConfig(url))).toEqual({
    kind: 'retryable',
    reason: 'gRPC CANCELLED: stream reset by the receiver',
  })
})

test('createGrpcSend stops reading when an answer has no end', async () => {
  const url = await serveStreams((stream) => {
    stream.respond({ 'content-type': 'application/grpc' })
    const write = (): void => void (stream.closed || stream.write(Buffer.alloc(16_384), write))
    write()
  })
  expect(await sendAtExit(exporterConfig(url))).toEqual({
    kind: 'failed',
    reason: 'response is unreadable: message is larger than 4194304 bytes',
  })
})

test.each<[string, (stream: http2.ServerHttp2Stream) => void]>([
  ['says nothing', () => {}],
  [
    'informs without end',
    (stream) => {
      const timer = setInterval(() => stream.additionalHeaders({ ':status': 102 }), 10)
      stream.on('close', () => clearInterval(timer))
    },
  ],
])('createGrpcSend ends an attempt at its deadline when the receiver %s', async (_, answer) => {
  const url = await serveStreams(answer)
  expect(await sendAtExit(exporterConfig(url), AbortSignal.timeout(100))).toEqual({
    kind: 'retryable',
    reason: 'gRPC DEADLINE_EXCEEDED: no response in time',
  })
})

test('createGrpcSend closes a connection that is not ready at the deadline', async () => {
  const server = net.createServer().listen(0, '127.0.0.1')
  const connected = once(server, 'connection') as Promise<[net.Socket]>
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const url = `https://localhost:${(server.address() as AddressInfo).port}`
  const deadline = new AbortController()
  const sent = sendAtExit(exporterConfig(url, { tls: {} }), deadline.signal)
  const [socket] = await connected
  deadline.abort()
  onTestFinished(() => void socket.destroy())
  const isClosed = vi.fn()
  socket.on('error', () => {}).on('close', isClosed)
  expect(await sent).toMatchObject({ kind: 'retryable' })
  socket.resume()
  await vi.waitFor(() => expect(isClosed).toHaveBeenCalled())
})
