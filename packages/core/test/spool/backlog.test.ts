import { mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import * as fs from 'node:fs'
import { timers } from '@logbridge/bridge/internal'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { expectBalance } from '@logbridge/test-support/faultCounts'
import { blockEventLoop, useFakeTimers } from '@logbridge/test-support/fakeTimers'
import type { LogPipeline } from '../../src/logs/pipeline.ts'
import type { Fs } from '../../src/spool/files.ts'
import { EntryTable } from '../../src/spool/table.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { type ManualTransport, start } from '../manualPipeline.ts'
import { receiver } from '../receive.ts'
import { recover, filesIn, found, keep, newDirectory, read, spoolAt, texts } from './spoolDirectory.ts'
import { NOTHING } from '@logbridge/test-support/stats'

// Waiting entries: their memory, their order, and failed reads.

const warnings = capturedWarnings()
const { decode } = receiver()
const ALL = { bytes: Infinity, records: Infinity }
const ERROR = 17

const pipelines: LogPipeline[] = []
afterEach(async () => {
  for (const pipeline of pipelines.splice(0)) await pipeline.shutdown(0)
})

function spooling(directory: string, options: Parameters<typeof start>[0] = {}) {
  const parts = start({ spool: { directory }, ...options })
  pipelines.push(parts.pipeline)
  return parts
}

const until = (check: () => unknown): Promise<void> =>
  vi.waitFor(async () => void (await check()), { timeout: 20_000, interval: 5 })

async function bodiesIn(request: Uint8Array): Promise<unknown[]> {
  return (await decode(request)).map(({ body }) => body)
}

/** Creates a directory with entries of an ended process, one record each. */
async function directoryWithEntries(count: number): Promise<string> {
  const directory = newDirectory()
  const { pipeline, write } = spooling(directory, { maxExportBatchSize: 1 })
  for (let i = 0; i < count; i += 1) write(i)
  await until(() => expect(pipeline.stats().spooled).toBe(count))
  await pipeline.shutdown(1)
  return directory
}

/** Answers requests until all recovered records are delivered. @returns the bodies of each request */
async function drain({ transport, pipeline }: { transport: ManualTransport; pipeline: LogPipeline }) {
  const requests: unknown[][] = []
  const isDone = (): boolean => pipeline.stats().queued + pipeline.stats().inFlight === 0
  while (!isDone()) {
    await until(() => expect(isDone() || transport.requests.length > requests.length).toBe(true))
    if (isDone()) break
    requests.push(await bodiesIn(transport.requests[requests.length]!))
    transport.answer()
  }
  return requests
}

test('Spool takes at most 16 bytes of memory for each waiting entry, appended or recovered', async () => {
  const directory = newDirectory()
  const spool = spoolAt(directory, { maxBytes: 2 ** 30 })
  const entries = await Promise.all(Array.from({ length: 20_000 }, () => spool.append(Buffer.alloc(300), 1)))
  for (const entry of entries) spool.park(entry!, 1)
  await spool.append(Buffer.alloc(1), 1)
  // The table of the active segment has spare memory.
  expect(spool.memory / spool.waiting).toBeLessThanOrEqual(16)
  await spool.close()
  const next = spoolAt(directory)
  const found = vi.fn(() => 7)
  await next.recover(found)
  expect(found.mock.calls).toEqual([[20_001, 20_001]])
  expect(next.memory / next.waiting).toBe(12)
  expect(next.take({ bytes: 1000, records: 1000 })).toHaveLength(3)
  await next.close()
})

test('EntryTable takes at most 15 bytes for each entry while it grows', () => {
  const table = new EntryTable()
  for (let entries = 1; entries <= 20_000; entries += 1) {
    table.add(entries, 1, 0)
    if (entries > 100) expect(table.bytes / entries).toBeLessThan(15.2)
  }
})

test('Spool.take returns recovered entries before the entries of this process', async () => {
  const directory = newDirectory()
  const former = spoolAt(directory)
  await keep(former, 'recovered')
  await former.close()
  const spool = spoolAt(directory)
  const [own] = await keep(spool, 'own')
  spool.park(own!, 1)
  await spool.recover(() => 2)
  expect(await texts(spool, spool.take(ALL))).toEqual(['recovered', 'own'])
  await spool.close()
})

test('LogPipeline joins small entries to one request, and acknowledges them together', async () => {
  const directory = await directoryWithEntries(200)
  const next = spooling(directory)
  await until(() => expect(next.pipeline.stats().recovered).toBe(200))
  expect(await drain(next)).toEqual([Array.from({ length: 200 }, (_, index) => index)])
  // The joined request has its resource and its scope once.
  expect(Buffer.from(next.transport.requests[0]!).toString('latin1').split('orders')).toHaveLength(2)
  await until(() => expect(next.pipeline.stats()).toMatchObject({ delivered: 200, spooled: 0, bytes: 0 }))
  await next.pipeline.shutdown()
  expect(filesIn(directory)).toEqual([])
})

test('LogPipeline joins entries to at most maxExportBatchSize records', async () => {
  const next = spooling(await directoryWithEntries(10), { maxExportBatchSize: 4 })
  await until(() => expect(next.pipeline.stats().recovered).toBe(10))
  expect((await drain(next)).map((bodies) => bodies.length)).toEqual([4, 4, 2])
})

test('LogPipeline sends a joined request by halves when it is too large, and shutdown leaves only the undelivered half', async () => {
  const directory = await directoryWithEntries(8)
  const { transport, pipeline } = spooling(directory)
  await transport.arrived(1)
  transport.answer({ kind: 'too_large', reason: 'larger than max' })
  await transport.arrived(2)
  expect(await bodiesIn(transport.requests[1]!)).toEqual([0, 1, 2, 3])
  expectBalance(pipeline.stats())
  transport.answer({ kind: 'delivered', rejected: 1 })
  await transport.arrived(3)
  expect(pipeline.stats()).toMatchObject({ delivered: 3, rejected: 1, inFlight: 4, spooled: 4 })
  expectBalance(pipeline.stats())
  await pipeline.shutdown(1)
  expect(pipeline.stats()).toMatchObject({
    delivered: 3,
    dropped: NOTHING,
    queued: 4,
    inFlight: 0,
    spooled: 4,
  })
  const next = spooling(directory)
  await next.transport.arrived(1)
  expect(await bodiesIn(next.transport.requests[0]!)).toEqual([4, 5, 6, 7])
})

test('LogPipeline sends a new record of severity ERROR before the backlog on disk', async () => {
  const directory = await directoryWithEntries(40)
  const next = spooling(directory, { maxExportBatchSize: 4, scheduledDelayMillis: 1 })
  await next.transport.arrived(1)
  for (let i = 0; i < 40; i += 1) next.write(`new ${i}`)
  await until(() => expect(next.pipeline.stats().spooled).toBe(80))
  next.write('severe', ERROR)
  await until(() => expect(next.pipeline.stats().spooled).toBe(81))
  const requests: unknown[][] = []
  for (let i = 0; i < 4; i += 1) {
    await next.transport.arrived(i + 1)
    requests.push(await bodiesIn(next.transport.requests[i]!))
    next.transport.answer()
  }
  // Requests in flight and at most one request from the disk come before.
  expect(requests.slice(0, 3)).toContainEqual(['severe'])
  expectBalance(next.pipeline.stats())
})

test('LogPipeline sends other entries while one cannot be read, and that one when it can be read', async () => {
  const directory = newDirectory()
  const former = spooling(directory, { maxExportBatchSize: 1 })
  for (const body of ['first', 'second']) {
    former.write(body)
    // Writes a separate segment.
    former.pipeline.spillSync()
  }
  former.pipeline.end()
  const { transport, pipeline, write } = spooling(directory, { maxExportBatchSize: 1 })
  await transport.arrived(1)
  expect(await bodiesIn(transport.requests[0]!)).toEqual(['first'])
  // A directory replaces the segment, because root may read any file.
  const [, other] = filesIn(directory) as [string, string]
  const bytes = fs.readFileSync(other)
  rmSync(other)
  mkdirSync(other)
  for (let i = 0; i < 5; i += 1) write(`new ${i}`)
  for (let i = 1; i <= 6; i += 1) {
    await transport.arrived(i)
    transport.answer()
  }
  await until(() =>
    expect(pipeline.stats()).toMatchObject({ delivered: 6, queued: 1, inFlight: 0, spooled: 1 }),
  )
  expectBalance(pipeline.stats())
  expect(warnings).toContainEqual(expect.stringContaining('EISDIR'))
  rmSync(other, { recursive: true })
  fs.writeFileSync(other, bytes)
  await transport.arrived(7)
  transport.answer()
  await until(() => expect(pipeline.stats()).toMatchObject({ delivered: 7, queued: 0, dropped: NOTHING }))
})

/** Makes a file system whose `open` is replaced. */
function diskWith(open: (path: string, flags: number) => Promise<fs.promises.FileHandle>): Fs {
  return { ...fs, promises: { ...fs.promises, open: open as typeof fs.promises.open } }
}

test.each(['EACCES', 'EIO', 'ELOOP', 'EMFILE', 'EISDIR'])(
  'Spool.read retries an entry for five minutes when reads fail with %s, then leaves it to the next process',
  async (code) => {
    const directory = newDirectory()
    const spool = spoolAt(
      directory,
      {},
      diskWith((path, flags) => {
        if (flags === fs.constants.O_RDONLY + fs.constants.O_NOFOLLOW) {
          throw Object.assign(new Error(code), { code })
        }
        return fs.promises.open(path, flags, 0o600)
      }),
    )
    const [entry] = await keep(spool, 'x')
    spool.park(entry!, 1)
    const start = Math.ceil(performance.now())
    let seconds = 0
    vi.spyOn(performance, 'now').mockImplementation(() => start + seconds * 1000)
    const results: unknown[] = []
    for (; seconds < 1000 && results.at(-1) !== 'unreadable'; seconds += 1) {
      const taken = spool.take(ALL)
      if (taken.length > 0) results.push(seconds, (await read(spool, ...taken)).read[0])
    }
    const later = [0, 1, 3, 7, 15, 31, 61, 91, 121, 151, 181, 211, 241, 271]
    expect(results).toEqual([...later.flatMap((at) => [at, 'deferred']), 301, 'unreadable'])
    expect(spool.waiting).toBe(0)
    await spool.close()
    vi.restoreAllMocks()
    const next = spoolAt(directory)
    expect(await recover(next)).toHaveLength(1)
    await next.close()
  },
)

test('LogPipeline counts an entry as spool_unreadable after five minutes, and the next process sends it', async () => {
  const directory = newDirectory()
  const former = spooling(directory)
  for (const body of ['first', 'second']) {
    former.write(body)
    former.write(body)
    // Writes a separate segment.
    former.pipeline.spillSync()
  }
  former.pipeline.end()
  const { transport, pipeline } = spooling(directory, { maxExportBatchSize: 2 })
  await transport.arrived(1)
  const [, file] = filesIn(directory) as [string, string]
  renameSync(file, `${file}.kept`)
  mkdirSync(file)
  transport.answer()
  await until(() => expect(warnings).toContainEqual(expect.stringContaining('EISDIR')))
  expect(pipeline.stats()).toMatchObject({ delivered: 2, dropped: NOTHING, spooled: 2 })
  const { now } = performance
  const later = vi.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + 6 * 60_000)
  onTestFinished(() => later.mockRestore())
  await until(() =>
    expect(pipeline.stats()).toMatchObject({
      recovered: 4,
      delivered: 2,
      dropped: { spool_unreadable: 2 },
      queued: 0,
      inFlight: 0,
      spooled: 0,
    }),
  )
  rmdirSync(file)
  renameSync(`${file}.kept`, file)
  await pipeline.shutdown()
  const next = spooling(directory)
  await next.transport.arrived(1)
  expect(await bodiesIn(next.transport.requests[0]!)).toEqual(['second', 'second'])
})

