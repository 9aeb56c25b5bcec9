import { EventEmitter, getEventListeners, once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { timers } from '@logbridge/bridge/internal'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startGrpcReceiver, startHttpReceiver } from '@logbridge/test-support/scriptedReceiver'
import { waitUntilSent, raceAbort, withDeadline } from '../../src/transport/deadline.ts'
import { createTransport } from '../../src/transport/createTransport.ts'
import { resolveExitTarget } from '../../src/transport/exitFlush/exitTarget.ts'
import { createHttpSend } from '../../src/transport/exitFlush/sendByHttp.ts'
import { createHttpTransport } from '../../src/transport/http.ts'
import type { ExportOutcome } from '../../src/transport/transport.ts'
import type { ExporterConfig } from '../../src/config/exporter.ts'
import { exporterConfig, never, REQUEST } from './exporterConfig.ts'

const protocols = [
  ['grpc', startGrpcReceiver],
  ['http/protobuf', startHttpReceiver],
] as const

test.each(protocols)(
  '%s: createTransport leaves neither listeners nor timers when an attempt has ended',
  async (protocol, start) => {
    const receiver = await start()
    onTestFinished(receiver.close)
    receiver.answer = (_, n) => (n % 2 === 0 ? { fault: 'silent' } : {})
    const exporter = exporterConfig(`${receiver.url}${protocol === 'grpc' ? '' : '/v1/logs'}`, {
      protocol,
      headers: async () => ({}),
      timeoutMillis: 20_000,
    })
    const transport = createTransport({ exporter, exportTimeoutMillis: 20_000 })
    onTestFinished(() => transport.close())
    const started = vi.spyOn(timers, 'setTimeout')
    const cleared = vi.spyOn(timers, 'clearTimeout')
    onTestFinished(() => void vi.restoreAllMocks())
    const controller = new AbortController()
    for (let n = 0; n < 5; n += 1) {
      await transport.send(REQUEST, controller.signal)
      const aborted = new AbortController()
      const sent = transport.send(REQUEST, aborted.signal)
      setTimeout(() => aborted.abort(), 20)
      expect(await sent).toMatchObject({ kind: 'retryable' })
      expect(getEventListeners(aborted.signal, 'abort')).toEqual([])
    }
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    // Those for the deadline, and for the end after an abort.
    const timersOf = (wanted: number): unknown[] =>
      started.mock.calls.flatMap(([, millis], call) =>
        millis === wanted ? [started.mock.results[call]?.value] : [],
      )
    const deadlines = [...timersOf(20_000), ...timersOf(1000)]
    expect(timersOf(20_000).length).toBeGreaterThanOrEqual(10)
    expect(timersOf(1000).length).toBeGreaterThanOrEqual(5)
    const clearedTimers = cleared.mock.calls.map(([timer]) => timer)
    for (const timer of deadlines) expect(clearedTimers).toContain(timer)
  },
)

test.each(protocols)(
  '%s: createTransport names the cause when an attempt ends while certificates are read',
  async (protocol) => {
    const tls = { files: { ca: import.meta.filename } }
    const exporter = exporterConfig('https://127.0.0.1:9', { protocol, tls })
    const transport = createTransport({ exporter, exportTimeoutMillis: 20_000 })
    onTestFinished(() => transport.close())
    const { kind, reason } = { reason: '', ...(await transport.send(REQUEST, AbortSignal.abort())) }
    expect({ kind, reason }).toEqual({
      kind: 'retryable',
      reason: expect.stringMatching(/request failed before sending: not ready in time$/),
    })
  },
)

const failed101 = { kind: 'failed', reason: 'HTTP 101 (receiver speaks another protocol)', status: 101 }
const noAnswer = { kind: 'retryable', reason: 'HTTP request failed: no response in time' }

/** Functions that make one attempt over HTTP, by name. */
const attempts: Record<string, (exporter: ExporterConfig) => Promise<ExportOutcome>> = {
  createHttpTransport: async (exporter) => {
    const transport = createHttpTransport(exporter)
    onTestFinished(() => transport.close())
    return await transport.send(REQUEST, never)
  },
  createHttpSend: (exporter) =>
    createHttpSend(resolveExitTarget(exporter, 'logs'))(REQUEST, AbortSignal.timeout(exporter.timeoutMillis)),
}

