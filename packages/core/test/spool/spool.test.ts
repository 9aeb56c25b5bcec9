import { chmodSync, existsSync, mkdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { SpoolEntry } from '../../src/spool/types.ts'
import { capturedWarnings, forgetLoggedWarnings } from '@logbridge/test-support/capturedWarnings'
import {
  recover,
  appends,
  appendSync,
  afterKill,
  bytesOnDisk,
  filesIn,
  found,
  keep,
  directoriesIn,
  newDirectory,
  read,
  sorted,
  spoolAt,
  texts,
} from './spoolDirectory.ts'

const warnings = capturedWarnings()

test('Spool.read returns appended requests, and the next process recovers them in the order of the calls', async () => {
  const directory = newDirectory()
  const spool = spoolAt(directory)
  const names = Array.from({ length: 700 }, (_, index) => `request ${index}`)
  const entries = await Promise.all(names.map((name, index) => spool.append(Buffer.from(name), index)))
  expect(entries.map((entry) => entry?.count)).toEqual(names.map((_, index) => index))
  expect(entries.map((entry) => entry?.bytes)).toEqual(names.map((name) => name.length))
  expect(await texts(spool, entries as never)).toEqual(names)
  expect(spool.bytes).toBe(bytesOnDisk(directory))
  await spool.close()

  const next = spoolAt(directory)
  const recovered = await recover(next)
  expect(recovered.map(({ count }) => count)).toEqual(names.map((_, index) => index))
  expect(await texts(next, recovered)).toEqual(names)
  expect(next.bytes).toBe(bytesOnDisk(directory))
  await next.close()
  expect(warnings).toEqual([])
})

test('Spool.ack removes a segment with its last entry, and close removes the directory', async () => {
  const directory = newDirectory()
  const spool = spoolAt(directory)
  const [one, two] = await keep(spool, 'one', 'two')
  spool.ack(two!)
  spool.ack(one!)
  spool.ack(one!)
  await keep(spool, 'three').then(([three]) => spool.ack(three!))
  await vi.waitFor(() => expect(filesIn(directory)).toEqual([]))
  expect(spool.bytes).toBe(0)
  const [last] = await keep(spool, 'four')
  spool.ack(last!)
  await spool.close()
  expect(directoriesIn(directory)).toEqual([])
  expect(warnings).toEqual([])
})

test.each(['close', 'closeSync'] as const)(
  'Spool.%s leaves the unacknowledged entries to the next process',
  async (close) => {
    const directory = newDirectory()
    const spool = spoolAt(directory)
    const entries = await keep(spool, 'a', 'b', 'c')
    const sync = appendSync(spool, Buffer.from('d'))
    spool.ack(entries[1]!)
    spool.ack(sync!)
    await spool[close]()
    expect(await found(directory)).toEqual(['a', 'c'])

    // Recovered entries are acknowledged like own entries.
    const next = spoolAt(directory)
    const [a] = await recover(next)
    next.ack(a!)
    await next[close]()
    expect(await found(directory)).toEqual(['c'])
    const last = spoolAt(directory)
    for (const entry of await recover(last)) last.ack(entry)
    await last[close]()
    expect(directoriesIn(directory)).toEqual([])
  },
)

test('Spool.ack writes acks together, before the process is killed', async () => {
  const directory = newDirectory()
  const spool = spoolAt(directory)
  const [a, , c] = await keep(spool, 'a', 'b', 'c')
  const before = bytesOnDisk(directory)
  spool.ack(a!)
  spool.ack(c!)
  await vi.waitFor(() => expect(bytesOnDisk(directory)).toBeGreaterThan(before), 10_000)
  expect(await found(afterKill(directory))).toEqual(['b'])
  expect(spool.bytes).toBe(bytesOnDisk(directory))
  // One ack entry has both acks.
  expect(bytesOnDisk(directory) - before).toBe(20 + 8)
  await spool.close()
})

test('Spool.appendSync leaves asynchronous appends whole when the process continues', async () => {
  const directory = newDirectory()
  const spool = spoolAt(directory)
  const requests = Array.from({ length: 40 }, (_, index) => Buffer.alloc(20_000, index))
  const appends = requests.map((request) => spool.append(request, 1))
  await appends[0]
  const sync = appendSync(spool, Buffer.from('dying'))
  expect(sync).toMatchObject({ count: 1, bytes: 5 })
  expect(await found(afterKill(directory))).toContain('dying')
  expect(await Promise.all(appends)).not.toContain(undefined)
  const all = await found(afterKill(directory))
  expect(sorted(all)).toEqual(sorted(['dying', ...requests.map(String)]))
  await spool.close()
})

test('Spool.appendSync writes the requests of queued appends', async () => {
  const directory = newDirectory()
  const spool = spoolAt(directory)
  const requests = ['a', 'b', 'c'].map((text) => Buffer.from(text))
  const appends = requests.map((request) => spool.append(request, 1))
  const sync = requests.map((request) => appendSync(spool, request))
  expect(await Promise.all(appends)).toEqual(sync)
  spool.closeSync()
  expect(await found(directory)).toEqual(['a', 'b', 'c'])
})

test('Spool.appendSync creates the directory when it is missing', async () => {
  const directory = join(newDirectory(), 'deep', 'down')
  for (const fsync of [false, true]) {
    const spool = spoolAt(directory, { fsync })
    expect(appendSync(spool, Buffer.from(`fsync ${fsync}`))).toBeDefined()
    spool.closeSync()
  }
  expect(sorted(await found(directory))).toEqual(['fsync false', 'fsync true'])
})

test('Spool ignores all calls after close', async () => {
  const directory = newDirectory()
  const spool = spoolAt(directory)
  const late = spool.append(Buffer.from('before'), 1)
  const closing = spool.close()
  expect(spool.close()).toBe(closing)
  expect(await spool.append(Buffer.from('after'), 1)).toBeUndefined()
  expect(appendSync(spool, Buffer.from('after'))).toBeUndefined()
  await closing
  const entry = await late
  expect(entry).toBeDefined()
  expect(await texts(spool, [entry!])).toEqual([undefined])
  spool.ack(entry!)
  expect(await recover(spool)).toEqual([])
  spool.closeSync()
  expect(await found(directory)).toEqual(['before'])
  expect(warnings).toEqual([])
})

test('Spool.closeSync loses no appended entry when it is called during a write, a recovery, and a close', async () => {
  const directory = newDirectory()
  await keep(spoolAt(directory), 'alive')
  const former = spoolAt(directory)
  await keep(former, 'orphan')
  await former.close()
  for (let turns = 0; turns < 30; turns += 1) {
    const spool = spoolAt(directory)
    const recovering = recover(spool)
    const append = spool.append(Buffer.from('new'), 1)
    for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate)
    const closing = turns % 2 === 0 ? spool.close() : undefined
    spool.closeSync()
    await Promise.all([recovering, append, closing])
    const next = spoolAt(directory)
    const recovered = await recover(next)
    const contents = await texts(next, recovered)
    const expected = (await append) === undefined ? ['orphan'] : ['new', 'orphan']
    // A lock is released when the operation under way has ended.
    while (contents.length < expected.length) {
      const more = await recover(next)
      recovered.push(...more)
      contents.push(...(await texts(next, more)))
    }
    expect(contents).toEqual(expect.arrayContaining(expected))
    expect(contents.filter((text) => text === 'orphan')).toHaveLength(1)
    recovered.forEach((entry, index) => contents[index] === 'new' && next.ack(entry))
    await next.close()
  }
})

