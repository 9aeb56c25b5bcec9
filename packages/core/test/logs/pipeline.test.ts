import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { ExportOutcome } from '../../src/transport/transport.ts'
import { encodeScope, OpenBatch } from '../../src/otlp/openBatch.ts'
import type { LogsStats } from '../../src/queue/counters.ts'
import { expectBalance } from '@logbridge/test-support/faultCounts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { delivered, ManualTransport, recordOf, scope, start } from '../manualPipeline.ts'
import { receiver } from '../receive.ts'
import { NOTHING } from '@logbridge/test-support/stats'

const { decode } = receiver()
const warnings = capturedWarnings()

async function bodiesIn({ requests }: ManualTransport): Promise<unknown[]> {
  const bodies: unknown[] = []
  for (const request of requests) bodies.push(...(await decode(request)).map(({ body }) => body))
  return bodies
}

describe('LogPipeline', () => {
  test('sends the open batch after the scheduled delay', async () => {
    const { transport, write } = start({ scheduledDelayMillis: 1 })
    write('a')
    write('b')
    await transport.arrived(1)
    expect(await bodiesIn(transport)).toEqual(['a', 'b'])
  })

  test('sends a batch at once when it has maxExportBatchSize records', async () => {
    const { transport, write } = start({ scheduledDelayMillis: 2 ** 30, maxExportBatchSize: 2 })
    for (const body of ['a', 'b', 'c']) write(body)
    await transport.arrived(1)
    expect(await bodiesIn(transport)).toEqual(['a', 'b'])
  })

  test('sends a batch at once when it has 512 KiB', async () => {
    const { transport, write } = start({ scheduledDelayMillis: 2 ** 30 })
    for (let i = 0; i < 60; i += 1) write('x'.repeat(10_000))
    await transport.arrived(1)
    expect(transport.requests[0]!.length).toBeGreaterThan(512 * 1024)
    expect(transport.requests[0]!.length).toBeLessThan(540 * 1024)
  })

  test('sends nothing within the log call', () => {
    const { transport, write } = start({ maxExportBatchSize: 1 })
    write('a')
    expect(transport.requests).toHaveLength(0)
  })

  test('sends at most four batches at a time', async () => {
    const { transport, pipeline, write } = start({ maxExportBatchSize: 1 })
    for (let i = 0; i < 6; i += 1) write(i)
    await transport.arrived(4)
    // One export starts in each turn of the event loop.
    for (let n = 0; n < 10; n += 1) await turn()
    expect(pipeline.stats()).toMatchObject({ queued: 2, inFlight: 4 })
    transport.answer()
    await transport.arrived(5)
    for (let n = 0; n < 10; n += 1) await turn()
    expect(pipeline.stats()).toMatchObject({ queued: 1, inFlight: 4, delivered: 1 })
    expect(transport.requests).toHaveLength(5)
  })

  test('sends values as they were at the log call when they change later', async () => {
    const { transport, pipeline, write } = start()
    const body = { items: [1] }
    write(body)
    body.items.push(2)
    void pipeline.forceFlush()
    await transport.arrived(1)
    expect(JSON.stringify(await bodiesIn(transport))).toBe('[{"items":[1]}]')
  })

  test('suppresses telemetry while it exports', async () => {
    const { transport, write } = start({ maxExportBatchSize: 1 })
    write('a')
    await transport.arrived(1)
    expect(transport.exporting).toEqual([true])
  })

  test.each<[ExportOutcome, Partial<LogsStats>]>([
    [delivered, { delivered: 3 }],
    [
      { kind: 'delivered', rejected: 2, message: 'no' },
      { delivered: 1, rejected: 2 },
    ],
    [
      { kind: 'delivered', rejected: 99 },
      { delivered: 0, rejected: 3 },
    ],
    [{ kind: 'failed', reason: 'gRPC UNAUTHENTICATED' }, { dropped: { export_failed: 3 } }],
  ])('counts the records of the outcome %j', async (outcome, expected) => {
    const { transport, pipeline, write } = start()
    for (const body of ['a', 'b', 'c']) write(body)
    expect(pipeline.stats()).toMatchObject({ created: 3, queued: 3 })
    const flushed = pipeline.forceFlush()
    await transport.arrived(1)
    expect(pipeline.stats()).toMatchObject({ queued: 0, inFlight: 3 })
    transport.answer(outcome)
    await flushed
    expect(pipeline.stats()).toMatchObject({ created: 3, queued: 0, inFlight: 0, bytes: 0, ...expected })
    expectBalance(pipeline.stats())
  })

  test('reports the message of a partial success once, and the first drop for each reason', async () => {
    const { transport, pipeline, write } = start({ maxExportBatchSize: 1 })
    for (const body of ['a', 'b', 'c', 'd']) write(body)
    const flushed = pipeline.forceFlush()
    await transport.arrived(4)
    for (const message of ['no such tenant', 'again'])
      transport.answer({ kind: 'delivered', rejected: 1, message })
    for (const reason of ['gRPC UNAUTHENTICATED', 'again']) transport.answer({ kind: 'failed', reason })
    await flushed
    expect(warnings).toEqual([
      'the receiver rejected 1 log record: no such tenant',
      'dropped log records, refused by the receiver: gRPC UNAUTHENTICATED',
    ])
  })

  test('splits a request in halves, down to one record, when it is too large', async () => {
    const { transport, pipeline, write } = start()
    for (const body of ['a', 'b', 'huge', 'd']) write(body)
    const flushed = pipeline.forceFlush()
    let answered = 0
    while (pipeline.stats().inFlight > 0 || answered === 0) {
      await transport.arrived(answered + 1)
      const bodies = (await decode(transport.requests[answered]!)).map(({ body }) => body)
      answered += 1
      transport.answer(bodies.includes('huge') ? { kind: 'too_large', reason: 'HTTP 413' } : delivered)
      await new Promise(setImmediate)
    }
    await flushed
    expect(pipeline.stats()).toMatchObject({ delivered: 3, dropped: { too_large: 1 }, bytes: 0 })
    expectBalance(pipeline.stats())
  })

  test('drops only the record that is too large for any request', async () => {
    const { transport, pipeline, write } = start()
    write('before')
    write('x'.repeat(5_000_000))
    write('after')
    const flushed = pipeline.forceFlush()
    await transport.arrived(1)
    transport.answer()
    await flushed
    expect(await bodiesIn(transport)).toEqual(['before', 'after'])
    expect(pipeline.stats()).toMatchObject({ created: 3, delivered: 2, dropped: { too_large: 1 } })
  })
})

