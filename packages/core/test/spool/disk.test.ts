import { spawnSync } from 'node:child_process'
import { mkdirSync, promises, rmSync, statSync, writeFileSync, writevSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isLoggingSuppressed, timers } from '@logbridge/bridge/internal'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { useFakeTimers } from '@logbridge/test-support/fakeTimers'
import type { Spool, SpoolEntry } from '../../src/spool/types.ts'
import { capturedWarnings, forgetLoggedWarnings } from '@logbridge/test-support/capturedWarnings'
import {
  recover,
  appendSync,
  bytesOnDisk,
  filesIn,
  found,
  keep,
  newDirectory,
  read,
  sorted,
  spoolAt,
  texts,
} from './spoolDirectory.ts'
import { diskThat, type MockFs } from './mockDisk.ts'

// What the disk refuses: memory goes on alone, nothing is torn, and it is tried again.

const made = capturedWarnings()

interface Run {
  /** Kept and not settled. */
  readonly kept: Map<string, SpoolEntry>
  readonly settled: string[]
  readonly refused: string[]
}

/** Some of everything; whatever the disk does, no call throws or rejects. */
async function use(spool: Spool): Promise<Run> {
  const run: Run = { kept: new Map(), settled: [], refused: [] }
  const note = (text: string, entry: SpoolEntry | undefined): void => {
    if (entry) run.kept.set(text, entry)
    else run.refused.push(text)
  }
  const append = async (text: string): Promise<void> => note(text, await spool.append(Buffer.from(text), 1))
  const appendAtOnce = (text: string): void => note(text, appendSync(spool, Buffer.from(text)))
  await append('first')
  appendAtOnce('second')
  await Promise.all([append('third'), append('fourth'), append('fifth')])
  for (const text of ['first', 'second', 'fourth']) {
    const entry = run.kept.get(text)
    if (entry === undefined) continue
    spool.ack(entry)
    run.kept.delete(text)
    run.settled.push(text)
  }
  await append('sixth')
  appendAtOnce('seventh')
  return run
}

describe.each([false, true])('fsync %s', (fsync) => {
  // A path that is missing is gone about otherwise than all other errors, which are one to us.
  test.each(['ENOSPC', 'ENOENT'])(
    '%s at every operation costs no more than what could not be kept, once and until it is over',
    async (code) => {
      const healthy = diskThat(() => false)
      const spool = spoolAt(newDirectory(), { fsync }, healthy)
      await use(spool)
      await spool.close()
      expect(healthy.done.length).toBeGreaterThan(fsync ? 25 : 15)
      for (let number = 0; number < healthy.done.length; number += 1) {
        await check(code, (n) => n === number)
        await check(code, (n) => n >= number)
      }
    },
  )

  test.each(['EROFS', 'EIO', 'EACCES', 'EDQUOT'])('%s is no other', async (code) => {
    for (let number = 0; number < 15; number += 5) await check(code, (n) => n >= number)
  })

  async function check(code: string, fails: (number: number) => boolean): Promise<void> {
    made.length = 0
    forgetLoggedWarnings()
    let over = false
    const disk = diskThat((number) => !over && fails(number), code)
    const directory = newDirectory()
    const spool = spoolAt(directory, { fsync }, disk)
    const { kept, settled, refused } = await use(spool)
    over = true
    kept.set('after', (await spool.append(Buffer.from('after'), 1))!)
    kept.set('after, at once', appendSync(spool, Buffer.from('after, at once'))!)
    expect(await texts(spool, [...kept.values()])).toEqual([...kept.keys()])
    await spool.close()
    const contents = await found(directory)
    expect(new Set(contents).size).toBe(contents.length)
    expect(contents).toEqual(expect.arrayContaining([...kept.keys()]))
    // What was refused may have reached the disk before it failed, and what says that something is settled may not have.
    expect([...kept.keys(), ...settled, ...refused]).toEqual(expect.arrayContaining(contents))
    // One complaint of writing, whatever failed and how often.
    expect(made.filter((text) => text.includes('writing to the spool'))).toHaveLength(made.length)
    expect(made.length).toBeLessThanOrEqual(1)
    if (refused.length > 0) expect(made).toEqual([expect.stringContaining('stay in memory only')])
  }

  test('a write that takes half of it is gone on with', async () => {
    const disk = diskThat(() => false, '', true)
    const directory = newDirectory()
    const spool = spoolAt(directory, { fsync }, disk)
    const { kept, refused } = await use(spool)
    await spool.close()
    expect(refused).toEqual([])
    expect(disk.done.filter((name) => name === 'writev').length).toBeGreaterThan(10)
    expect(sorted(await found(directory))).toEqual(sorted([...kept.keys()]))
    expect(made).toEqual([])
  })
})