describe('maxBytes', () => {
  test('is never exceeded, and requests are appended again when space is freed', async () => {
    const directory = newDirectory()
    const spool = spoolAt(directory, { maxBytes: 2000 })
    const kept = []
    for (let index = 0; index < 30; index += 1) {
      const entry =
        index % 3 === 0 ? appendSync(spool, Buffer.alloc(100)) : await spool.append(Buffer.alloc(100), 1)
      if (entry) kept.push(entry)
      expect(bytesOnDisk(directory)).toBeLessThanOrEqual(2000)
      expect(spool.bytes).toBe(bytesOnDisk(directory))
    }
    expect(kept.length).toBeGreaterThan(10)
    expect(kept.length).toBeLessThan(20)
    expect(warnings).toEqual([expect.stringContaining(`${directory} is full (maxBytes: 2000)`)])
    for (const entry of kept) spool.ack(entry)
    await vi.waitFor(() => expect(spool.bytes).toBe(0))
    expect(await spool.append(Buffer.alloc(100), 1)).toBeDefined()
    await spool.close()
  })

  test('leaves space for acks when the spool is full', async () => {
    const directory = newDirectory()
    const spool = spoolAt(directory, { maxBytes: 2000 })
    const kept: [string, SpoolEntry][] = []
    for (let number = 0; ; number += 1) {
      const text = `${number}`.padStart(40 - (number % 7), '0')
      const entry = await spool.append(Buffer.from(text), 1)
      if (entry === undefined) break
      kept.push([text, entry])
    }
    const left = kept.filter(([, entry], index) => index % 2 === 0 || spool.ack(entry))
    await spool.close()
    expect(bytesOnDisk(directory)).toBeLessThanOrEqual(2000)
    expect(await found(directory)).toEqual(left.map(([text]) => text))
  })

  test('includes the segments of other processes', async () => {
    const directory = newDirectory()
    const one = spoolAt(directory, { maxBytes: 2000 })
    await one.append(Buffer.alloc(1500), 1)
    for (const append of ['append', 'appendSync'] as const) {
      const two = spoolAt(directory, { maxBytes: 2000 })
      expect(await appends[append](two, Buffer.alloc(500))).toBeUndefined()
      expect(await appends[append](two, Buffer.alloc(300))).toBeDefined()
      await two.close()
      for (const path of filesIn(directory).filter((file) => statSync(file).size < 500)) truncateSync(path)
    }
    expect(warnings).toHaveLength(1)
    await one.close()
  })

  test('includes recovered segments once', async () => {
    const directory = newDirectory()
    const former = spoolAt(directory, { maxBytes: 2000 })
    await former.append(Buffer.alloc(900), 1)
    await former.close()
    const spool = spoolAt(directory, { maxBytes: 2000 })
    expect(await spool.append(Buffer.alloc(100), 1)).toBeDefined()
    expect(await recover(spool)).toHaveLength(1)
    expect(await spool.append(Buffer.alloc(700), 1)).toBeDefined()
    await spool.close()
    expect(warnings).toEqual([])
  })

  test('Spool.append refuses a request of more than 8 MiB', async () => {
    const spool = spoolAt(newDirectory(), { maxBytes: 2 ** 30 })
    expect(await spool.append(Buffer.alloc(9 * 1024 * 1024), 1)).toBeUndefined()
    expect(warnings).toEqual([expect.stringContaining('a request of 9437184 bytes stays in memory only')])
    const entry = await spool.append(Buffer.alloc(8 * 1024 * 1024, 1), 1)
    expect((await read(spool, entry!)).request).toHaveLength(8 * 1024 * 1024)
    await spool.close()
  })
})

