import { once } from 'node:events'
import http2 from 'node:http2'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { timers } from '@logbridge/bridge/internal'
import { startFaultProxy } from '@logbridge/test-support/faultProxy'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createGrpcTransport } from '../../src/transport/grpc.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { clientSockets } from './clientSockets.ts'
import { exporterConfig, never, REQUEST } from './exporterConfig.ts'
import { accept, startHttp2Server } from './http2Server.ts'

const PING_INTERVAL = 30_000
/** Time for the answer to a ping, and for the close of a connection. */
const CLOSE_TIMEOUT = 10_000
const IDLE_TIMEOUT = 30 * 60 * 1000
/** Differs from the times above. */
const DEADLINE = 77_777

function connect(url: string): Transport {
  const transport = createGrpcTransport(exporterConfig(url, { timeoutMillis: DEADLINE }))
  onTestFinished(() => transport.close())
  return transport
}

interface Timer {
  readonly millis: number
  run(): void
}

/** Replaces the timers of a session, which the test runs. */
function heldTimers(): { pending(millis: number): Timer[]; run(millis: number): Promise<void> } {
  const active = new Map<unknown, Timer>()
  const { setTimeout, clearTimeout } = timers
  vi.spyOn(timers, 'setTimeout').mockImplementation(((run: () => void, millis: number) => {
    const timer = setTimeout(() => {}, 0)
    // A ping is due somewhat less than its interval after the connection is open.
    active.set(timer, { millis: Math.ceil(millis / 1000) * 1000, run })
    return timer
  }) as typeof timers.setTimeout)
  vi.spyOn(timers, 'clearTimeout').mockImplementation(((timer: NodeJS.Timeout) => {
    active.delete(timer)
    clearTimeout(timer)
  }) as typeof timers.clearTimeout)
  onTestFinished(() => void vi.restoreAllMocks())
  const pending = (millis: number): Timer[] => [...active.values()].filter((timer) => timer.millis === millis)
  return {
    pending,
    async run(millis) {
      await vi.waitFor(() => expect(pending(millis)).not.toEqual([]), 5000)
      for (const [key, timer] of active) {
        if (timer.millis !== millis) continue
        active.delete(key)
        timer.run()
      }
    },
  }
}

test('Http2Session pings while a request is unanswered, and again when the ping is answered', async () => {
  const held = heldTimers()
  const { url, sessions } = await startHttp2Server(() => {})
  const controller = new AbortController()
  const sent = connect(url).send(REQUEST, controller.signal)
  for (let pings = 1; pings <= 2; pings += 1) {
    await vi.waitFor(() => expect(sessions).toHaveLength(1))
    const pinged = once(sessions[0]!, 'ping')
    await held.run(PING_INTERVAL)
    await pinged
  }
  controller.abort()
  await sent
  expect(held.pending(PING_INTERVAL)).toEqual([])
})

test('Http2Session closes the connection when a ping is not answered', async () => {
  const held = heldTimers()
  const { url } = await startHttp2Server(() => {})
  const proxy = await startFaultProxy(url)
  onTestFinished(proxy.close)
  const sent = connect(proxy.url).send(REQUEST, never)
  await vi.waitFor(() => expect(held.pending(PING_INTERVAL)).not.toEqual([]))
  proxy.halfOpen()
  await held.run(PING_INTERVAL)
  await held.run(CLOSE_TIMEOUT)
  expect(await sent).toEqual({ kind: 'retryable', reason: expect.stringMatching(/^gRPC UNAVAILABLE: /) })
})

test('Http2Session pings half as often on the next connection when the receiver has too many pings', async () => {
  const held = heldTimers()
  const { url, sessions } = await startHttp2Server((_, session) => {
    if (sessions.length > 1) return
    session.goaway(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'))
  })
  const transport = connect(url)
  expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'retryable' })
  const controller = new AbortController()
  const sent = transport.send(REQUEST, controller.signal)
  await held.run(1000)
  await vi.waitFor(() => expect(held.pending(2 * PING_INTERVAL)).not.toEqual([]))
  expect(held.pending(PING_INTERVAL)).toEqual([])
  controller.abort()
  await sent
})

test('Http2Session closes the connection when it is idle for half an hour', async () => {
  const held = heldTimers()
  const { url, sessions } = await startHttp2Server(accept)
  const transport = connect(url)
  expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'delivered' })
  const closed = once(sessions[0]!, 'close')
  await held.run(IDLE_TIMEOUT)
  await closed
  expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'delivered' })
  expect(sessions).toHaveLength(2)
})

test('Http2Session closes a drained connection after 10 s when the receiver leaves it open', async () => {
  const held = heldTimers()
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket.on('error', () => {}).resume())
    // An empty SETTINGS frame.
    socket.write(Buffer.from('000000040000000000', 'hex'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const open = clientSockets()
  const transport = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const controller = new AbortController()
  const sent = transport.send(REQUEST, controller.signal)
  await vi.waitFor(() => expect(held.pending(PING_INTERVAL)).not.toEqual([]))
  controller.abort()
  await sent
  const ended = once(sockets[0]!, 'end')
  transport.close()
  await ended
  expect(open.size).toBe(1)
  await held.run(CLOSE_TIMEOUT)
  await vi.waitFor(() => expect(open.size).toBe(0))
})
