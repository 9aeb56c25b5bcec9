import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { OwnedDirectory } from '../../src/spool/ownedDirectory.ts'
import { type EntryLocation, Segment } from '../../src/spool/segment.ts'
import { TAKEN } from '../../src/spool/table.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { recover, appends, filesIn, keep, newDirectory, read, spoolAt, texts } from './spoolDirectory.ts'
import { diskThat, type MockFs } from './mockDisk.ts'

// Faults in the midst of other work: it goes on, and no promise is left that nobody catches.

const made = capturedWarnings()

describe.each(['append', 'appendSync'] as const)('%s', (append) => {
  test('keeps nothing while the disk does not tell what others hold', async () => {
    const directory = newDirectory()
    const other = spoolAt(directory)
    await keep(other, 'other')
    let fails = false
    const disk: MockFs = diskThat(() => fails && disk.done.at(-1)!.startsWith('readdir'), 'EMFILE')
    const spool = spoolAt(directory, {}, disk)
    fails = true
    expect(await appends[append](spool, Buffer.from('refused'))).toBeUndefined()
    expect(made).toEqual([expect.stringMatching(/writing to the spool .*EMFILE/)])
    fails = false
    const kept = await appends[append](spool, Buffer.from('kept'))
    expect(await texts(spool, [kept!])).toEqual(['kept'])
    await spool.close()
    await other.close()
  })
})

test('a folder that was recovered by another process and cannot be closed stops no disk work', async () => {
  let fails = false
  const disk: MockFs = diskThat(() => fails && disk.done.at(-1) === 'closeSync', 'EIO')
  const directory = newDirectory()
  const spool = spoolAt(directory, {}, disk)
  const [first] = await keep(spool, 'first', 'second')
  // What another process does that has recovered it.
  const owner = filesIn(directory, 'owner')[0]!
  writeFileSync(`${owner}.new`, readFileSync(owner))
  renameSync(`${owner}.new`, owner)
  fails = true
  spool.ack(first!)
  await vi.waitFor(() => expect(made).toEqual([expect.stringContaining('another process has recovered')]))
  expect(await texts(spool, await keep(spool, 'third'))).toEqual(['third'])
  await spool.close()
})

test('a spool is closed without holding up the event loop when its disk does not answer', async () => {
  const directory = newDirectory()
  const gone = spoolAt(directory)
  await keep(gone, 'left')
  await gone.close()
  const disk = diskThat(() => false)
  const { lstat } = disk.promises
  const spool = spoolAt(directory, {}, disk)
  await recover(spool)
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  disk.promises.lstat = (async (...given: Parameters<typeof lstat>) => {
    asked.resolve()
    await answer.promise
    return lstat(...given)
  }) as typeof lstat
  const calls = (['lstatSync', 'renameSync', 'unlinkSync', 'closeSync'] as const).map((name) =>
    vi.spyOn(disk, name),
  )
  const closed = spool.close()
  await asked.promise
  for (const call of calls) expect(call).not.toHaveBeenCalled()
  answer.resolve()
  await closed
  const next = spoolAt(directory)
  expect(await recover(next)).toHaveLength(1)
  await next.close()
})

test('a read whose requests cannot be joined gives an answer, and so does the next one', async () => {
  const spool = spoolAt(newDirectory())
  const [first, second] = await keep(spool, 'first', 'second')
  const fail = (): never => {
    throw new Error('mock')
  }
  expect(await spool.read([first!], fail)).toEqual({ read: ['later'] })
  expect((await read(spool, second!)).read).toEqual(['read'])
  await spool.close()
})

function segmentOf(...offsets: number[]) {
  const folder = { path: '', segments: new Set() } as Partial<OwnedDirectory> as OwnedDirectory
  const segment = new Segment(folder, 'name', Buffer.alloc(0), 1000)
  for (const offset of offsets) segment.table.add(offset, 1, TAKEN)
  segment.pendingEntries = offsets.length
  return segment
}

describe('a segment that cannot be read', () => {
  /** The clock, a recovered segment of two entries, and what is taken of it. */
  function troubled() {
    const clock = { seconds: 0 }
    vi.spyOn(performance, 'now').mockImplementation(() => clock.seconds * 1000)
    onTestFinished(() => void vi.restoreAllMocks())
    const segment = segmentOf(10, 500)
    segment.recover(1)
    const take = (records = 2): EntryLocation[] => {
      const taken: EntryLocation[] = []
      segment.take(taken, { bytes: 2000, records })
      return taken
    }
    return { clock, segment, take }
  }

  test('is tried again a second later, however many reads of it have failed at once', () => {
    const { clock, segment, take } = troubled()
    for (const entry of take()) expect(segment.defer([entry], false)).toBe(true)
    expect(take()).toEqual([])
    clock.seconds = 1
    expect(take()).toHaveLength(2)
  })

  test('has the entries that wait set aside with the one that was read', () => {
    const { segment, take } = troubled()
    expect(segment.defer(take(1), true)).toBe(true)
    expect([segment.waiting, segment.deferred]).toEqual([0, 2])
    expect(take()).toEqual([])
  })

  test('has five minutes again when it could be read meanwhile', () => {
    const { clock, segment, take } = troubled()
    segment.defer(take(), false)
    clock.seconds = 200
    const entries = take()
    segment.onRead()
    clock.seconds = 400
    expect(segment.defer(entries, false)).toBe(true)
    clock.seconds = 700
    expect(segment.defer(take(), false)).toBe(false)
  })

  test('has five minutes in all when only another of its entries can be read', () => {
    const { clock, segment, take } = troubled()
    const [bad] = take()
    segment.defer([bad!], false)
    segment.onRead()
    clock.seconds = 300
    expect(segment.defer(take(), false)).toBe(false)
  })
})

describe('a segment whose counts are more than its entries', () => {
  test('gives no entry that it does not have', () => {
    const segment = segmentOf(10)
    segment.recover(1)
    segment.waiting += 1
    const taken: never[] = []
    segment.take(taken, { bytes: 2000, records: 2 })
    expect(taken).toMatchObject([{ offset: 10 }])
  })

  test('ends a search for what is to be marked', () => {
    const segment = segmentOf(10)
    segment.unwrittenAcks += 1
    expect(segment.takeUnwrittenAcks()).toEqual([])
  })

  test('ends a search for what is set aside', () => {
    const segment = segmentOf(10)
    segment.recover(1)
    segment.waiting += 1
    expect(segment.defer([], true)).toBe(true)
    expect(segment.deferred).toBe(1)
  })
})
