import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { encodeSegmentHeader } from '../../src/spool/format.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { diskThat } from './mockDisk.ts'
import {
  recover,
  afterKill,
  appendSync,
  filesIn,
  found,
  keep,
  directoriesIn,
  newDirectory,
  spoolAt,
  texts,
} from './spoolDirectory.ts'

// Directories of ended processes, and files of others.

const warnings = capturedWarnings()

const isRoot = process.geteuid?.() === 0
const LONG_AGO = new Date('2000-01-01')

describe('Spool.recover', () => {
  test('skips the directories of other spools of the same thread', async () => {
    const directory = newDirectory()
    const [one, two] = [spoolAt(directory), spoolAt(directory)]
    await keep(one, 'one')
    await keep(two, 'two')
    expect(await Promise.all([recover(one), recover(two), recover(one)])).toEqual([[], [], []])
    await one.close()
    expect(await recover(two)).toHaveLength(1)
    expect(await recover(two)).toEqual([])
    await two.close()
  })

  test('returns an entry to one spool when several recover at the same time', async () => {
    const directory = newDirectory()
    const former = spoolAt(directory)
    await keep(former, 'a', 'b')
    await former.close()
    const spools = Array.from({ length: 5 }, () => spoolAt(directory))
    const recovered = await Promise.all(spools.map((spool) => recover(spool)))
    expect(recovered.flat()).toHaveLength(2)
    expect(recovered.filter(({ length }) => length > 0)).toHaveLength(1)
    await Promise.all(spools.map((spool) => spool.close()))
    expect(await found(directory)).toEqual(['a', 'b'])
  })

  test('returns the least recently written directory first', async () => {
    const directory = newDirectory()
    const times = [4, 1, 6, 3, 5, 2]
    for (const time of times) {
      const spool = spoolAt(directory)
      await keep(spool, `at ${time}`)
      const path = filesIn(directory).find((file) => statSync(file).mtimeMs > 10_000)
      await spool.close()
      utimesSync(path!, time, time)
    }
    expect(await found(directory)).toEqual(['at 1', 'at 2', 'at 3', 'at 4', 'at 5', 'at 6'])
  })

  test('recovers a segment later when it could not be read before', async () => {
    const directory = newDirectory()
    const former = spoolAt(directory)
    for (const text of ['first', 'second', 'third']) appendSync(former, Buffer.from(text))
    await former.close()
    const [, second, third] = filesIn(directory) as [string, string, string]
    // A directory replaces the segment, because root may read any file.
    renameSync(second, `${second}.kept`)
    mkdirSync(second)
    renameSync(third, `${third}.kept`)
    mkdirSync(third)
    const spool = spoolAt(directory)
    const [first, ...others] = await recover(spool)
    expect(others).toEqual([])
    expect(warnings).toEqual([expect.stringContaining('EISDIR')])
    expect(await recover(spool)).toEqual([])
    rmdirSync(second)
    renameSync(`${second}.kept`, second)
    expect(await texts(spool, await recover(spool))).toEqual(['second'])
    expect(await recover(spool)).toEqual([])
    // The directory stays for the segment that cannot be read yet.
    spool.ack(first!)
    await vi.waitFor(() => expect(filesIn(directory)).toEqual([second, third]))
    rmdirSync(third)
    renameSync(`${third}.kept`, third)
    expect(await texts(spool, await recover(spool))).toEqual(['third'])
    await spool.close()
    expect(await found(directory)).toEqual(['second', 'third'])
  })

  test('recovers a segment once when its directory is released while it is read', async () => {
    const directory = newDirectory()
    const former = spoolAt(directory)
    for (const text of ['first', 'second']) appendSync(former, Buffer.from(text))
    await former.close()
    const [, second] = filesIn(directory) as [string, string]
    renameSync(second, `${second}.kept`)
    mkdirSync(second)
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    let isHanging = false
    const disk = diskThat(() => false)
    const { open } = disk.promises
    disk.promises.open = async (...given: Parameters<typeof open>) => {
      if (isHanging && given[0] === second) {
        asked.resolve()
        await answer.promise
      }
      return open(...given)
    }
    const spool = spoolAt(directory, {}, disk)
    const [first] = await recover(spool)
    rmdirSync(second)
    renameSync(`${second}.kept`, second)
    isHanging = true
    const retried = recover(spool)
    await asked.promise
    spool.ack(first!)
    await vi.waitFor(() => expect(filesIn(directory, 'owner')).toEqual([]))
    answer.resolve()
    // The released directory is recovered again, with the segment.
    expect(await texts(spool, await retried)).toEqual(['second'])
    expect(await found(directory)).toEqual([])
    await spool.close()
    expect(await found(directory)).toEqual(['second'])
  })

  test('releases a directory when a segment that could not be read is empty', async () => {
    const directory = newDirectory()
    const former = spoolAt(directory)
    for (const text of ['first', 'second']) appendSync(former, Buffer.from(text))
    await former.close()
    const [, second] = filesIn(directory) as [string, string]
    rmSync(second)
    mkdirSync(second)
    const spool = spoolAt(directory)
    const [first] = await recover(spool)
    rmdirSync(second)
    writeFileSync(second, '')
    spool.ack(first!)
    await vi.waitFor(() => expect(filesIn(directory)).toEqual([second]))
    await recover(spool)
    expect(directoriesIn(directory)).toEqual([])
    expect(warnings).toEqual([expect.stringContaining('EISDIR')])
    await spool.close()
  })

  test('removes an empty directory of a killed process when it is a minute old', async () => {
    const directory = newDirectory()
    const spool = spoolAt(directory)
    const [entry] = await keep(spool, 'x')
    spool.ack(entry!)
    await vi.waitFor(() => expect(filesIn(directory)).toEqual([]))
    const copy = afterKill(directory)
    expect(directoriesIn(copy)).toHaveLength(1)
    expect(await found(copy)).toEqual([])
    expect(directoriesIn(copy)).toHaveLength(1)
    utimesSync(join(copy, directoriesIn(copy)[0]!), LONG_AGO, LONG_AGO)
    expect(await found(copy)).toEqual([])
    expect(directoriesIn(copy)).toEqual([])
    // The directory of the living spool is as old, and stays.
    utimesSync(join(directory, directoriesIn(directory)[0]!), LONG_AGO, LONG_AGO)
    expect(await found(directory)).toEqual([])
    expect(directoriesIn(directory)).toHaveLength(1)
    await spool.close()
  })

  test('returns no entries when the directory is missing', async () => {
    const spool = spoolAt(newDirectory())
    expect(await recover(spool)).toEqual([])
    await spool.close()
    spool.closeSync()
    expect(warnings).toEqual([])
  })

  test('leaves files of others alone', async () => {
    const directory = newDirectory()
    const spool = spoolAt(directory)
    await keep(spool, 'mine')
    await spool.close()
    const [segment] = filesIn(directory)
    const owned = dirname(segment!)
    writeFileSync(join(directory, 'file'), 'x')
    mkdirSync(join(directory, 'folder'))
    writeFileSync(join(owned, 'notes.txt'), 'x')
    writeFileSync(join(owned, '00000000000x.seg'), 'x')
    expect(await found(directory)).toEqual(['mine'])
    const next = spoolAt(directory)
    for (const entry of await recover(next)) next.ack(entry)
    await next.close()
    expect(readdirSync(owned).sort()).toEqual(['00000000000x.seg', 'lock', 'notes.txt'])
    expect(directoriesIn(directory).sort()).toEqual(
      [owned.slice(directory.length + 1), 'file', 'folder'].sort(),
    )
    expect(warnings).toEqual([])
  })

  test('leaves segments of other format versions alone, and reports their bytes and log records in one warning', async () => {
    const directory = newDirectory()
    const spool = spoolAt(directory)
    for (const text of ['old', 'older', 'future', 'current']) appendSync(spool, Buffer.from(text))
    await spool.close()
    const [old, older, future] = filesIn(directory) as [string, string, string]
    // Written by the last commit of version 1: requests of 3, 5, and 4 log records, and an ack of the second one.
    const version1 = readFileSync(new URL('../fixtures/version1.seg', import.meta.url))
    for (const path of [old, older]) writeFileSync(path, version1)
    const version3 = readFileSync(future)
    encodeSegmentHeader(version3.subarray(12, 16), 3).copy(version3)
    writeFileSync(future, version3)
    const next = spoolAt(directory)
    const entries = await recover(next)
    expect(await texts(next, entries)).toEqual(['current'])
    expect(await recover(next)).toEqual([])
    for (const entry of entries) next.ack(entry)
    await next.close()
    const bytes = 2 * version1.length + version3.length
    expect(warnings).toEqual([
      expect.stringContaining(`${directory}: 3 of version 1, 3 with ${bytes} bytes and 15 log records`),
    ])
    expect(filesIn(directory).map((path) => readFileSync(path))).toEqual([version1, version1, version3])
  })

  test('follows no links', async () => {
    const directory = newDirectory()
    const elsewhere = newDirectory()
    for (const place of [directory, elsewhere]) {
      const spool = spoolAt(place)
      await keep(spool, place)
      await spool.close()
    }
    const [target] = filesIn(elsewhere)
    const before = readFileSync(target!)
    const [segment] = filesIn(directory)
    symlinkSync(target!, segment!.replace('1.seg', '2.seg'))
    symlinkSync(dirname(target!), join(directory, '00000000-0000-0000-0000-000000000000'))
    expect(await found(directory)).toEqual([directory])
    expect(readFileSync(target!)).toEqual(before)
    expect(warnings).toEqual([expect.stringContaining('of an ended process failed')])
  })

  test.each(['garbage', 'a link to a file', 'a link to nothing', 'a directory'])(
    'recovers a directory when its lock file is %s, and changes no file elsewhere',
    async (kind) => {
      const directory = newDirectory()
      const target = newDirectory()
      const spool = spoolAt(directory)
      await keep(spool, 'kept')
      await spool.close()
      const [lock] = filesIn(directory, 'lock')
      rmSync(lock!)
      if (kind === 'garbage') writeFileSync(lock!, 'x'.repeat(5000))
      if (kind.startsWith('a link')) symlinkSync(target, lock!)
      if (kind === 'a link to a file') writeFileSync(target, 'x'.repeat(5000))
      if (kind === 'a directory') mkdirSync(lock!)
      const [one, two] = [spoolAt(directory), spoolAt(directory)]
      const entries = await recover(one)
      expect(await texts(one, entries)).toEqual(['kept'])
      expect(await recover(two)).toEqual([])
      expect(existsSync(target)).toBe(kind === 'a link to a file')
      one.ack(entries[0]!)
      await Promise.all([one.close(), two.close()])
      expect(existsSync(target)).toBe(kind === 'a link to a file')
      if (kind !== 'a directory') expect(directoriesIn(directory)).toEqual([])
      expect(warnings).toEqual([])
    },
  )

  test('skips the directory of a living process when its lock file was overwritten', async () => {
    const directory = newDirectory()
    const spool = spoolAt(directory)
    await keep(spool, 'mine')
    writeFileSync(filesIn(directory, 'lock')[0]!, 'x'.repeat(5000))
    const other = spoolAt(directory)
    expect(await recover(other)).toEqual([])
    await spool.close()
    expect(await recover(other)).toHaveLength(1)
    await other.close()
  })

  test.runIf(isRoot)('leaves files of another user alone, with one warning each', async () => {
    const directory = newDirectory()
    const spool = spoolAt(directory)
    await keep(spool, 'theirs')
    await spool.close()
    const [segment] = filesIn(directory)
    chownSync(segment!, 12_345, 12_345)
    expect(await found(directory)).toEqual([])
    chownSync(dirname(segment!), 12_345, 12_345)
    expect(await found(directory)).toEqual([])
    expect(warnings).toEqual([
      expect.stringContaining('is not a segment of this spool'),
      expect.stringContaining('belongs to another user'),
    ])
    expect(existsSync(segment!)).toBe(true)
  })
})