/**
 * Mocks a disk with a bad range in every segment.
 * @param flag `O_RDONLY` or `O_RDWR`: flag of `open` for which the range is bad
 */
function badDisk(flag: number, place: { start: number; end: number; tries?: number }): Fs {
  return diskWith(async (path, flags) => {
    const file = await fs.promises.open(path, flags, 0o600)
    if (!path.endsWith('.seg') || (flags & fs.constants.O_RDWR) !== flag) return file
    const read = file.read.bind(file) as (...given: unknown[]) => Promise<unknown>
    return Object.assign(file, {
      read(buffer: Buffer, offset: number, length: number, position: number) {
        const isHit = position < place.end && position + length > place.start
        if (isHit) place.tries = (place.tries ?? 0) + 1
        return isHit
          ? Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' }))
          : read(buffer, offset, length, position)
      },
    })
  })
}

test('Spool.read defers only the entry on a bad block of the disk', async () => {
  const spool = spoolAt(newDirectory(), {}, badDisk(fs.constants.O_RDONLY, { start: 45, end: 46 }))
  const [waiting, ...entries] = (await keep(spool, 'first', 'second', 'third', 'fourth')).toReversed()
  spool.park(waiting!, 1)
  const result = await read(spool, ...entries.toReversed())
  expect(result.read).toEqual(['read', 'deferred', 'read'])
  expect(String(result.request)).toBe('firstthird')
  // Other entries of the segment are not deferred.
  expect(await texts(spool, spool.take(ALL))).toEqual(['fourth'])
  await spool.close()
})

