import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { timers } from '@logbridge/bridge/internal'
import { useFakeTimers } from '@logbridge/test-support/fakeTimers'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { expectBalance } from '@logbridge/test-support/faultCounts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { PipelineCounters } from '../../src/queue/counters.ts'
import { OpenBatch } from '../../src/otlp/openBatch.ts'
import { SendingQueue } from '../../src/queue/sendingQueue.ts'
import type { Spool } from '../../src/spool/types.ts'
import { delivered, ManualTransport, recordOf, scope, start } from '../manualPipeline.ts'
import { receiver } from '../receive.ts'

capturedWarnings()
const { decode } = receiver()

describe('when the receiver is back', () => {
  /** Four requests in flight that have been tried again and again, and more that wait. */
  async function outage() {
    const parts = start({ maxExportBatchSize: 1, scheduledDelayMillis: 2 ** 30 })
    for (let i = 0; i < 12; i += 1) parts.write(i)
    await parts.transport.arrived(4)
    return parts
  }
  const afterRetries = { ...delivered, attempts: 7 }

  test('requests that wait for the end of a backoff need not', async () => {
    const { transport } = await outage()
    transport.answer(afterRetries)
    await vi.waitFor(() => expect(transport.wakes).toBe(1))
  })

  test('what has piled up goes by one request at first, oldest first, then by more', async () => {
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

  test('a flush does not pause', async () => {
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

test('flushes again and again, while nothing can be sent, take no memory', async () => {
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
])('a shutdown waits for a disk that %s, but not for each batch, nor for ever', async (_, append) => {
  useFakeTimers(timers, { toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const never = (): Promise<never> => new Promise(() => {})
  /** A mock: a network drive, say, whose server has gone. */
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
  const account = new PipelineCounters(undefined)
  const dispatcher = new SendingQueue(new ManualTransport(), account, spool, undefined, {
    bytes: Infinity,
    records: 1,
  })
  for (let i = 0; i < 100; i += 1) {
    account.created += 1
    account.queued += 1
    open.add(scope, recordOf(i, 9), {})
    dispatcher.add(open.seal()!)
  }
  const closed = vi.fn()
  void dispatcher.close(0).then(closed)
  await vi.advanceTimersByTimeAsync(10_000)
  await vi.waitFor(() => expect(closed).toHaveBeenCalled())
  expect(account.stats(0)).toMatchObject({ dropped: { shutdown: 100 }, queued: 0, inFlight: 0 })
})

describe('a request that goes in parts, as it was too large', () => {
  const tooLarge = { kind: 'too_large', reason: 'larger than max' } as const

  /** Of eight records the first four are delivered, and two of the others are being sent. */
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

  test('is given up by a shutdown no further than what is still to be sent', async () => {
    const onDrop = vi.fn()
    const { pipeline } = await halfWay({ onDrop })
    expectBalance(pipeline.stats())
    await pipeline.shutdown(1)
    expect(pipeline.stats()).toMatchObject({ delivered: 4, dropped: { shutdown: 4 }, queued: 0, inFlight: 0 })
    expect(onDrop.mock.calls).toEqual([['shutdown', 4, 17]])
  })
})

test('with recordUid each record has an id of its own, but for one that brings it', async () => {
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

test('with recordUid a record goes with an id, whatever stands in the place of its attributes', async () => {
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
