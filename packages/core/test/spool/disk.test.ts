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

// Failed disk operations: requests stay in memory, no entry is torn, and later appends try again.

const warnings = capturedWarnings()

interface Run {
  /** Appended and unacknowledged entries. */
  readonly kept: Map<string, SpoolEntry>
  readonly acked: string[]
  readonly refused: string[]
}

/** Calls each method of a spool. No call throws or rejects, even when the disk fails. */
async function use(spool: Spool): Promise<Run> {
  const run: Run = { kept: new Map(), acked: [], refused: [] }
  const note = (text: string, entry: SpoolEntry | undefined): void => {
    if (entry) run.kept.set(text, entry)
    else run.refused.push(text)
  }
  const append = async (text: string): Promise<void> => note(text, await spool.append(Buffer.from(text), 1))
  const appendNow = (text: string): void => note(text, appendSync(spool, Buffer.from(text)))
  await append('first')
  appendNow('second')
  await Promise.all([append('third'), append('fourth'), append('fifth')])
  for (const text of ['first', 'second', 'fourth']) {
    const entry = run.kept.get(text)
    if (entry === undefined) continue
    spool.ack(entry)
    run.kept.delete(text)
    run.acked.push(text)
  }
  await append('sixth')
  appendNow('seventh')
  return run
}