test('of a write that failed in its middle nothing stays', async () => {
  let fails = false
  const disk: MockFs = diskThat(() => fails && disk.done.at(-1)!.startsWith('writev'))
  const directory = newDirectory()
  const spool = spoolAt(directory, {}, disk)
  await keep(spool, 'before')
  const bytes = bytesOnDisk(directory)
  fails = true
  expect(await spool.append(Buffer.from('refused'), 1)).toBeUndefined()
  expect(appendSync(spool, Buffer.from('refused'))).toBeUndefined()
  expect([bytesOnDisk(directory), spool.bytes]).toEqual([bytes, bytes])
  await spool.close()
})

test('a spill writes many entries to few files of at most 4 MiB, each synced once', async () => {
  const disk = diskThat(() => false)
  const directory = newDirectory()
  const spool = spoolAt(directory, { fsync: true, maxBytes: 2 ** 30 }, disk)
  const requests = Array.from({ length: 20_000 }, () => ({ bytes: Buffer.alloc(300), recordCount: 1 }))
  expect(spool.appendSync(requests)).not.toContain(undefined)
  const files = filesIn(directory)
  expect(files).toHaveLength(2)
  for (const file of files) expect(statSync(file).size).toBeLessThanOrEqual(4 * 2 ** 20)
  expect(disk.done.filter((name) => name === 'fdatasyncSync')).toHaveLength(2)
  spool.closeSync()
  const next = spoolAt(directory, { maxBytes: 2 ** 30 })
  expect(await recover(next)).toHaveLength(20_000)
  await next.close()
})

test('a spill keeps as much as a disk has room for that is almost full', async () => {
  const directory = newDirectory()
  const room = 5000
  let tries = 0
  const disk = diskThat(() => false)
  disk.writevSync = (fd, chunks, position) => {
    tries += 1
    const bytes = (chunks as Uint8Array[]).reduce((sum, { length }) => sum + length, 0)
    if (bytesOnDisk(directory) + bytes <= room) return writevSync(fd, chunks, position)
    throw Object.assign(new Error('mock'), { code: 'ENOSPC' })
  }
  const spool = spoolAt(directory, {}, disk)
  const requests = Array.from({ length: 300 }, (_, index) => ({
    bytes: Buffer.from(`${index}`),
    recordCount: 1,
  }))
  const entries = spool.appendSync(requests).filter((entry) => entry !== undefined)
  expect(bytesOnDisk(directory)).toBeGreaterThan(room * 0.4)
  expect(tries).toBeLessThan(60)
  expect(made).toEqual([expect.stringContaining('writing to the spool')])
  spool.closeSync()
  expect(await found(directory)).toHaveLength(entries.length)
})

