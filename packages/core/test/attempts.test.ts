import { getEventListeners } from 'node:events'
import { timers } from '@logbridge/bridge'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startGrpcReceiver, startHttpReceiver } from '../../../tests/support/scriptedReceiver.ts'
import { createTransport } from '../src/delivery/create.ts'
import { exporterConfig, REQUEST } from './exporterConfig.ts'

const protocols = [
  ['grpc', startGrpcReceiver],
  ['http/protobuf', startHttpReceiver],
] as const

test.each(protocols)('%s: an attempt leaves neither listeners nor timers', async (protocol, start) => {
  const receiver = await start()
  onTestFinished(receiver.close)
  receiver.answer = (_, n) => (n % 2 === 0 ? { fate: 'silent' } : {})
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
  // Those for the deadline.
  const deadlines = started.mock.calls.flatMap(([, millis], call) =>
    millis === 20_000 ? [started.mock.results[call]?.value] : [],
  )
  expect(deadlines.length).toBeGreaterThanOrEqual(10)
  const clearedTimers = cleared.mock.calls.map(([timer]) => timer)
  for (const timer of deadlines) expect(clearedTimers).toContain(timer)
})

test.each(protocols)(
  '%s: an attempt that ends while certificates are looked at says so',
  async (protocol) => {
    const tls = { files: { ca: import.meta.filename } }
    const exporter = exporterConfig('https://127.0.0.1:9', { protocol, tls })
    const transport = createTransport({ exporter, exportTimeoutMillis: 20_000 })
    onTestFinished(() => transport.close())
    const { kind, reason } = { reason: '', ...(await transport.send(REQUEST, AbortSignal.abort())) }
    expect({ kind, reason }).toEqual({
      kind: 'retryable',
      reason: expect.stringMatching(/request impossible: not ready in time$/),
    })
  },
)
