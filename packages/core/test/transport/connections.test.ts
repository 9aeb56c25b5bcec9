import { once } from 'node:events'
import http2 from 'node:http2'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { timers } from '@logbridge/bridge/internal'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createGrpcTransport } from '../../src/transport/grpc.ts'
import type { ExportOutcome } from '../../src/transport/transport.ts'
import { exporterConfig, never, REQUEST } from './exporterConfig.ts'
import { type Ended, start } from '../programs.ts'

// Connections of gRPC with receivers that are none.

/** An empty SETTINGS frame of HTTP/2. */
const SETTINGS = Buffer.from('000000040000000000', 'hex')

async function serve(accept: (socket: Socket) => unknown) {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}))
    accept(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, sockets }
}

test('createGrpcTransport connects again after half a second when the receiver closes the connection after its SETTINGS', async () => {
  const pauses: (() => void)[] = []
  const { setTimeout } = timers
  vi.spyOn(timers, 'setTimeout').mockImplementation(((end: () => void, millis: number) => {
    if (millis > 500) return setTimeout(end, millis)
    pauses.push(end)
    return setTimeout(() => {}, 0)
  }) as typeof timers.setTimeout)
  onTestFinished(() => void vi.restoreAllMocks())
  const { address, sockets } = await serve((socket) => socket.end(SETTINGS))
  const transport = createGrpcTransport(exporterConfig(`http://${address}`))
  onTestFinished(() => transport.close())
  const outcomes: ExportOutcome[] = []
  const controller = new AbortController()
  const sending = (async () => {
    while (!controller.signal.aborted) outcomes.push(await transport.send(REQUEST, controller.signal))
  })()
  for (let connections = 1; connections < 4; connections += 1) {
    await vi.waitFor(() => expect(pauses).toHaveLength(connections))
    // Without a pause there are a hundred more by then.
    await delay(100)
    expect(sockets).toHaveLength(connections)
    pauses.at(-1)!()
    await vi.waitFor(() => expect(sockets).toHaveLength(connections + 1))
  }
  controller.abort()
  await sending
  expect(outcomes).not.toEqual([])
  for (const outcome of outcomes) expect(outcome).toMatchObject({ kind: 'retryable' })
})

test('createGrpcTransport closes a connection when TLS waits and the connection is left or the transport is closed', async () => {
  const { address, sockets } = await serve((socket) => socket.resume())
  const transport = createGrpcTransport(
    exporterConfig(`https://localhost:${address.split(':')[1]}`, { tls: {}, timeoutMillis: 100 }),
  )
  while (sockets.length < 2) await transport.send(REQUEST, never)
  const [left, last] = sockets.map((socket) => socket.closed || once(socket, 'close'))
  await left
  transport.close()
  await last
})

test('createGrpcTransport cancels an unanswered request at its deadline when the global timers are fake', async () => {
  const streams: http2.ServerHttp2Stream[] = []
  const server = http2
    .createServer()
    .on('stream', (stream) => streams.push(stream.on('error', () => {}).resume()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const transport = createGrpcTransport(exporterConfig(url, { timeoutMillis: 200 }))
  onTestFinished(() => transport.close())
  vi.spyOn(globalThis, 'setTimeout').mockImplementation((() => ({ unref() {}, ref() {} })) as never)
  onTestFinished(() => void vi.restoreAllMocks())
  expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'retryable' })
  if (!streams[0]!.closed) await once(streams[0]!, 'close')
})

/** Runs a program to its own end, which may never come. */
function runTo(endpoint: string, code: string): Promise<Ended> {
  const program = start(code, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } })
  onTestFinished(() => program.kill('SIGKILL'))
  return program.ended
}

/** Starts a receiver that no connection gets through to, as behind a firewall that drops what comes. */
async function startUnreachable(): Promise<string> {
  const receiver = start(
    `
    const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      console.log('port ' + server.address().port + '.')
      setImmediate(() => process.kill(process.pid, 'SIGSTOP'))
    })`,
    { type: 'commonjs' },
  )
  onTestFinished(async () => {
    receiver.kill('SIGKILL')
    await receiver.ended
  })
  const port = Number(/port (\d+)\./.exec(await receiver.printed('.'))![1])
  // They take the places of connections that wait to be accepted.
  for (let n = 0; n < 4; n += 1) {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    onTestFinished(() => void socket.destroy())
  }
  return `http://127.0.0.1:${port}`
}

test.each(['grpc', 'http/protobuf'])(
  'createTransport by %s lets a process end after a shutdown when its connection is still being made',
  async (protocol) => {
    const ended = await runTo(
      await startUnreachable(),
      `
    import { startTelemetry } from '@logbridge/core'
    import { logs, trace } from '@opentelemetry/api'
    const telemetry = startTelemetry({ protocol: '${protocol}' })
    trace.getTracer('t').startSpan('work').end()
    logs.getLogger('l').emit({ body: 'hello' })
    await telemetry.shutdown(500)
    console.log(JSON.stringify(telemetry.stats()))`,
    )
    expect(ended.code).toBe(0)
    expect(JSON.parse(ended.stdout)).toMatchObject({ created: 1, dropped: { shutdown_timeout: 1 } })
  },
)

test.each(['grpc', 'http/protobuf'])(
  'createTransport by %s lets a process end after its final flush when its connection is still being made',
  { tags: 'long' },
  async (protocol) => {
    const ended = await runTo(
      await startUnreachable(),
      `
    import { startTelemetry } from '@logbridge/core'
    import { logs, trace } from '@opentelemetry/api'
    startTelemetry({ protocol: '${protocol}' })
    trace.getTracer('t').startSpan('work').end()
    logs.getLogger('l').emit({ body: 'hello' })`,
    )
    expect(ended.code).toBe(0)
    expect(ended.stderr).toContain(
      'not sent when the process ended: 1 log record, 1 span and 1 batch of metrics.',
    )
  },
)