describe.each([false, true])('fsync %s', (fsync) => {
  // ENOENT is handled apart. All other errors are handled alike, so ENOSPC stands for them.
  test.each(['ENOSPC', 'ENOENT'])(
    'Spool loses only refused requests when any operation fails with %s',
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

  test.each(['EROFS', 'EIO', 'EACCES', 'EDQUOT'])(
    'Spool loses only refused requests when some operations fail with %s',
    async (code) => {
      for (let number = 0; number < 15; number += 5) await check(code, (n) => n >= number)
    },
  )

  async function check(code: string, fails: (number: number) => boolean): Promise<void> {
    warnings.length = 0
    forgetLoggedWarnings()
    let over = false
    const disk = diskThat((number) => !over && fails(number), code)
    const directory = newDirectory()
    const spool = spoolAt(directory, { fsync }, disk)
    const { kept, acked, refused } = await use(spool)
    over = true
    kept.set('after', (await spool.append(Buffer.from('after'), 1))!)
    kept.set('after, at once', appendSync(spool, Buffer.from('after, at once'))!)
    expect(await texts(spool, [...kept.values()])).toEqual([...kept.keys()])
    await spool.close()
    const contents = await found(directory)
    expect(new Set(contents).size).toBe(contents.length)
    expect(contents).toEqual(expect.arrayContaining([...kept.keys()]))
    // A refused request may have reached the disk, and an ack may be missing there.
    expect([...kept.keys(), ...acked, ...refused]).toEqual(expect.arrayContaining(contents))
    // One warning of writes is logged, for any failures.
    expect(warnings.filter((text) => text.includes('writing to the spool'))).toHaveLength(warnings.length)
    expect(warnings.length).toBeLessThanOrEqual(1)
    if (refused.length > 0) expect(warnings).toEqual([expect.stringContaining('stay in memory only')])
  }

  test('Spool.append continues when a write is cut short', async () => {
    const disk = diskThat(() => false, '', true)
    const directory = newDirectory()
    const spool = spoolAt(directory, { fsync }, disk)
    const { kept, refused } = await use(spool)
    await spool.close()
    expect(refused).toEqual([])
    expect(disk.done.filter((name) => name === 'writev').length).toBeGreaterThan(10)
    expect(sorted(await found(directory))).toEqual(sorted([...kept.keys()]))
    expect(warnings).toEqual([])
  })
})

test('Spool.append leaves no bytes on disk when a write fails in its middle', async () => {
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

test('Spool.appendSync writes many requests to few segments of at most 4 MiB, and syncs each once', async () => {
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

test('Spool.appendSync uses the rest of the space when the disk is almost full', async () => {
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
  expect(warnings).toEqual([expect.stringContaining('writing to the spool')])
  spool.closeSync()
  expect(await found(directory)).toHaveLength(entries.length)
})

test('DiskQuota.beat leaves the reservation unchanged when it runs while bytes are reserved', async () => {
  useFakeTimers(timers, { toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const beat = async (): Promise<void> => {
    vi.advanceTimersByTime(3000)
    // Wait for the write of the heartbeat.
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
  // The reservation of this failed append stays for the next one.
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
  expect(warnings).toHaveLength(1)
  await spool.close()
})

test('Spool.closeSync writes no ack into a segment when a thread is writing to it', async () => {
  let closes = false
  const disk: MockFs = diskThat(() => {
    if (closes && disk.done.at(-1) === 'writev') spool.closeSync()
    return false
  })
  const directory = newDirectory()
  const spool = spoolAt(directory, {}, disk)
  const [entry] = await keep(spool, 'acked', 'left')
  spool.ack(entry!)
  closes = true
  // The entry is shorter than an ack, whose end must not remain behind the entry.
  await keep(spool, 'w')
  await expect.poll(() => found(directory)).toEqual(['acked', 'left', 'w'])
  expect(warnings).toEqual([])
})

describe('fsync', () => {
  const count = (disk: MockFs, name: string): number => disk.done.filter((done) => done === name).length

  test('false calls no sync', async () => {
    const disk = diskThat(() => false)
    const spool = spoolAt(newDirectory(), {}, disk)
    await use(spool)
    await spool.close()
    for (const name of ['datasync', 'sync', 'fdatasyncSync', 'fsyncSync']) expect(count(disk, name)).toBe(0)
  })

  test('true syncs each append, many of them together', async () => {
    const disk = diskThat(() => false)
    const spool = spoolAt(newDirectory(), { fsync: true }, disk)
    for (const syncs of [1, 2, 3]) {
      const appends = Array.from({ length: 200 }, (_, index) => spool.append(Buffer.from(`${index}`), 1))
      expect(await Promise.all(appends)).not.toContain(undefined)
      expect(count(disk, 'datasync')).toBe(syncs)
    }
    // The spool directory, its parent, and the owned directory with the new segment.
    expect(count(disk, 'sync')).toBe(3)
    appendSync(spool, Buffer.from('x'))
    expect([count(disk, 'fdatasyncSync'), count(disk, 'fsyncSync')]).toEqual([1, 1])
    await spool.close()
  })

  test('true refuses an append when its sync fails', async () => {
    let fails = true
    const disk: MockFs = diskThat(() => fails && disk.done.at(-1) === 'datasync', 'EIO')
    const spool = spoolAt(newDirectory(), { fsync: true }, disk)
    expect(await spool.append(Buffer.from('x'), 1)).toBeUndefined()
    fails = false
    await keep(spool, 'y')
    expect(warnings).toEqual([expect.stringContaining('EIO: mock, datasync')])
    await spool.close()
  })
})

test('Spool.append creates the directory again when it was removed, and loses only its entries', async () => {
  const directory = newDirectory()
  const spool = spoolAt(directory)
  const [entry] = await keep(spool, 'lost')
  rmSync(directory, { recursive: true })
  expect(await spool.append(Buffer.from('refused'), 1)).toBeUndefined()
  expect(await read(spool, entry!)).toEqual({ read: ['corrupt'] })
  spool.ack(entry!)
  await keep(spool, 'kept')
  expect(warnings).toEqual([
    expect.stringMatching(/writing to the spool .*has been removed/),
    expect.stringContaining('reading from the spool'),
  ])
  // The new directory has a lock, so no other spool recovers it.
  expect(await found(directory)).toEqual([])
  rmSync(directory, { recursive: true })
  expect(appendSync(spool, Buffer.from('at once'))).toBeDefined()
  expect(await found(directory)).toEqual([])
  await spool.close()
  expect(await found(directory)).toEqual(['at once'])
})

test('Spool.append warns once while a file is in place of the directory, and succeeds when it is removed', async () => {
  const directory = newDirectory()
  writeFileSync(directory, '')
  const spool = spoolAt(directory)
  expect(await recover(spool)).toEqual([])
  expect(await spool.append(Buffer.from('x'), 1)).toBeUndefined()
  expect(appendSync(spool, Buffer.from('x'))).toBeUndefined()
  expect(warnings).toEqual([expect.stringContaining('writing to the spool')])
  rmSync(directory)
  await keep(spool, 'y')
  await spool.close()
  expect(await found(directory)).toEqual(['y'])
})

test('Spool suppresses telemetry of its disk operations', async () => {
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

describe.runIf(canMount)('Spool on a real disk', () => {
  const run = (program: string): { result: unknown; stderr: string } => {
    const directory = newDirectory()
    mkdirSync(directory)
    const { stdout, stderr } = spawnSync('unshare', [...isolated, program, directory], { encoding: 'utf8' })
    return { result: JSON.parse(stdout || stderr), stderr }
  }

  test('loses no entry when the disk is full, and appends again when space is freed', () => {
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

  test('refuses appends while the disk is read-only, with one warning', () => {
    const { result, stderr } = run('readonly')
    expect(result).toEqual({ append: null, appendSync: null, recovered: [], later: true })
    expect(stderr).toMatch(/writing to the spool .* EROFS/)
    expect(stderr.match(/logbridge: /g)).toHaveLength(1)
  })
})
