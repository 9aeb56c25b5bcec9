import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { timers } from '@logbridge/bridge/internal'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { expectBalance } from '@logbridge/test-support/faultCounts'
import { useFakeTimers } from '@logbridge/test-support/fakeTimers'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { encodeScope } from '../../src/otlp/openBatch.ts'
import { countInTurns, delivered, slowClock, start } from '../manualPipeline.ts'
import { receiver } from '../receive.ts'

capturedWarnings()
const { decode } = receiver()

describe('SendingQueue after an outage', () => {
  /** Starts a pipeline with four requests in flight, and eight that wait. */
  async function outage() {
    const parts = start({ maxExportBatchSize: 1, scheduledDelayMillis: 2 ** 30 })
    for (let i = 0; i < 12; i += 1) parts.write(i)
    await parts.transport.arrived(4)
    return parts
  }
  const afterRetries = { ...delivered, attempts: 7 }

  /** Lets no delay end by itself. */
  function stopClock(): void {
    useFakeTimers(timers, { toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
  }

  test('sends requests in a backoff at once', async () => {
    const { transport } = await outage()
    transport.answer(afterRetries)
    await vi.waitFor(() => expect(transport.wakes).toBe(1))
  })

  test('drains the backlog oldest first, at concurrency 1, then up to 4', async () => {
    const { transport, pipeline } = await outage()
    for (let i = 0; i < 4; i += 1) transport.answer(afterRetries)
    await transport.arrived(5)
    for (const inFlight of [1, 2, 3, 4]) {
      const arrived = transport.requests.length
      await vi.waitFor(() => expect(pipeline.stats().inFlight).toBe(inFlight))
      transport.answer()
      await transport.arrived(arrived + 1)
    }
    const bodies: unknown[] = []
    for (const request of transport.requests) bodies.push(...(await decode(request)).map(({ body }) => body))
    expect(bodies).toEqual(Array.from(bodies, (_, index) => index))
    expectBalance(pipeline.stats())
  })

  test.each([
    [300, 300],
    [1000, 5000],
  ])('delays the next request by %i ms when the last request took %i ms', async (delay, millis) => {
    stopClock()
    const { transport } = await outage()
    vi.advanceTimersByTime(millis)
    for (let i = 0; i < 4; i += 1) transport.answer(afterRetries)
    for (const left of [delay - 1, 1]) {
      for (let n = 0; n < 10; n += 1) await turn()
      expect(transport.requests).toHaveLength(4)
      vi.advanceTimersByTime(left)
    }
    await transport.arrived(5)
  })

  test('skips the drain delays when a flush waits', async () => {
    stopClock()
    const { transport, pipeline } = await outage()
    const flushed = pipeline.forceFlush()
    for (let i = 0; i < 4; i += 1) transport.answer(afterRetries)
    for (let i = 5; i <= 12; i += 1) {
      await transport.arrived(i)
      transport.answer()
    }
    await flushed
    expect(pipeline.stats()).toMatchObject({ delivered: 12, queued: 0, inFlight: 0 })
  })
})

test('SendingQueue keeps no memory for flushes that have ended during an outage', async () => {
  const { transport, pipeline, write } = start({ maxExportBatchSize: 1, scheduledDelayMillis: 2 ** 30 })
  for (let i = 0; i < 2000; i += 1) write(i)
  await transport.arrived(4)
  await pipeline.forceFlush(1)
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heap = (): number => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = heap()
  for (let i = 0; i < 200; i += 1) await pipeline.forceFlush(0)
  // An object for each flush and batch would take 60 MB.
  expect(heap() - before).toBeLessThan(10e6)
})

describe('SendingQueue with a request that was split', () => {
  const tooLarge = { kind: 'too_large', reason: 'larger than max' } as const

  /** Starts a pipeline of eight records, of which four are delivered and two are in flight. */
  async function halfWay(options: Parameters<typeof start>[0] = {}) {
    const parts = start({ maxExportBatchSize: 8, ...options })
    for (let i = 0; i < 8; i += 1) parts.write(i, i < 4 ? 9 : 17)
    for (const [index, outcome] of [tooLarge, delivered, tooLarge].entries()) {
      await parts.transport.arrived(index + 1)
      parts.transport.answer(outcome)
    }
    await parts.transport.arrived(4)
    return parts
  }

  test('drops only its unsent records when the pipeline is shut down', async () => {
    const onDrop = vi.fn()
    const { pipeline } = await halfWay({ onDrop })
    expectBalance(pipeline.stats())
    await pipeline.shutdown(1)
    expect(pipeline.stats()).toMatchObject({
      delivered: 4,
      dropped: { shutdown_timeout: 4 },
      queued: 0,
      inFlight: 0,
    })
    expect(onDrop.mock.calls).toEqual([['shutdown_timeout', 4, 17]])
  })
})

describe('SendingQueue with four requests in flight', () => {
  test('encodes one batch in a turn of the event loop when a resource detector ends', async () => {
    slowClock()
    const { promise: ready, resolve: end } = Promise.withResolvers<void>()
    const bytes = vi.fn(() => new Uint8Array())
    const { transport, write } = start({ maxExportBatchSize: 1 })
    for (let i = 0; i < 4; i += 1) write(i, 9, encodeScope({ name: 'orders' }, { bytes, ready }))
    for (let n = 0; n < 10; n += 1) await turn()
    expect(transport.requests).toHaveLength(0)
    end()
    expect(await countInTurns(4, () => bytes.mock.calls.length)).toEqual([1, 1, 1, 1])
    await transport.arrived(4)
  })

  test('counts the drops of one request in a turn of the event loop when the receiver refuses all of them', async () => {
    slowClock()
    const { transport, pipeline, write } = start({ maxExportBatchSize: 1 })
    for (let i = 0; i < 4; i += 1) write(i)
    await transport.arrived(4)
    for (let i = 0; i < 4; i += 1) transport.answer({ kind: 'failed', reason: 'no' })
    expect(await countInTurns(4, () => pipeline.stats().dropped.export_failed ?? 0)).toEqual([1, 1, 1, 1])
    expectBalance(pipeline.stats())
  })
})
