import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { timers } from '@logbridge/bridge/internal'
import { useFakeTimers } from '@logbridge/test-support/fakeTimers'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { expectBalance } from '@logbridge/test-support/faultCounts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { PipelineCounters } from '../../src/queue/counters.ts'
import { OpenBatch } from '../../src/otlp/openBatch.ts'
import { SpooledQueue } from '../../src/queue/spooledQueue.ts'
import type { Spool } from '../../src/spool/types.ts'
import { delivered, ManualTransport, recordOf, scope, start } from '../manualPipeline.ts'
import { receiver } from '../receive.ts'

capturedWarnings()
const { decode } = receiver()

describe('SendingQueue after an outage', () => {
  /** Four requests in flight that have been tried again and again, and more that wait. */
  async function outage() {
    const parts = start({ maxExportBatchSize: 1, scheduledDelayMillis: 2 ** 30 })
    for (let i = 0; i < 12; i += 1) parts.write(i)
    await parts.transport.arrived(4)
    return parts
  }
  const afterRetries = { ...delivered, attempts: 7 }

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

  test('skips the drain delays when a flush waits', async () => {
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
  // With something kept for each flush and batch it would be 60 MB.
  expect(heap() - before).toBeLessThan(10e6)
})

test.each<[string, Spool['append']]>([
  ['no longer answers', () => new Promise(() => {})],
  [
    'refuses each batch after a second',
    () => new Promise((resolve) => timers.setTimeout(() => resolve(undefined), 1000)),
  ],
  ['throws', () => Promise.reject(new Error('mock'))],
])(
  'SpooledQueue waits a bounded time for all batches when it is shut down and the disk %s',
  async (_, append) => {
    useFakeTimers(timers, { toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const never = (): Promise<never> => new Promise(() => {})
    /** A mock: a network drive whose server has stopped. */
    const spool: Spool = {
      bytes: 0,
      memory: 0,
      waiting: 0,
      append,
      appendSync: (requests) => requests.map(() => undefined),
      park() {},
      take: () => [],
      read: never,
      ack() {},
      recover: never,
      close: never,
      closeSync() {},
    }
    const open = new OpenBatch()
    const counters = new PipelineCounters(undefined)
    const queue = new SpooledQueue(new ManualTransport(), counters, spool, undefined, {
      bytes: Infinity,
      records: 1,
    })
    for (let i = 0; i < 100; i += 1) {
      counters.created += 1
      counters.queued += 1
      open.add(scope, recordOf(i, 9), {})
      queue.add(open.seal()!)
    }
    const closed = vi.fn()
    void queue.close(0).then(closed)
    await vi.advanceTimersByTimeAsync(10_000)
    await vi.waitFor(() => expect(closed).toHaveBeenCalled())
    expect(counters.stats(0)).toMatchObject({ dropped: { shutdown_timeout: 100 }, queued: 0, inFlight: 0 })
  },
)

describe('a request that was split because it is too large', () => {
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

test('LogPipeline adds a log.record.uid to each record without one when recordUid is set', async () => {
  const { transport, pipeline } = start({ recordUid: true, limits: { attributeCountLimit: 1 } })
  for (const attributes of [undefined, { a: 1 }, { 'log.record.uid': 'mine' }]) {
    pipeline.write(scope, { ...recordOf('x', 9), attributes })
  }
  void pipeline.forceFlush()
  await transport.arrived(1)
  const sent = await decode(transport.requests[0]!)
  const uids = sent.map(({ attributes }) => attributes['log.record.uid'])
  expect(uids).toEqual([
    expect.stringMatching(/^[\da-f-]{36}$/),
    expect.stringMatching(/^[\da-f-]{36}$/),
    'mine',
  ])
  expect(uids[0]).not.toBe(uids[1])
  expect(sent[1]!.attributes['a']).toBe(1)
})

test('LogPipeline adds a log.record.uid when the attributes of a record are no plain object', async () => {
  const { transport, pipeline } = start({ recordUid: true })
  const fails = (): never => {
    throw new Error('of a trap')
  }
  const strange: unknown[] = [
    'text',
    7,
    new Proxy({}, { has: fails, getOwnPropertyDescriptor: fails }),
    { 'log.record.uid': undefined },
    Object.create({ 'log.record.uid': 'inherited' }),
  ]
  for (const attributes of strange) {
    pipeline.write(scope, { ...recordOf('x', 9), attributes: attributes as object })
  }
  expect(pipeline.stats().dropped).toEqual({})
  void pipeline.forceFlush()
  await transport.arrived(1)
  for (const { attributes } of await decode(transport.requests[0]!)) {
    expect(attributes['log.record.uid']).toMatch(/^[\da-f-]{36}$/)
  }
})
