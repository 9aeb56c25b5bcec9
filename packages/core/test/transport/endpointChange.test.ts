import dns from 'node:dns'
import { afterEach, expect, test, vi } from 'vitest'
import { type FaultProxy, startFaultProxy } from '@logbridge/test-support/faultProxy'
import { startGrpcReceiver, startHttpReceiver } from '@logbridge/test-support/scriptedReceiver'
import { createTransport } from '../../src/transport/createTransport.ts'
import { createGrpcTransport } from '../../src/transport/grpc.ts'
import { createHttpTransport } from '../../src/transport/http.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { exporterConfig, never, REQUEST } from './exporterConfig.ts'
import { type NameServer, startNameServer } from './nameServer.ts'

// Receivers that move and that are several behind one name, which a name server of the test resolves.

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

/** Two receivers at 127.0.0.1 and 127.0.0.2 with one port, each behind a proxy, and a name for the first of them. */
async function startTwo(start: typeof startGrpcReceiver | typeof startHttpReceiver) {
  const receivers = [await start(), await start()] as const
  const first = await startFaultProxy(receivers[0].url)
  const second = await startFaultProxy(receivers[1].url, { host: '127.0.0.2', port: first.port })
  const names = await startNameServer(['127.0.0.1'])
  cleanups.push(receivers[0].close, receivers[1].close, first.close, second.close, names.close)
  return { receivers, first, second, names }
}

function overGrpc(names: NameServer, { port }: FaultProxy, timeoutMillis = 10_000): Transport {
  const url = `dns://127.0.0.1:${names.port}/collector.test:${port}`
  const transport = createGrpcTransport(exporterConfig(url, { timeoutMillis }))
  cleanups.push(() => transport.close())
  return transport
}

function untilDelivered(transport: Transport): Promise<void> {
  return vi.waitFor(
    async () => expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'delivered' }),
    { timeout: 15_000, interval: 50 },
  )
}

test(
  'createGrpcTransport finds a receiver at its new address within seconds when the receiver has moved',
  { tags: 'long', timeout: 20_000 },
  async () => {
    const { receivers, first, second, names } = await startTwo(startGrpcReceiver)
    const transport = overGrpc(names, first)
    await untilDelivered(transport)
    await first.refuse()
    expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'retryable' })
    names.addresses = [second.host]
    await untilDelivered(transport)
    expect(receivers.map(({ requests }) => requests.length)).toEqual([1, 1])
  },
)

test('createGrpcTransport finds a receiver at its new address after one attempt when the connections are left half open', async () => {
  const { receivers, first, second, names } = await startTwo(startGrpcReceiver)
  const transport = overGrpc(names, first, 300)
  await untilDelivered(transport)
  first.halfOpen()
  names.addresses = [second.host]
  expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'retryable' })
  expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'delivered' })
  expect(receivers[1].requests).toHaveLength(1)
})

test('createGrpcTransport shares the requests among the receivers of a name, and loses none when one dies', async () => {
  const { receivers, first, second, names } = await startTwo(startGrpcReceiver)
  names.addresses = [first.host, second.host]
  const url = `dns://127.0.0.1:${names.port}/collector.test:${first.port}`
  const transport = createTransport({ exporter: exporterConfig(url), exportTimeoutMillis: 30_000 })
  cleanups.push(() => transport.close())
  const send = async (id: number): Promise<void> => {
    const outcome = await transport.send(Buffer.from(`id ${id}`), never)
    expect(outcome).toMatchObject({ kind: 'delivered' })
  }
  // Either connection may still be in the making when the first requests go out.
  while (receivers.some(({ requests }) => requests.length < 10)) await send(0)
  // The receiver ends with an unanswered request.
  receivers[0].answer = () => ({ fault: 'silent' })
  const before = receivers[0].requests.length
  const sent = Array.from({ length: 10 }, (_, index) => send(1000 + index))
  await vi.waitFor(() => expect(receivers[0].requests.length).toBeGreaterThan(before))
  await first.refuse()
  await Promise.all(sent)
  const arrived = new Set(receivers[1].requests.map(({ body }) => body.toString()))
  for (let index = 0; index < 10; index += 1) expect(arrived).toContain(`id ${1000 + index}`)
})

test('createHttpTransport finds a receiver at its new address at once when the receiver has moved', async () => {
  const { receivers, first, second, names } = await startTwo(startHttpReceiver)
  const resolver = new dns.Resolver()
  resolver.setServers([`127.0.0.1:${names.port}`])
  // A mock, because the resolver of the system cannot use another name server.
  vi.spyOn(dns, 'lookup').mockImplementation(((
    name: string,
    { all }: dns.LookupOptions,
    callback: (...answer: unknown[]) => void,
  ) =>
    resolver.resolve4(name, (error, addresses) => {
      if (error) callback(error)
      else if (all)
        callback(
          null,
          addresses.map((address) => ({ address, family: 4 })),
        )
      else callback(null, addresses[0], 4)
    })) as never)
  const url = `http://collector.test:${first.port}/v1/logs`
  const transport = createHttpTransport(exporterConfig(url, { timeoutMillis: 300 }))
  cleanups.push(() => transport.close())
  await untilDelivered(transport)
  names.addresses = [second.host]
  // The name is not resolved again while its connection is open.
  await untilDelivered(transport)
  expect(receivers.map(({ requests }) => requests.length)).toEqual([2, 0])
  first.halfOpen()
  expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'retryable' })
  expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'delivered' })
  names.addresses = [first.host]
  await second.refuse()
  expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'delivered' })
  expect(receivers.map(({ requests }) => requests.length)).toEqual([3, 1])
})
