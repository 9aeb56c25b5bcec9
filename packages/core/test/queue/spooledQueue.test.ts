import { promises } from 'node:fs'
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { timers } from '@logbridge/bridge/internal'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { expectBalance } from '@logbridge/test-support/faultCounts'
import { blockEventLoop, useFakeTimers } from '@logbridge/test-support/fakeTimers'
import { encodeScope, OpenBatch } from '../../src/otlp/openBatch.ts'
import { PipelineCounters } from '../../src/queue/counters.ts'
import { SpooledQueue } from '../../src/queue/spooledQueue.ts'
import type { Spool } from '../../src/spool/types.ts'
import type { LogPipeline } from '../../src/logs/pipeline.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import {
  countInTurns,
  delivered,
  ManualTransport,
  recordOf,
  scope,
  slowClock,
  start,
} from '../manualPipeline.ts'
import { receiver } from '../receive.ts'
import { NOTHING } from '@logbridge/test-support/stats'

// A pipeline with a spool on a real disk. test/spool/ tests the spool alone.

const warnings = capturedWarnings()
const { decode } = receiver()
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logbridge-spooling-'))
})
const pipelines: LogPipeline[] = []
afterEach(async () => {
  for (const pipeline of pipelines.splice(0)) await pipeline.shutdown(0)
  await rm(directory, { recursive: true, force: true })
})

function spooling(options: Parameters<typeof start>[0] = {}) {
  const parts = start({ spool: { directory }, maxExportBatchSize: 1, ...options })
  pipelines.push(parts.pipeline)
  return parts
}
async function bodiesIn({ requests }: ManualTransport): Promise<unknown[]> {
  const bodies: unknown[] = []
  for (const request of requests) bodies.push(...(await decode(request)).map(({ body }) => body))
  return bodies
}
async function segments(): Promise<string[]> {
  const files = await readdir(directory, { recursive: true })
  return files.filter((file) => file.endsWith('.seg')).map((file) => join(directory, file))
}
const until = (check: () => unknown): Promise<void> =>
  vi.waitFor(async () => void (await check()), { timeout: 10_000, interval: 5 })

test('SpooledQueue keeps a batch in the spool until the receiver has accepted it', async () => {
  const { transport, pipeline, write } = spooling()
  write('a')
  await transport.arrived(1)
  await until(() => expect(pipeline.stats()).toMatchObject({ inFlight: 1, spooled: 1 }))
  expect(await segments()).toHaveLength(1)
  transport.answer()
  await until(async () => expect(await segments()).toEqual([]))
  expect(pipeline.stats()).toMatchObject({ delivered: 1, inFlight: 0, spooled: 0 })
})

test('SpooledQueue removes a batch from the spool when the receiver refuses it for good', async () => {
  const { transport, pipeline, write } = spooling()
  write('a')
  await until(() => expect(pipeline.stats().spooled).toBe(1))
  transport.answer({ kind: 'failed', reason: 'HTTP 400' })
  await until(async () => expect(await segments()).toEqual([]))
  expect(pipeline.stats()).toMatchObject({ dropped: { export_failed: 1 }, spooled: 0 })
})

