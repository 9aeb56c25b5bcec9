import { once } from 'node:events'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createLoggerProvider, type LoggerProviderOptions } from '@logbridge/core'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { reportCounts } from '@logbridge/test-support/faultCounts'
import { type FaultProxy, startFaultProxy } from '@logbridge/test-support/faultProxy'
import {
  type ScriptedReceiver,
  startGrpcReceiver,
  startHttpReceiver,
} from '@logbridge/test-support/scriptedReceiver'
import { NOTHING } from '@logbridge/test-support/stats'

// Concurrency, connections, and tokens of requests.

const WAIT_OPTIONS = { timeout: 60_000, interval: 5 }

const protocols = [
  ['grpc', startGrpcReceiver],
  ['http/protobuf', startHttpReceiver],
] as const

interface Line {
  readonly receiver: ScriptedReceiver<object>
  readonly proxy: FaultProxy
  start(options?: LoggerProviderOptions): ReturnType<typeof createLoggerProvider>
}

async function lineTo(
  protocol: 'grpc' | 'http/protobuf',
  open: (typeof protocols)[number][1],
): Promise<Line> {
  const receiver = await open()
  onTestFinished(() => receiver.close())
  const proxy = await startFaultProxy(receiver.url)
  onTestFinished(() => proxy.close())
  return {
    receiver,
    proxy,
    start(options) {
      const endpoint = proxy.url
      const provider = createLoggerProvider({
        endpoint,
        protocol,
        register: false,
        maxExportBatchSize: 1,
        ...options,
      })
      onTestFinished(() => provider.shutdown(0))
      return provider
    },
  }
}

/** Makes the receiver answer after a delay. Returns the number of open requests at the arrival of each request. */
function watchOverlap(receiver: ScriptedReceiver<object>): number[] {
  const overlap: number[] = []
  let open = 0
  receiver.answer = async () => {
    open += 1
    overlap.push(open)
    await delay(20)
    open -= 1
    return {}
  }
  return overlap
}

function log(provider: ReturnType<typeof createLoggerProvider>, count: number): void {
  const logger = provider.getLogger('requests')
  for (let body = 0; body < count; body += 1) logger.emit({ body, severityNumber: 9 })
}

describe.each(protocols)('over %s', (protocol, open) => {
  test('provider keeps at most four requests in flight when the receiver is slow', async () => {
    const { receiver, start } = await lineTo(protocol, open)
    const overlap = watchOverlap(receiver)
    const provider = start()
    log(provider, 60)
    await vi.waitFor(() => expect(provider.stats().delivered).toBe(60), WAIT_OPTIONS)
    expect(Math.max(...overlap)).toBe(4)
    reportCounts(`slow receiver, ${protocol}`, provider.stats(), { concurrency: Math.max(...overlap) })
  })

  test('provider sends the spool of an ended process with one request first and more later', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'logbridge-requests-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const { receiver, proxy, start } = await lineTo(protocol, open)
    await proxy.refuse()
    const first = start({ spool: { directory } })
    log(first, 60)
    await first.shutdown(1)
    expect(first.stats()).toMatchObject({ queued: 60, spooled: 60, dropped: NOTHING })

    const overlap = watchOverlap(receiver)
    await proxy.listen()
    const second = start({ spool: { directory } })
    await vi.waitFor(() => expect(second.stats().delivered).toBe(60), WAIT_OPTIONS)
    expect(overlap.slice(0, 2)).toEqual([1, 1])
    expect(Math.max(...overlap)).toBeLessThanOrEqual(4)
    reportCounts(`backlog, ${protocol}`, second.stats(), {
      'concurrency at first': overlap.slice(0, 8).join(' '),
    })
  })

  test('provider calls headers() for each request, also after a reconnect', async () => {
    const { receiver, proxy, start } = await lineTo(protocol, open)
    let calls = 0
    const provider = start({
      async headers() {
        calls += 1
        await delay(1)
        return { authorization: `Bearer token-${calls}` }
      },
    })
    for (let round = 1; round <= 3; round += 1) {
      log(provider, 5)
      await vi.waitFor(() => expect(provider.stats().delivered).toBe(5 * round), WAIT_OPTIONS)
      proxy.reset()
    }
    const tokens = receiver.requests.map(({ headers }) => headers.authorization)
    expect(new Set(receiver.requests.map(({ connection }) => connection)).size).toBeGreaterThanOrEqual(3)
    expect(tokens.length).toBeGreaterThanOrEqual(15)
    for (const token of tokens) expect(token).toMatch(/^Bearer token-\d+$/)
    // The newest token of each round grows, so no old token returns.
    const newest = [5, 10, 15].map((end) =>
      Math.max(...tokens.slice(end - 5, end).map((t) => Number(t!.split('-')[1]))),
    )
    expect(newest).toEqual(newest.toSorted((a, b) => a - b))
    expect(new Set(newest).size).toBe(3)
    reportCounts(`token rotates over reconnects, ${protocol}`, provider.stats(), { tokens: calls })
  })
})

test(
  'provider pings a gRPC connection in use, so that firewalls keep its state',
  { tags: ['long'] },
  async () => {
    const server = http2.createServer()
    const pings: number[] = []
    server.on('session', (session) => session.on('ping', () => pings.push(performance.now())))
    server.on('stream', (stream) => {
      stream.resume().on('end', () => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
        stream.end(Buffer.alloc(5))
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const provider = createLoggerProvider({ endpoint, register: false, maxExportBatchSize: 1 })
    onTestFinished(() => provider.shutdown(0))
    const stream = setInterval(() => log(provider, 1), 100)
    onTestFinished(() => clearInterval(stream))
    await vi.waitFor(() => expect(pings).not.toEqual([]), WAIT_OPTIONS)
    expect(provider.stats().dropped).toEqual({})
  },
)