test('Spool.recover leaves only the entries on a bad block to the next process', async () => {
  const directory = newDirectory()
  const former = spoolAt(directory)
  const contents = ['first', 'second', 'third', 'fourth'].map((text) => text.padEnd(3000, '.'))
  await keep(former, ...contents)
  await former.close()
  const spool = spoolAt(directory, {}, badDisk(fs.constants.O_RDWR, { start: 5000, end: 5001 }))
  const entries = await recover(spool)
  expect(await texts(spool, entries)).toEqual([contents[0], contents[3]])
  expect(warnings).toEqual([expect.stringContaining('has a bad block')])
  for (const entry of entries) spool.ack(entry)
  await spool.close()
  expect(await found(directory)).toEqual(contents.slice(1, 3))
})

test.each([1000, 500_000])(
  'Spool.recover leaves a segment of %i bytes whole when all its blocks are bad, after few reads',
  async (bytes) => {
    const directory = newDirectory()
    const former = spoolAt(directory)
    const content = 'x'.repeat(bytes)
    await keep(former, content)
    await former.close()
    const place = { start: 0, end: Infinity, tries: 0 }
    const spool = spoolAt(directory, {}, badDisk(fs.constants.O_RDWR, place))
    expect(await recover(spool)).toEqual([])
    expect(warnings).toEqual([expect.stringContaining('of an ended process failed')])
    expect(place.tries).toBeLessThan(20)
    place.end = 0
    expect(await texts(spool, await recover(spool))).toEqual([content])
    await spool.close()
  },
)

