import {
  closeSync,
  cpSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import zlib from 'node:zlib'
import fc from 'fast-check'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  decodeRequestEntry,
  ENTRY_HEADER_BYTES,
  encodeSegmentHeader,
  FORMAT_VERSION,
  SEGMENT_HEADER_BYTES,
  scanSegment,
} from '../../src/spool/format.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { recover, afterKill, filesIn, found, keep, newDirectory, spoolAt, texts } from './spoolDirectory.ts'

// Segments as a crash, a bad disk, or an attacker leaves them. Whole entries are delivered.

const warnings = capturedWarnings()

const TEXTS = ['first', 'second request', 'third', 'the fourth', 'fifth']
/** Offsets in the segment where the entries of TEXTS end. */
const ENDS = TEXTS.map((_, index) =>
  TEXTS.slice(0, index + 1).reduce(
    (end, text) => end + ENTRY_HEADER_BYTES + text.length,
    SEGMENT_HEADER_BYTES,
  ),
)

/** Directory with one segment that has the entries of TEXTS. */
let whole: string
let segment: Buffer
let ownedDirectory: string
beforeAll(async () => {
  whole = newDirectory()
  const spool = spoolAt(whole)
  await keep(spool, ...TEXTS)
  await spool.close()
  const [path] = filesIn(whole)
  segment = readFileSync(path!)
  ownedDirectory = basename(dirname(path!))
})

/** Creates a directory whose only segment has the given bytes. */
function withSegment(bytes: Uint8Array): string {
  const directory = newDirectory()
  cpSync(whole, directory, { recursive: true })
  writeFileSync(join(directory, ownedDirectory, '000000000001.seg'), bytes)
  return directory
}

test('Spool.recover cuts off only the torn tail when a segment ends at any byte', async () => {
  expect(segment).toHaveLength(ENDS.at(-1)!)
  for (let size = 0; size < segment.length; size += 1) {
    const directory = withSegment(segment.subarray(0, size))
    const expected = TEXTS.filter((_, index) => ENDS[index]! <= size)
    // The first recovery cuts the tail off, the second one reads a whole segment.
    expect(await found(directory)).toEqual(expected)
    const [path] = filesIn(directory)
    expect(path ? readFileSync(path) : undefined).toEqual(
      expected.length > 0 ? segment.subarray(0, ENDS[expected.length - 1]) : undefined,
    )
    expect(await found(directory)).toEqual(expected)
  }
  expect(warnings).toEqual([])
})

test('Spool.recover skips an entry that was acknowledged after a torn tail was cut off', async () => {
  for (let size = ENDS[2]!; size < ENDS[3]!; size += 1) {
    const directory = withSegment(segment.subarray(0, size))
    const spool = spoolAt(directory)
    spool.ack((await recover(spool))[1]!)
    await spool.close()
    expect(await found(directory)).toEqual(['first', 'third'])
  }
  expect(warnings).toEqual([])
})

describe('Spool.recover', () => {
  test('loses only the entry with a flipped bit', async () => {
    for (let at = 0; at < segment.length; at += 1) {
      const bytes = Buffer.from(segment)
      bytes[at]! ^= 1 << (at % 8)
      const hit = at < SEGMENT_HEADER_BYTES ? -1 : ENDS.findIndex((end) => at < end)
      expect(await found(withSegment(bytes))).toEqual(TEXTS.filter((_, index) => index !== hit))
    }
    expect(warnings).toEqual([
      expect.stringMatching(
        /corrupt entries skipped .*: 25 bytes with 1 log record in 000000000001.seg are lost/,
      ),
    ])
  })

  test('returns only written requests when any bit is flipped', async () => {
    for (let bit = 0; bit < segment.length * 8; bit += 1) {
      const bytes = Buffer.from(segment)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      const { entries, version, corruptBytes, corruptRecords, size } = await scanSegment(bytes)
      const offsets = [SEGMENT_HEADER_BYTES, ...ENDS]
      expect(entries.length).toBeGreaterThanOrEqual(TEXTS.length - 1)
      for (let entry = 0; entry < entries.length; entry += 1) {
        const index = offsets.indexOf(entries.offset(entry))
        const request = decodeRequestEntry(bytes, entries.offset(entry), bytes.subarray(12, 16))
        if (bytes.subarray(12, 16).equals(segment.subarray(12, 16)))
          expect(String(request)).toBe(TEXTS[index])
        expect(entries.count(entry)).toBe(1)
      }
      expect(version).toBe(FORMAT_VERSION)
      if (entries.length === TEXTS.length) continue
      // A corrupt entry is counted, unless it looks like a torn tail.
      if (size === bytes.length) expect(corruptBytes).toBeGreaterThan(ENTRY_HEADER_BYTES)
      else expect(size).toBe(ENDS.at(-2))
      expect(corruptRecords).toBeLessThanOrEqual(TEXTS.length * 8)
    }
  })
})

test('Spool.recover returns the entries of all other segments when some are missing', async () => {
  const directory = newDirectory()
  const spool = spoolAt(directory, { maxBytes: 2000 })
  const names = Array.from({ length: 8 }, (_, index) => String(index).repeat(100))
  await keep(spool, ...names)
  await spool.close()
  const paths = filesIn(directory)
  expect(paths.length).toBe(4)
  for (let missing = 0; missing < 16; missing += 1) {
    const copy = afterKill(directory)
    filesIn(copy).forEach((path, index) => missing & (1 << index) && rmSync(path))
    expect(await found(copy)).toEqual(names.filter((_, index) => !(missing & (1 << (index >> 1)))))
  }
  expect(warnings).toEqual([])
})