test('Spool creates directories of mode 0700 and files of mode 0600', async () => {
  const directory = newDirectory()
  const umask = process.umask(0)
  try {
    for (const append of ['append', 'appendSync'] as const) {
      const spool = spoolAt(directory)
      await appends[append](spool, Buffer.from('secret'))
    }
  } finally {
    process.umask(umask)
  }
  const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)
  expect(mode(directory)).toBe('700')
  expect(directoriesIn(directory).map((name) => mode(join(directory, name)))).toEqual(['700', '700'])
  const files = [...filesIn(directory), ...filesIn(directory, 'lock')]
  expect(files.map(mode)).toEqual(['600', '600', '600', '600'])
})

test.runIf(process.geteuid !== undefined)(
  'Spool warns once when other users may write to the directory, and leaves its mode unchanged',
  async () => {
    for (const [mode, isWarned] of [
      [0o777, true],
      [0o2770, true],
      [0o755, false],
      [0o1777, false],
    ] as const) {
      for (const append of ['append', 'appendSync'] as const) {
        warnings.length = 0
        forgetLoggedWarnings()
        const directory = newDirectory()
        mkdirSync(directory)
        chmodSync(directory, mode)
        for (const spool of [spoolAt(directory), spoolAt(directory)]) {
          expect(await appends[append](spool, Buffer.from('x'))).toBeDefined()
          await spool.close()
        }
        expect(statSync(directory).mode & 0o7777).toBe(mode)
        const warning = expect.stringMatching(
          /other users may remove log records from the spool .* set its mode to 0700/,
        )
        expect(warnings).toEqual(isWarned ? [warning] : [])
      }
    }
  },
)

test('openSpool warns of the limit when the path is too long for SQLite', async () => {
  const pathOf = (bytes: number): string => {
    let path = newDirectory()
    while (path.length < bytes) path = join(path, 'x'.repeat(Math.min(bytes - path.length - 1, 200)))
    return path
  }
  const longest = spoolAt(pathOf(460))
  await keep(longest, 'kept')
  await longest.close()
  expect(warnings).toEqual([])
  const spool = spoolAt(pathOf(461))
  expect(await spool.append(Buffer.from('x'), 1)).toBeUndefined()
  expect(await recover(spool)).toEqual([])
  await spool.close()
  expect(warnings).toEqual([
    expect.stringMatching(/path of the spool has 461 bytes, more than the limit of 460/),
  ])
})

test('openSpool warns once when node:sqlite is missing', async () => {
  const directory = newDirectory()
  vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined)
  const spool = spoolAt(directory)
  expect(await spool.append(Buffer.from('x'), 1)).toBeUndefined()
  expect(appendSync(spool, Buffer.from('x'))).toBeUndefined()
  expect(await recover(spool)).toEqual([])
  await spool.close()
  expect(warnings).toEqual([expect.stringMatching(/needs the module node:sqlite.* Node\.js 22\.15/)])
  expect(existsSync(directory)).toBe(false)
})