const answers: readonly [string, (socket: Socket) => unknown, object][] = [
  [
    'switches protocols',
    (socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'),
    failed101,
  ],
  [
    'switches to no protocol',
    (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
    failed101,
  ],
  [
    'closes the connection',
    (socket) => socket.end(),
    { kind: 'retryable', reason: 'HTTP request failed: ECONNRESET' },
  ],
  ['informs without end', (socket) => repeat(socket, 'HTTP/1.1 102 Processing\r\n\r\n'), noAnswer],
  [
    'sends headers without end',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      repeat(socket, 'x: y\r\n')
    },
    noAnswer,
  ],
  [
    'sends a body without end',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n')
      repeat(socket, 'x')
    },
    { kind: 'delivered', rejected: 0, status: 200 },
  ],
  ['says nothing', () => {}, noAnswer],
]

test.each(
  Object.entries(attempts).flatMap(([name, attempt]) =>
    answers.map(([answers, answer, outcome]) => [name, answers, attempt, answer, outcome] as const),
  ),
)('%s over HTTP ends when the receiver %s', async (_, _answers, attempt, answer, outcome) => {
  const sockets = new Set<Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    socket.once('data', () => answer(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  // An answer must not come too late for it, however busy the machine is.
  const timeoutMillis = outcome === noAnswer || 'rejected' in outcome ? 200 : 20_000
  const exporter = exporterConfig(url, { protocol: 'http/protobuf', timeoutMillis })
  // One attempt is enough of those that would be made again.
  expect(await attempt(exporter)).toEqual(outcome)
  for (const socket of sockets) await vi.waitFor(() => expect(socket.resume().destroyed).toBe(true))
})

/** Writes a text again and again until the connection is closed. */
function repeat(socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), 10)
  socket.on('close', () => clearInterval(timer))
}

test('withDeadline leaves no listener on the signal', async () => {
  const { signal } = new AbortController()
  await withDeadline(1000, signal, async () => {})
  await expect(withDeadline(1000, signal, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('raceAbort leaves no listener on the signal', async () => {
  const { signal } = new AbortController()
  expect(await raceAbort(signal, Promise.resolve(1))).toBe(1)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('waitUntilSent returns at once when the request was closed before it was sent', async () => {
  const closed = Object.assign(new EventEmitter(), { writableFinished: false, closed: true })
  expect(await waitUntilSent(closed, true, never, () => {})).toBe(false)
})

test('createHttpTransport has a retryable outcome when an attempt is aborted before its request is compressed', async () => {
  const exporter = exporterConfig('http://127.0.0.1:9', { protocol: 'http/protobuf', compression: 'gzip' })
  const transport = createHttpTransport(exporter)
  onTestFinished(() => transport.close())
  expect(await transport.send(Buffer.alloc(10_000), AbortSignal.abort())).toEqual({
    kind: 'retryable',
    reason: 'HTTP request failed before sending: not ready in time',
  })
})

test('createHttpTransport ends an attempt and its connection when the attempt was aborted before it began', async () => {
  const receiver = await startHttpReceiver()
  onTestFinished(receiver.close)
  receiver.answer = () => ({ fault: 'silent' })
  const transport = createHttpTransport(exporterConfig(receiver.url, { protocol: 'http/protobuf' }))
  onTestFinished(() => transport.close())
  expect(await transport.send(REQUEST, AbortSignal.abort())).toEqual(noAnswer)
  expect(receiver.requests).toEqual([])
})

test.each([
  ['the time is up', 10, never],
  ['it is aborted', 60_000, AbortSignal.timeout(10)],
])('withDeadline aborts an attempt that never ends when %s', async (_, timeoutMillis, signal) => {
  const endless = withDeadline(timeoutMillis, signal, () => new Promise(() => {}))
  await expect(endless).rejects.toMatchObject({ name: 'AbortError' })
})