test('a heartbeat while room is being reserved takes none of it away', async () => {
  useFakeTimers(timers, { toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const beat = async (): Promise<void> => {
    vi.advanceTimersByTime(3000)
    // As long as it takes to write it.
    for (let i = 0; i < 50; i += 1) await promises.stat('/')
  }
  let fails = true
  const disk: MockFs = diskThat(() => fails && disk.done.at(-1) === 'writev')
  let asked = (): void => {}
  let answer: Promise<void> | undefined
  const { readdir } = disk.promises
  disk.promises.readdir = (async (...given: Parameters<typeof readdir>) => {
    asked()
    await answer
    return readdir(...given)
  }) as typeof readdir
  const spool = spoolAt(newDirectory(), {}, disk)
  // What was reserved for this one is still there for the next.
  expect(await spool.append(Buffer.alloc(100_000), 1)).toBeUndefined()
  fails = false
  await beat()
  const release = Promise.withResolvers<void>()
  answer = release.promise
  const isAsked = new Promise<void>((resolve) => (asked = resolve))
  const appended = spool.append(Buffer.alloc(200_000), 1)
  await isAsked
  await beat()
  release.resolve()
  expect(await appended).toBeDefined()
  expect(made).toHaveLength(1)
  await spool.close()
})

test('closed at once in the middle of a write, it writes nothing into it', async () => {
  let closes = false
  const disk: MockFs = diskThat(() => {
    if (closes && disk.done.at(-1) === 'writev') spool.closeSync()
    return false
  })
  const directory = newDirectory()
  const spool = spoolAt(directory, {}, disk)
  const [entry] = await keep(spool, 'settled', 'left')
  spool.ack(entry!)
  closes = true
  // Shorter than what says that another one is settled: nothing of that may stick out.
  await keep(spool, 'w')
  await expect.poll(() => found(directory)).toEqual(['settled', 'left', 'w'])
  expect(made).toEqual([])
})

describe('fsync', () => {
  const count = (disk: MockFs, name: string): number => disk.done.filter((done) => done === name).length

  test('false asks the disk for nothing', async () => {
    const disk = diskThat(() => false)
    const spool = spoolAt(newDirectory(), {}, disk)
    await use(spool)
    await spool.close()
    for (const name of ['datasync', 'sync', 'fdatasyncSync', 'fsyncSync']) expect(count(disk, name)).toBe(0)
  })

  test('true has each append wait for the disk, many of them for one sync', async () => {
    const disk = diskThat(() => false)
    const spool = spoolAt(newDirectory(), { fsync: true }, disk)
    for (const syncs of [1, 2, 3]) {
      const appends = Array.from({ length: 200 }, (_, index) => spool.append(Buffer.from(`${index}`), 1))
      expect(await Promise.all(appends)).not.toContain(undefined)
      expect(count(disk, 'datasync')).toBe(syncs)
    }
    // The directory, the one above it, and the folder with the new segment.
    expect(count(disk, 'sync')).toBe(3)
    appendSync(spool, Buffer.from('x'))
    expect([count(disk, 'fdatasyncSync'), count(disk, 'fsyncSync')]).toEqual([1, 1])
    await spool.close()
  })

  test('true keeps nothing that the disk has not confirmed', async () => {
    let fails = true
    const disk: MockFs = diskThat(() => fails && disk.done.at(-1) === 'datasync', 'EIO')
    const spool = spoolAt(newDirectory(), { fsync: true }, disk)
    expect(await spool.append(Buffer.from('x'), 1)).toBeUndefined()
    fails = false
    await keep(spool, 'y')
    expect(made).toEqual([expect.stringContaining('EIO: mock, datasync')])
    await spool.close()
  })
})

test('a directory that is removed while it is written to costs what was in it, and is made anew', async () => {
  const directory = newDirectory()
  const spool = spoolAt(directory)
  const [entry] = await keep(spool, 'lost')
  rmSync(directory, { recursive: true })
  expect(await spool.append(Buffer.from('refused'), 1)).toBeUndefined()
  expect(await read(spool, entry!)).toEqual({ read: ['corrupt'] })
  spool.ack(entry!)
  await keep(spool, 'kept')
  expect(made).toEqual([
    expect.stringMatching(/writing to the spool .*has been removed/),
    expect.stringContaining('reading from the spool'),
  ])
  // With a lock of its own: it is not taken for an orphan's.
  expect(await found(directory)).toEqual([])
  rmSync(directory, { recursive: true })
  expect(appendSync(spool, Buffer.from('at once'))).toBeDefined()
  expect(await found(directory)).toEqual([])
  await spool.close()
  expect(await found(directory)).toEqual(['at once'])
})

test('a directory that is a file is complained about once, and used when it no longer is', async () => {
  const directory = newDirectory()
  writeFileSync(directory, '')
  const spool = spoolAt(directory)
  expect(await recover(spool)).toEqual([])
  expect(await spool.append(Buffer.from('x'), 1)).toBeUndefined()
  expect(appendSync(spool, Buffer.from('x'))).toBeUndefined()
  expect(made).toEqual([expect.stringContaining('writing to the spool')])
  rmSync(directory)
  await keep(spool, 'y')
  await spool.close()
  expect(await found(directory)).toEqual(['y'])
})

test('its own disk work makes no log records and no spans', async () => {
  const seen = new Set<boolean>()
  const disk = diskThat(() => {
    seen.add(isLoggingSuppressed())
    return false
  })
  const spool = spoolAt(newDirectory(), {}, disk)
  const [entry] = await keep(spool, 'a', 'b')
  appendSync(spool, Buffer.from('c'))
  await read(spool, entry!)
  spool.ack(entry!)
  await recover(spool)
  await spool.close()
  expect([...seen]).toEqual([true])
})

const isolated = ['-Urm', process.execPath, fileURLToPath(new URL('../fixtures/spool.mjs', import.meta.url))]
const canMount = spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0

describe.runIf(canMount)('a real disk', () => {
  const run = (program: string): { result: unknown; stderr: string } => {
    const directory = newDirectory()
    mkdirSync(directory)
    const { stdout, stderr } = spawnSync('unshare', [...isolated, program, directory], { encoding: 'utf8' })
    return { result: JSON.parse(stdout || stderr), stderr }
  }

  test('that is full keeps what it has, and takes more when there is room', () => {
    const { result, stderr } = run('fill')
    expect(result).toEqual({
      filled: expect.any(Number),
      refused: { append: expect.any(Number), appendSync: expect.any(Number) },
      whole: true,
      wholeAgain: true,
      lost: 0,
      strange: 0,
    })
    expect((result as { filled: number }).filled).toBeGreaterThan(40)
    expect(stderr).toMatch(/writing to the spool .* ENOSPC/)
  })

  test('that is read-only degrades to memory, and is written to when it is no longer', () => {
    const { result, stderr } = run('readonly')
    expect(result).toEqual({ append: null, appendSync: null, recovered: [], later: true })
    expect(stderr).toMatch(/writing to the spool .* EROFS/)
    expect(stderr.match(/logbridge: /g)).toHaveLength(1)
  })
})
