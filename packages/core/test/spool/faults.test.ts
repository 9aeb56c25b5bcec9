import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { OwnedDirectory } from '../../src/spool/segment.ts'
import { type EntryLocation, Segment } from '../../src/spool/segment.ts'
import { TAKEN } from '../../src/spool/table.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { recover, appends, filesIn, keep, newDirectory, read, spoolAt, texts } from './spoolDirectory.ts'
import { diskThat, type MockFs } from './mockDisk.ts'

// Faults during other work: the work continues, and each rejection is caught.

const warnings = capturedWarnings()

describe.each(['append', 'appendSync'] as const)('Spool.%s', (append) => {
  test('returns undefined while the usage of other processes cannot be read', async () => {
    const directory = newDirectory()
    const other = spoolAt(directory)
    await keep(other, 'other')
    let fails = false
    const disk: MockFs = diskThat(() => fails && disk.done.at(-1)!.startsWith('readdir'), 'EMFILE')
    const spool = spoolAt(directory, {}, disk)
    fails = true
    expect(await appends[append](spool, Buffer.from('refused'))).toBeUndefined()
    expect(warnings).toEqual([expect.stringMatching(/writing to the spool .*EMFILE/)])
    fails = false
    const kept = await appends[append](spool, Buffer.from('kept'))
    expect(await texts(spool, [kept!])).toEqual(['kept'])
    await spool.close()
    await other.close()
  })
})

test('Spool.append succeeds after another process has recovered the directory and its owner file cannot be closed', async () => {
  let fails = false
  const disk: MockFs = diskThat(() => fails && disk.done.at(-1) === 'closeSync', 'EIO')
  const directory = newDirectory()
  const spool = spoolAt(directory, {}, disk)
  const [first] = await keep(spool, 'first', 'second')
  // Replace the owner file, as another process does that recovers the directory.
  const owner = filesIn(directory, 'owner')[0]!
  writeFileSync(`${owner}.new`, readFileSync(owner))
  renameSync(`${owner}.new`, owner)
  fails = true
  spool.ack(first!)
  await vi.waitFor(() => expect(warnings).toEqual([expect.stringContaining('another process has recovered')]))
  expect(await texts(spool, await keep(spool, 'third'))).toEqual(['third'])
  await spool.close()
})

test('Spool.close makes no synchronous call before the disk responds', async () => {
  const directory = newDirectory()
  const former = spoolAt(directory)
  await keep(former, 'left')
  await former.close()
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

test('Spool.read returns deferred when join throws, and the next read succeeds', async () => {
  const spool = spoolAt(newDirectory())
  const [first, second] = await keep(spool, 'first', 'second')
  const fail = (): never => {
    throw new Error('mock')
  }
  expect(await spool.read([first!], fail)).toEqual({ read: ['deferred'] })
  expect((await read(spool, second!)).read).toEqual(['read'])
  await spool.close()
})

function segmentOf(...offsets: number[]) {
  const directory = { path: '', segments: new Set() } as Partial<OwnedDirectory> as OwnedDirectory
  const segment = new Segment(directory, 'name', Buffer.alloc(0), 1000)
  for (const offset of offsets) segment.table.add(offset, 1, TAKEN)
  segment.pendingEntries = offsets.length
  return segment
}

describe('Segment.defer', () => {
  /** Creates a mock clock and a recovered segment of two entries. */
  function startDeferral() {
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

  test('returns the entries after 1 s when several reads have failed at the same time', () => {
    const { clock, segment, take } = startDeferral()
    for (const entry of take()) expect(segment.defer([entry], false)).toBe(true)
    expect(take()).toEqual([])
    clock.seconds = 1
    expect(take()).toHaveLength(2)
  })

  test('defers the waiting entries too when the whole file cannot be read', () => {
    const { segment, take } = startDeferral()
    expect(segment.defer(take(1), true)).toBe(true)
    expect([segment.waiting, segment.deferred]).toEqual([0, 2])
    expect(take()).toEqual([])
  })

  test('retries for five more minutes when a read succeeded meanwhile', () => {
    const { clock, segment, take } = startDeferral()
    segment.defer(take(), false)
    clock.seconds = 200
    const entries = take()
    segment.onRead()
    clock.seconds = 400
    expect(segment.defer(entries, false)).toBe(true)
    clock.seconds = 700
    expect(segment.defer(take(), false)).toBe(false)
  })

  test('retries for five minutes in all when only another entry can be read', () => {
    const { clock, segment, take } = startDeferral()
    const [bad] = take()
    segment.defer([bad!], false)
    segment.onRead()
    clock.seconds = 300
    expect(segment.defer(take(), false)).toBe(false)
  })
})

describe('Segment with counts that exceed its entries', () => {
  test('takes existing entries only', () => {
    const segment = segmentOf(10)
    segment.recover(1)
    segment.waiting += 1
    const taken: never[] = []
    segment.take(taken, { bytes: 2000, records: 2 })
    expect(taken).toMatchObject([{ offset: 10 }])
  })

  test('ends the search for unwritten acks', () => {
    const segment = segmentOf(10)
    segment.unwrittenAcks += 1
    expect(segment.takeUnwrittenAcks()).toEqual([])
  })

  test('ends the search for deferred entries', () => {
    const segment = segmentOf(10)
    segment.recover(1)
    segment.waiting += 1
    expect(segment.defer([], true)).toBe(true)
    expect(segment.deferred).toBe(1)
  })
})
