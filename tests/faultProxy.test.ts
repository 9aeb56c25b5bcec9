import http from 'node:http'
import { afterEach, expect, test, vi } from 'vitest'
import { type FaultProxy, startFaultProxy } from '@logbridge/test-support/faultProxy'
import {
  type HttpAnswer,
  type ScriptedReceiver,
  startHttpReceiver,
} from '@logbridge/test-support/scriptedReceiver'

// Tests of the proxy, because a fault test without its fault would prove nothing.

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function start(): Promise<{ receiver: ScriptedReceiver<HttpAnswer>; proxy: FaultProxy }> {
  const receiver = await startHttpReceiver()
  const proxy = await startFaultProxy(receiver.url)
  cleanups.push(receiver.close, proxy.close)
  return { receiver, proxy }
}

/** Sends a POST, on a kept connection when `agent` keeps connections. */
function post(
  url: string,
  { body = 'x', agent = new http.Agent(), signal = AbortSignal.timeout(5000) } = {},
) {
  return new Promise<string>((resolve, reject) => {
    const call = http.request(url, { method: 'POST', agent, signal }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
      response.on('end', () => resolve(Buffer.concat(chunks).toString()))
    })
    call.on('error', reject).end(body)
  })
}

test('startFaultProxy forwards bytes and counts connections', async () => {
  const { receiver, proxy } = await start()
  receiver.answer = ({ body }) => ({ body })
  const large = 'x'.repeat(300_000)
  expect(await post(proxy.url, { body: large })).toBe(large)
  expect(await post(proxy.url)).toBe('x')
  expect(proxy.accepted).toBe(2)
  await vi.waitFor(() => expect(proxy.open).toBe(0))
})

test('startFaultProxy refuses connections and listens again on the same port', async () => {
  const { proxy } = await start()
  await proxy.refuse()
  await expect(post(proxy.url)).rejects.toThrow('ECONNREFUSED')
  await proxy.listen()
  expect(await post(proxy.url)).toBe('')
})

test('startFaultProxy resets open connections', async () => {
  const { receiver, proxy } = await start()
  receiver.answer = () => ({ fault: 'silent' })
  const posted = post(proxy.url)
  await vi.waitFor(() => expect(receiver.requests).toHaveLength(1))
  proxy.reset()
  await expect(posted).rejects.toMatchObject({ code: 'ECONNRESET' })
})

test('startFaultProxy keeps half-open connections silent and open while new connections work', async () => {
  const { receiver, proxy } = await start()
  const agent = new http.Agent({ keepAlive: true })
  await post(proxy.url, { agent })
  proxy.halfOpen()
  const posted = post(proxy.url, { agent, signal: AbortSignal.timeout(100) })
  await expect(posted).rejects.toThrow('abort')
  expect(await post(proxy.url)).toBe('')
  expect(receiver.requests).toHaveLength(2)
})

test('startFaultProxy cuts the given number of requests and answers', async () => {
  const { receiver, proxy } = await start()
  proxy.fault = { cut: { of: 'request', afterBytes: 10 } }
  await expect(post(proxy.url)).rejects.toThrow()
  expect(await post(proxy.url)).toBe('')
  expect(receiver.requests).toHaveLength(1)
  proxy.fault = { cut: { of: 'answer', afterBytes: 10, times: 2 } }
  await expect(post(proxy.url)).rejects.toThrow()
  await expect(post(proxy.url)).rejects.toThrow()
  expect(await post(proxy.url)).toBe('')
  expect(receiver.requests).toHaveLength(4)
  expect(proxy.cuts).toBe(3)
})

test('startFaultProxy delays bytes by latency and by bandwidth', async () => {
  const { proxy } = await start()
  for (const fault of [{ latencyMillis: 100 }, { bytesPerSecond: 1000 }]) {
    proxy.fault = fault
    const hasty = post(proxy.url, { body: 'x'.repeat(300), signal: AbortSignal.timeout(50) })
    await expect(hasty).rejects.toThrow('abort')
    expect(await post(proxy.url, { body: 'x'.repeat(300) })).toBe('')
  }
})

test('startFaultProxy forwards new connections to another receiver', async () => {
  const { proxy } = await start()
  const other = await startHttpReceiver()
  cleanups.push(other.close)
  proxy.forwardTo(other.url)
  expect(await post(proxy.url)).toBe('')
  expect(other.requests).toHaveLength(1)
})