test('Spool.recover returns all entries when the lock file is missing', async () => {
  const directory = afterKill(whole)
  rmSync(filesIn(directory, 'lock')[0]!)
  expect(await found(directory)).toEqual(TEXTS)
})

test('scanSegment returns the whole entries and no others when any bytes are overwritten', async () => {
  const patch = fc.record({ at: fc.nat({ max: segment.length }), bytes: fc.uint8Array({ maxLength: 40 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(patch, { minLength: 1, maxLength: 3 }), async (patches) => {
      const bytes = Buffer.from(segment)
      const isHit = (start: number, end: number): boolean =>
        patches.some((patch) => patch.at < end && patch.at + patch.bytes.length > start)
      for (const { at, bytes: given } of patches) bytes.set(given.subarray(0, bytes.length - at), at)
      const { entries, syncMarker: mark } = await scanSegment(bytes)
      const read = Array.from({ length: entries.length }, (_, index) =>
        String(decodeRequestEntry(bytes, entries.offset(index), mark)),
      )
      const spared = TEXTS.filter(
        (text, index) => !isHit(ENDS[index]! - text.length - ENTRY_HEADER_BYTES, ENDS[index]!),
      )
      // The sync marker is lost when the header and the first entry are corrupt.
      if (!isHit(12, 16)) expect(read).toEqual(expect.arrayContaining(spared))
      for (const text of read) expect(TEXTS).toContain(text)
    }),
    { numRuns: 500 },
  )
})

test('Spool.recover returns no entries from a file of random bytes or zeros', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      expect(await found(withSegment(bytes))).toEqual([])
    }),
    { numRuns: 100 },
  )
  // A disk that loses power may leave zeros.
  expect(await found(withSegment(Buffer.alloc(4 * 1024 * 1024)))).toEqual([])
  expect(await found(withSegment(Buffer.concat([segment, Buffer.alloc(1000)])))).toEqual(TEXTS)
})

test('Spool.recover ignores a forged length and a file that is too large', async () => {
  const bytes = Buffer.from(segment)
  bytes.writeUInt32LE(0xff_ff_ff_ff, SEGMENT_HEADER_BYTES + 8)
  expect(await found(withSegment(bytes))).toEqual(TEXTS.slice(1))
  warnings.length = 0

  const directory = withSegment(segment)
  const [path] = filesIn(directory)
  const large = 2 ** 40
  truncateSync(path!, large)
  expect(await found(directory)).toEqual([])
  expect(warnings).toEqual([expect.stringContaining('left alone, because it is not a segment of this spool')])
})

test('scanSegment reads a segment at most eight times when each offset claims a long entry', async () => {
  const header = encodeSegmentHeader(Buffer.from('mark'))
  const checksums = vi.spyOn(zlib, 'crc32')
  // Load the module again, because the module takes `crc32` as it loads.
  vi.resetModules()
  const { scanSegment } = await import('../../src/spool/format.ts')
  onTestFinished(() => checksums.mockRestore())
  for (const claims of [2000, 4000]) {
    checksums.mockClear()
    const length = claims * ENTRY_HEADER_BYTES
    const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES + length)
    header.copy(bytes)
    for (let at = 0; at < length; at += ENTRY_HEADER_BYTES) {
      bytes.write('mark', SEGMENT_HEADER_BYTES + at, 'latin1')
      // The claimed entry reaches to the end of the segment.
      bytes.writeUInt32LE(length - at - ENTRY_HEADER_BYTES, SEGMENT_HEADER_BYTES + at + 8)
    }
    expect((await scanSegment(bytes)).entries).toHaveLength(0)
    const read = checksums.mock.calls.reduce((sum, [given]) => sum + Buffer.byteLength(given), 0)
    expect(read / bytes.length).toBeGreaterThan(1)
    expect(read / bytes.length).toBeLessThan(9)
  }
})

test('scanSegment finds no entry inside a payload when the entry around it is corrupt', async () => {
  const directory = newDirectory()
  const spool = spoolAt(directory)
  // The request is a whole segment whose entries have valid checksums.
  await spool.append(segment, 1)
  await keep(spool, 'neighbor')
  await spool.close()
  const [path] = filesIn(directory)
  const fd = openSync(path!, 'r+')
  writeSync(fd, Buffer.from([0xff]), 0, 1, SEGMENT_HEADER_BYTES + 4)
  closeSync(fd)
  expect(await found(directory)).toEqual(['neighbor'])
})

test('Spool.read returns corrupt when an entry changes after its recovery', async () => {
  const directory = withSegment(segment)
  const spool = spoolAt(directory)
  const entries = await recover(spool)
  const [path] = filesIn(directory)
  const bytes = Buffer.from(segment)
  bytes[SEGMENT_HEADER_BYTES + ENTRY_HEADER_BYTES]! ^= 1
  writeFileSync(path!, bytes.subarray(0, ENDS[1]))
  expect(await texts(spool, entries)).toEqual([undefined, 'second request', undefined, undefined, undefined])
  expect(warnings).toEqual([expect.stringMatching(/reading from the spool .*corrupt/)])
  await spool.close()
})