test('SpooledQueue holds 12 bytes of memory for each batch that waits in the spool, and sends it from there', async () => {
  const { transport, pipeline, write } = spooling()
  for (let i = 0; i < 10; i += 1) write(i)
  const { bytes } = pipeline.stats()
  await transport.arrived(4)
  await until(() => expect(pipeline.stats()).toMatchObject({ queued: 6, inFlight: 4, spooled: 10 }))
  const inFlight = pipeline.stats().bytes
  // The spool's table has 12 bytes for each entry, and room for 11 entries.
  expect(inFlight).toBe((4 / 10) * bytes + 12 * 11)
  for (let i = 1; i <= 10; i += 1) {
    await transport.arrived(i)
    expect(pipeline.stats().bytes).toBeLessThanOrEqual(inFlight)
    transport.answer()
  }
  await until(() => expect(pipeline.stats()).toMatchObject({ delivered: 10, bytes: 0, spooled: 0 }))
  // The order varies because four requests are in flight, and a disk answers in any order.
  expect(new Set(await bodiesIn(transport))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
})

test('SpooledQueue leaves unsent records to the next process, which sends them first, when it is shut down', async () => {
  const first = spooling()
  for (let i = 0; i < 6; i += 1) first.write(i)
  await first.transport.arrived(4)
  first.transport.answer()
  await first.pipeline.shutdown(1)
  const left = first.pipeline.stats()
  expect(left).toMatchObject({
    created: 6,
    delivered: 1,
    dropped: NOTHING,
    queued: 5,
    inFlight: 0,
    spooled: 5,
  })
  expectBalance(left)
  expect(warnings).toEqual([])

  const next = spooling()
  await until(() => expect(next.pipeline.stats().recovered).toBe(5))
  next.write('new')
  for (let i = 1; i <= 6; i += 1) {
    await next.transport.arrived(i)
    next.transport.answer()
  }
  await next.pipeline.shutdown()
  const bodies = await bodiesIn(next.transport)
  expect(bodies[0]).toBe(1)
  expect(new Set(bodies)).toEqual(new Set([1, 2, 3, 4, 5, 'new']))
  expect(next.pipeline.stats()).toMatchObject({
    created: 1,
    recovered: 5,
    delivered: 6,
    queued: 0,
    spooled: 0,
  })
  expectBalance(next.pipeline.stats())
  expect(await readdir(directory)).toEqual([])
})

test('SpooledQueue stores unsent records and releases the spool when the event loop is blocked during a shutdown', async () => {
  useFakeTimers(timers, {
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
  })
  onTestFinished(() => void vi.useRealTimers())
  const answer = Promise.withResolvers<void>()
  const { mkdir } = promises
  const made = vi.spyOn(promises, 'mkdir').mockImplementation(async (...given: Parameters<typeof mkdir>) => {
    await answer.promise
    return mkdir(...given)
  })
  onTestFinished(() => made.mockRestore())
  const first = spooling()
  first.write('a')
  const ended = first.pipeline.shutdown(0)
  await vi.advanceTimersByTimeAsync(10)
  blockEventLoop(60_000)
  await new Promise(setImmediate)
  answer.resolve()
  await ended
  expect(first.pipeline.stats()).toMatchObject({ dropped: NOTHING, queued: 1, spooled: 1 })
  // A timeout that has expired is 0.
  const waits = vi.mocked(timers.setTimeout).mock.calls.map(([, millis]) => millis)
  expect(Math.min(...waits.map(Number))).toBe(0)
  vi.useRealTimers()
  const next = spooling()
  await next.transport.arrived(1)
  expect(await bodiesIn(next.transport)).toEqual(['a'])
})

test('SpooledQueue neither sends nor drops records that another process has recovered', async () => {
  const { transport, pipeline, write } = spooling()
  for (let i = 0; i < 10; i += 1) write(i)
  await until(() => expect(pipeline.stats()).toMatchObject({ queued: 6, inFlight: 4, spooled: 10 }))
  const owner = (await readdir(directory, { recursive: true })).find((file) => file.endsWith('owner'))
  // Another process replaces the owner file when it recovers the directory.
  await writeFile(join(directory, 'new'), '')
  await rename(join(directory, 'new'), join(directory, owner!))
  for (let i = 1; i <= 4; i += 1) transport.answer()
  await pipeline.forceFlush(10_000)
  expect(pipeline.stats()).toMatchObject({
    created: 10,
    recovered: -6,
    delivered: 4,
    dropped: NOTHING,
    queued: 0,
    spooled: 0,
  })
  expectBalance(pipeline.stats())
  expect(warnings).toEqual([expect.stringMatching(/^another process has recovered the spool/)])
})

test('SpooledQueue acknowledges delivered records when the process ends at once, so that the next process sends the rest only', async () => {
  const { transport, pipeline, write } = spooling()
  write('delivered')
  write('left')
  await until(() => expect(pipeline.stats()).toMatchObject({ inFlight: 2, spooled: 2 }))
  transport.answer()
  await until(() => expect(pipeline.stats().delivered).toBe(1))
  pipeline.end()

  const next = spooling()
  await next.transport.arrived(1)
  expect(await bodiesIn(next.transport)).toEqual(['left'])
  expect(next.pipeline.stats().recovered).toBe(1)
  next.transport.answer()
  await until(() => expect(next.pipeline.stats().delivered).toBe(1))
  next.pipeline.end()
  // The disk work of the pipeline may still run, because the process continues.
  await until(async () => expect(await readdir(directory)).toEqual([]))
})

test('SpooledQueue has all records on disk, those of the open batch included, when a spill returns', async () => {
  const { pipeline, write } = spooling({ maxExportBatchSize: 100 })
  for (let i = 0; i < 150; i += 1) write(i)
  expect(pipeline.spillSync()).toBe(150)
  expect(pipeline.stats()).toMatchObject({ queued: 150, spooled: 150 })
  expect(await segments()).not.toEqual([])
  // The pipeline continues, because the application may have caught the exception.
  write('more')
  expect(pipeline.spillSync()).toBe(151)
})

test('SpooledQueue leaves only undelivered batches to the next process when the process ends right after a delivery', async () => {
  const first = spooling({ maxExportBatchSize: 2 })
  for (const body of ['delivered', 'delivered', 'waits', 'waits']) first.write(body)
  await first.transport.arrived(2)
  await until(() => expect(first.pipeline.stats().spooled).toBe(4))
  first.transport.answer()
  await until(() => expect(first.pipeline.stats().delivered).toBe(2))
  first.write('is not sealed')
  first.pipeline.end()
  const next = spooling()
  await until(() => expect(next.pipeline.stats().recovered).toBe(3))
  for (let i = 1; i <= 2; i += 1) {
    await next.transport.arrived(i)
    next.transport.answer()
  }
  await next.pipeline.shutdown()
  expect(await bodiesIn(next.transport)).toEqual(['waits', 'waits', 'is not sealed'])
})

test('SpooledQueue spills without waiting when resource detectors are still running', () => {
  const { pipeline, write } = spooling()
  const pending = { bytes: () => new Uint8Array(), ready: new Promise<void>(() => {}) }
  write('a', 9, encodeScope({ name: 'orders' }, pending))
  expect(pipeline.spillSync()).toBe(1)
})

test('SpooledQueue encodes one batch in a turn of the event loop when a resource detector ends', async () => {
  slowClock()
  const { promise: ready, resolve: end } = Promise.withResolvers<void>()
  const bytes = vi.fn(() => new Uint8Array())
  const { pipeline, write } = spooling()
  for (let i = 0; i < 8; i += 1) write(i, 9, encodeScope({ name: 'orders' }, { bytes, ready }))
  end()
  expect(await countInTurns(8, () => bytes.mock.calls.length)).toEqual(Array.from({ length: 8 }, () => 1))
  await until(() => expect(pipeline.stats().spooled).toBe(8))
})

/** Starts a pipeline with eight spooled records, of which the receiver has accepted four. */
async function halfDelivered(options: Parameters<typeof start>[0] = {}) {
  const parts = spooling({ maxExportBatchSize: 8, ...options })
  const { transport, pipeline, write } = parts
  for (let i = 0; i < 8; i += 1) write(i)
  await until(() => expect(pipeline.stats().spooled).toBe(8))
  transport.answer({ kind: 'too_large', reason: 'larger than max' })
  await transport.arrived(2)
  transport.answer()
  await transport.arrived(3)
  expect(pipeline.stats()).toMatchObject({ delivered: 4, inFlight: 4, spooled: 4 })
  return parts
}

/** Returns the bodies that the next process sends in one request. */
async function sentByNext(): Promise<unknown[]> {
  const { transport, pipeline } = spooling()
  await transport.arrived(1)
  transport.answer()
  await pipeline.shutdown()
  expect(pipeline.stats().delivered).toBe(pipeline.stats().recovered)
  expectBalance(pipeline.stats())
  return bodiesIn(transport)
}

test('SpooledQueue keeps the unsent part of a split request when it is shut down', async () => {
  const { pipeline } = await halfDelivered()
  await pipeline.shutdown(1)
  expect(pipeline.stats()).toMatchObject({
    delivered: 4,
    dropped: NOTHING,
    queued: 4,
    inFlight: 0,
    spooled: 4,
  })
  expect(await sentByNext()).toEqual([4, 5, 6, 7])
})

test('SpooledQueue keeps the unsent part of a split request when the process ends', async () => {
  const { pipeline } = await halfDelivered()
  pipeline.end()
  expect(pipeline.stats()).toMatchObject({ delivered: 4, dropped: NOTHING, inFlight: 4, spooled: 4 })
  expect(await sentByNext()).toEqual([4, 5, 6, 7])
})

test('SpooledQueue sends the rest of a split request after a spill', async () => {
  const { transport, pipeline } = await halfDelivered()
  expect(pipeline.spillSync()).toBe(4)
  transport.answer()
  await until(() => expect(pipeline.stats()).toMatchObject({ delivered: 8, inFlight: 0, spooled: 0 }))
  await pipeline.shutdown()
  expect(await readdir(directory)).toEqual([])
})

test('SpooledQueue keeps a split request whole when the spool has no room for its unsent part', async () => {
  // The spool has room for eight records, and none for four more.
  const { pipeline } = await halfDelivered({ spool: { directory, maxBytes: 350 } })
  await pipeline.shutdown(1)
  expect(pipeline.stats()).toMatchObject({ delivered: 4, dropped: NOTHING, queued: 4, spooled: 4 })
  expect(await sentByNext()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})

test('SpooledQueue spills only the unsent part of a split request when the spool has refused the whole request', async () => {
  const spool = { directory: join(directory, 'spool') }
  // Writes fail because a file has the name of the directory.
  await writeFile(spool.directory, '')
  const { transport, pipeline, write } = spooling({ maxExportBatchSize: 8, spool })
  for (let i = 0; i < 8; i += 1) write(i)
  await until(() => expect(warnings).toContainEqual(expect.stringContaining('writing to the spool')))
  for (const [index, outcome] of [{ kind: 'too_large', reason: '' } as const, delivered].entries()) {
    await transport.arrived(index + 1)
    transport.answer(outcome)
  }
  await transport.arrived(3)
  await rm(spool.directory)
  expect(pipeline.spillSync()).toBe(4)
  await pipeline.shutdown(1)
  expect(pipeline.stats()).toMatchObject({ delivered: 4, dropped: NOTHING, queued: 4, spooled: 4 })

  const next = spooling({ spool })
  await next.transport.arrived(1)
  expect(next.pipeline.stats()).toMatchObject({ recovered: 4, inFlight: 4 })
  expect(await bodiesIn(next.transport)).toEqual([4, 5, 6, 7])
  next.transport.answer()
  await next.pipeline.shutdown()
  expectBalance(next.pipeline.stats())
})

test('SpooledQueue drops a corrupt entry and sends the rest', async () => {
  const { transport, pipeline, write } = spooling()
  for (let i = 0; i < 6; i += 1) write(i)
  await until(() => expect(pipeline.stats().spooled).toBe(6))
  for (const path of await segments()) {
    const bytes = await readFile(path)
    bytes[bytes.length - 3]! ^= 1
    await writeFile(path, bytes)
  }
  for (let i = 1; i <= 5; i += 1) {
    await transport.arrived(i)
    transport.answer()
  }
  await pipeline.forceFlush()
  const stats = pipeline.stats()
  expect(stats).toMatchObject({ created: 6, delivered: 5, dropped: { spool_corrupted: 1 }, spooled: 0 })
  expectBalance(stats)
  expect(warnings).toContain('dropped log records, corrupt in the spool')
})

test('SpooledQueue delivers from memory when its directory cannot be made', async () => {
  const file = join(directory, 'file')
  await writeFile(file, '')
  const { transport, pipeline, write } = spooling({ spool: { directory: file } })
  write('a')
  await transport.arrived(1)
  transport.answer(delivered)
  await pipeline.shutdown()
  expect(pipeline.stats()).toMatchObject({ created: 1, delivered: 1, dropped: NOTHING })
  expect(warnings).toHaveLength(1)
})

/** Starts a pipeline with three batches in memory, which a spool has refused that works from now on. */
async function refused() {
  const file = join(directory, 'file')
  await writeFile(file, '')
  const parts = spooling({ spool: { directory: file } })
  for (let i = 0; i < 3; i += 1) parts.write(i)
  await until(() => expect(warnings).toEqual([expect.stringContaining('writing to the spool')]))
  await parts.transport.arrived(3)
  await rm(file)
  return parts
}

test('SpooledQueue stores refused batches when the spool has accepted a later batch', async () => {
  const { pipeline, write } = await refused()
  write('next')
  await until(() => expect(pipeline.stats().spooled).toBe(4))
  pipeline.spillSync()
  await pipeline.shutdown(1)
  expect(pipeline.stats()).toMatchObject({ queued: 4, spooled: 4, dropped: NOTHING })
  expectBalance(pipeline.stats())
})

test('SpooledQueue stores refused batches within 10 s when nothing else is logged', async () => {
  useFakeTimers(timers, { toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { pipeline } = await refused()
  vi.advanceTimersByTime(10_000)
  await until(() => expect(pipeline.stats().spooled).toBe(3))
})

test('SpooledQueue keeps further records in memory, within its cap, when the spool is full', async () => {
  const { transport, pipeline, write } = spooling({
    spool: { directory, maxBytes: 100_000 },
    maxQueueBytes: 200_000,
  })
  for (let i = 0; i < 100; i += 1) write('x'.repeat(10_000))
  await until(() => expect(pipeline.stats().spooled).toBeGreaterThan(4))
  const stats = pipeline.stats()
  expect(stats.spooled).toBeLessThan(11)
  expect(stats.dropped['queue_full']).toBeGreaterThan(50)
  expectBalance(stats)
  expect(transport.requests).toHaveLength(4)
})

test('LogPipeline excludes spooled records from maxQueueSize', async () => {
  const { pipeline, write } = spooling({ maxQueueSize: 6 })
  for (let i = 0; i < 40; i += 4) {
    for (let n = 0; n < 4; n += 1) write(i + n)
    await until(() => expect(pipeline.stats().spooled).toBe(i + 4))
  }
  expect(pipeline.stats()).toMatchObject({ created: 40, dropped: NOTHING, spooled: 40 })
})

test('LogPipeline drops records as already_shutdown when they are emitted after the end of the process', () => {
  const { pipeline, write } = spooling()
  write('kept')
  pipeline.end()
  write('too late')
  expect(pipeline.stats()).toMatchObject({ created: 2, spooled: 1, dropped: { already_shutdown: 1 } })
  expectBalance(pipeline.stats())
  expect(warnings).toEqual([expect.stringMatching(/^dropped a log record, emitted after the shutdown/)])
})

describe('SpooledQueue with records that wait for the scheduled delay', () => {
  const DELAY = 1000
  function delayed(options: Parameters<typeof start>[0] = {}) {
    const parts = spooling({ maxExportBatchSize: undefined, scheduledDelayMillis: DELAY, ...options })
    useFakeTimers(timers, { toFake: ['setTimeout', 'clearTimeout'] })
    return parts
  }
  /** Waits for the disk while fake timers stand still. */
  async function spooled({ pipeline }: { pipeline: LogPipeline }, count: number): Promise<void> {
    while (pipeline.stats().spooled < count) await new Promise(setImmediate)
  }
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  test('spools them after 50 ms, and sends them in one request when the delay is over', async () => {
    const parts = delayed()
    const { transport, pipeline, write } = parts
    write('a')
    vi.advanceTimersByTime(50)
    await spooled(parts, 1)
    write('b')
    vi.advanceTimersByTime(50)
    await spooled(parts, 2)
    write('c')
    vi.advanceTimersByTime(DELAY - 101)
    await new Promise(setImmediate)
    expect(transport.requests).toEqual([])
    vi.advanceTimersByTime(1)
    await transport.arrived(1)
    transport.answer()
    await pipeline.forceFlush()
    expect(await bodiesIn(transport)).toEqual(['a', 'b', 'c'])
    expect(transport.requests).toHaveLength(1)
    expect(pipeline.stats()).toMatchObject({ delivered: 3, queued: 0, inFlight: 0, spooled: 0 })
  })

  test('sends them when the delay is over and no record has come since they were spooled', async () => {
    const parts = delayed()
    parts.write('a')
    vi.advanceTimersByTime(50)
    await spooled(parts, 1)
    vi.advanceTimersByTime(DELAY - 50)
    await parts.transport.arrived(1)
    expect(await bodiesIn(parts.transport)).toEqual(['a'])
  })

  test('sends them at once when they fill a batch together with spooled records', async () => {
    const parts = delayed({ maxExportBatchSize: 3 })
    parts.write('a')
    parts.write('b')
    vi.advanceTimersByTime(50)
    await spooled(parts, 2)
    parts.write('c')
    await parts.transport.arrived(1)
    expect(await bodiesIn(parts.transport)).toEqual(['a', 'b', 'c'])
  })

  test('sends them by a flush when they are spooled', async () => {
    const parts = delayed()
    parts.write('a')
    vi.advanceTimersByTime(50)
    await spooled(parts, 1)
    const flushed = parts.pipeline.forceFlush()
    await parts.transport.arrived(1)
    parts.transport.answer()
    await flushed
    expect(parts.pipeline.stats()).toMatchObject({ delivered: 1, spooled: 0 })
  })

  test('leaves them in the open batch when there is no spool', () => {
    const { pipeline, write } = delayed({ spool: undefined })
    write('a')
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(DELAY - 1)
    expect(pipeline.stats()).toMatchObject({ queued: 1, spooled: 0 })
  })
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
    /** Mock of a spool on a network drive whose server has stopped. */
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
    // The shutdown lets the event loop turn between its waits.
    for (let i = 0; i < 10; i += 1) {
      await vi.advanceTimersByTimeAsync(1000)
      await turn()
    }
    expect(closed).toHaveBeenCalled()
    expect(counters.stats(0)).toMatchObject({ dropped: { shutdown_timeout: 100 }, queued: 0, inFlight: 0 })
  },
)