/** Creates two entries on a disk that answers reads after `answer` only. */
async function hangingDisk() {
  useFakeTimers(timers, { toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const answer = Promise.withResolvers<void>()
  let isHanging = false
  const spool = spoolAt(
    newDirectory(),
    {},
    diskWith(async (path, flags) => {
      if (isHanging) await answer.promise
      return fs.promises.open(path, flags, 0o600)
    }),
  )
  const [one, two] = await keep(spool, 'one', 'two')
  isHanging = true
  return { spool, one: one!, two: two!, answer: () => answer.resolve() }
}

test('Spool.read succeeds when the event loop was blocked longer than the limit of the disk', async () => {
  const { spool, one, answer } = await hangingDisk()
  const reading = read(spool, one)
  blockEventLoop(60_000)
  answer()
  expect((await reading).read).toEqual(['read'])
  expect(await spool.append(Buffer.from('three'), 1)).toBeDefined()
  expect(warnings).toEqual([])
  await spool.close()
})

test('Spool ends a read after 5 s when the disk is unresponsive, and gives the disk no more work', async () => {
  const { spool, one, two, answer } = await hangingDisk()
  spool.park(two, 2)
  const late = read(spool, one)
  await vi.advanceTimersByTimeAsync(5000)
  expect(await late).toEqual({ read: ['deferred'] })
  expect(spool.take(ALL)).toEqual([])
  expect(await spool.append(Buffer.from('three'), 1)).toBeUndefined()
  expect(spool.waiting).toBe(2)
  answer()
  await vi.waitFor(async () => expect(await spool.append(Buffer.from('four'), 1)).toBeDefined())
  await vi.waitFor(() => expect(spool.take(ALL)).not.toEqual([]))
  await spool.close()
})