test('OpenBatch releases its buffer when a record that is too large has grown it', () => {
  const batch = new OpenBatch()
  const capacity = (): number => batch['encoder'].view().buffer.byteLength
  const size = batch.add(scope, recordOf('x'.repeat(6_000_000), 9), {})
  expect(capacity()).toBeGreaterThan(6_000_000)
  batch.removeLast(size)
  expect(capacity()).toBeLessThanOrEqual(2 * 1024 * 1024)
})

describe('LogPipeline', () => {
  test('drops records below WARN from 80 % of maxQueueBytes on, and all records at 100 %', () => {
    const { pipeline, write } = start({ maxQueueBytes: 100_000 })
    const fill = (bytes: number): void => {
      while (pipeline.stats().bytes < bytes) write('x'.repeat(1000), 17)
    }
    fill(76_000)
    write('info', 9)
    expect(pipeline.stats().dropped).toEqual({})
    fill(80_000)
    write('info', 9)
    write('unspecified', 0)
    write('warn', 13)
    const { created } = pipeline.stats()
    expect(pipeline.stats()).toMatchObject({ queued: created - 2, dropped: { queue_full: 2 } })
    for (let i = 0; i < 50; i += 1) write('x'.repeat(1000), 17)
    expect(pipeline.stats().bytes).toBeGreaterThanOrEqual(100_000)
    expect(pipeline.stats().bytes).toBeLessThan(103_000)
    expectBalance(pipeline.stats())
  })

  test('drops records below WARN from 80 % of maxQueueSize on, and counts records in flight', async () => {
    const { transport, pipeline, write } = start({ maxQueueSize: 10, maxExportBatchSize: 5 })
    for (let i = 0; i < 12; i += 1) write(i, 9)
    expect(pipeline.stats()).toMatchObject({ queued: 8, dropped: { queue_full: 4 } })
    for (let i = 0; i < 4; i += 1) write(i, 17)
    expect(pipeline.stats()).toMatchObject({ queued: 10, dropped: { queue_full: 6 } })
    await transport.arrived(2)
    write('still full', 17)
    expect(pipeline.stats().dropped['queue_full']).toBe(7)
    transport.answer()
    await new Promise(setImmediate)
    write('room again', 9)
    expect(pipeline.stats().dropped['queue_full']).toBe(7)
  })

  test('forceFlush waits for records that are queued and in flight', async () => {
    const { transport, pipeline, write } = start({ maxExportBatchSize: 1 })
    for (let i = 0; i < 6; i += 1) write(i)
    await transport.arrived(4)
    let done = false
    const flushed = pipeline.forceFlush().then(() => (done = true))
    for (let i = 1; i <= 6; i += 1) {
      await transport.arrived(i)
      expect(done).toBe(false)
      transport.answer()
    }
    await flushed
    expect(pipeline.stats().delivered).toBe(6)
  })

  test('forceFlush ends at its deadline and keeps unsent records', async () => {
    const { transport, pipeline, write } = start()
    write('a')
    await pipeline.forceFlush(1)
    expect(pipeline.stats()).toMatchObject({ inFlight: 1, dropped: NOTHING })
    const flushed = pipeline.forceFlush()
    transport.answer()
    await flushed
    expect(pipeline.stats().delivered).toBe(1)
  })

  test('shutdown delivers all records when a flush is running', async () => {
    const { transport, pipeline, write } = start()
    write('first')
    const flushed = pipeline.forceFlush()
    write('second')
    const shut = pipeline.shutdown()
    await transport.arrived(2)
    transport.answer()
    transport.answer()
    await Promise.all([flushed, shut])
    expect(await bodiesIn(transport)).toEqual(['first', 'second'])
    expect(pipeline.stats()).toMatchObject({ created: 2, delivered: 2, dropped: NOTHING })
    expect(transport.closed).toBe(true)
  })

  test.each(['forceFlush', 'shutdown'] as const)(
    '%s covers the record whose toJSON calls it',
    async (call) => {
      const { transport, pipeline, write } = start()
      let done: Promise<void> | undefined
      const toJSON = (): unknown => {
        done = pipeline[call]()
        return 'b'.repeat(300)
      }
      write('a')
      write({ toJSON })
      await transport.arrived(1)
      transport.answer()
      await done
      expect((await decode(transport.requests[0]!)).map(({ body }) => body)).toEqual(['a', 'b'.repeat(300)])
      expect(pipeline.stats()).toMatchObject({ created: 2, delivered: 2, queued: 0, inFlight: 0 })
    },
  )

  /** Stats after a shutdown that has dropped this number of records. */
  const droppedAtShutdown = (count: number) => ({
    queued: 0,
    inFlight: 0,
    bytes: 0,
    dropped: { shutdown_timeout: count },
  })

  test('shutdown drops records that are unsent at its deadline, and records emitted later', async () => {
    const { pipeline, write } = start({ maxExportBatchSize: 1 })
    for (let i = 0; i < 6; i += 1) write(i)
    const first = pipeline.shutdown(1)
    expect(pipeline.shutdown()).toBe(first)
    await first
    expect(pipeline.stats()).toMatchObject(droppedAtShutdown(6))
    write('late')
    expect(pipeline.stats()).toMatchObject({
      created: 7,
      dropped: { shutdown_timeout: 6, already_shutdown: 1 },
    })
    expectBalance(pipeline.stats())
  })

  test('shutdown ends at its deadline when a resource is never ready', async () => {
    const { pipeline, write, transport } = start()
    const pending = { bytes: () => new Uint8Array(), ready: new Promise<void>(() => {}) }
    write('a', 9, encodeScope({ name: 'orders' }, pending))
    await pipeline.shutdown(1)
    expect(pipeline.stats()).toMatchObject(droppedAtShutdown(1))
    expect(transport.closed).toBe(true)
  })

  test('shutdown ends at its deadline when an attempt never ends', async () => {
    const { pipeline, write, transport } = start({ maxExportBatchSize: 1 })
    transport.send = () => new Promise(() => {})
    for (let i = 0; i < 6; i += 1) write(i)
    await pipeline.shutdown(1)
    expect(pipeline.stats()).toMatchObject(droppedAtShutdown(6))
    expect(transport.closed).toBe(true)
  })

  test('forceFlush ends at once when nothing is unsent', async () => {
    const { transport, pipeline } = start()
    await pipeline.forceFlush()
    expect(transport.requests).toHaveLength(0)
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
