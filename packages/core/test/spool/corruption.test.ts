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
import { syncBuiltinESMExports } from 'node:module'
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

// Files as a crash, a bad disk or an enemy leaves them: what is whole is delivered.

const made = capturedWarnings()

const TEXTS = ['first', 'second request', 'third', 'the fourth', 'fifth']
/** Where each of them ends in the segment. */
const ENDS = TEXTS.map((_, index) =>
  TEXTS.slice(0, index + 1).reduce(
    (end, text) => end + ENTRY_HEADER_BYTES + text.length,
    SEGMENT_HEADER_BYTES,
  ),
)

/** A directory with one segment that holds TEXTS. */
let whole: string
let segment: Buffer
let folder: string
beforeAll(async () => {
  whole = newDirectory()
  const spool = spoolAt(whole)
  await keep(spool, ...TEXTS)
  await spool.close()
  const [path] = filesIn(whole)
  segment = readFileSync(path!)
  folder = basename(dirname(path!))
})

/** A directory whose one segment has these bytes. */
function withSegment(bytes: Uint8Array): string {
  const directory = newDirectory()
  cpSync(whole, directory, { recursive: true })
  writeFileSync(join(directory, folder, '000000000001.seg'), bytes)
  return directory
}

test('a tail that is torn, at every byte of a segment, is cut off and costs nothing but itself', async () => {
  expect(segment).toHaveLength(ENDS.at(-1)!)
  for (let size = 0; size < segment.length; size += 1) {
    const directory = withSegment(segment.subarray(0, size))
    const expected = TEXTS.filter((_, index) => ENDS[index]! <= size)
    // The second time it has been cut.
    expect(await found(directory)).toEqual(expected)
    const [path] = filesIn(directory)
    expect(path ? readFileSync(path) : undefined).toEqual(
      expected.length > 0 ? segment.subarray(0, ENDS[expected.length - 1]) : undefined,
    )
    expect(await found(directory)).toEqual(expected)
  }
  expect(made).toEqual([])
})

test('what is marked as settled after a torn tail was cut is not sent again', async () => {
  for (let size = ENDS[2]!; size < ENDS[3]!; size += 1) {
    const directory = withSegment(segment.subarray(0, size))
    const spool = spoolAt(directory)
    spool.ack((await recover(spool))[1]!)
    await spool.close()
    expect(await found(directory)).toEqual(['first', 'third'])
  }
  expect(made).toEqual([])
})

describe('a flipped bit', () => {
  test('at every byte of a segment costs the entry that it is in, and no other', async () => {
    for (let at = 0; at < segment.length; at += 1) {
      const bytes = Buffer.from(segment)
      bytes[at]! ^= 1 << (at % 8)
      const hit = at < SEGMENT_HEADER_BYTES ? -1 : ENDS.findIndex((end) => at < end)
      expect(await found(withSegment(bytes))).toEqual(TEXTS.filter((_, index) => index !== hit))
    }
    expect(made).toEqual([
      expect.stringMatching(/is corrupt: 25 bytes with 1 log records in 000000000001.seg are lost/),
    ])
  })

  test('of all bits of every byte gives nothing that was not written', async () => {
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
      // It is counted, unless it looks like a tail that was torn.
      if (size === bytes.length) expect(corruptBytes).toBeGreaterThan(ENTRY_HEADER_BYTES)
      else expect(size).toBe(ENDS.at(-2))
      expect(corruptRecords).toBeLessThanOrEqual(TEXTS.length * 8)
    }
  })
})

test('segments that are missing cost what was in them', async () => {
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
  expect(made).toEqual([])
})

test('a lock that is missing costs nothing', async () => {
  const directory = afterKill(whole)
  rmSync(filesIn(directory, 'lock')[0]!)
  expect(await found(directory)).toEqual(TEXTS)
})

test('whatever a segment is overwritten with, whole neighbours are delivered and nothing else', async () => {
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
      // With its header and its first entry a segment loses the mark that others are found by.
      if (!isHit(12, 16)) expect(read).toEqual(expect.arrayContaining(spared))
      for (const text of read) expect(TEXTS).toContain(text)
    }),
    { numRuns: 500 },
  )
})

test('files of anything give nothing, and are gone or left alone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      expect(await found(withSegment(bytes))).toEqual([])
    }),
    { numRuns: 100 },
  )
  // As a disk may leave it that has lost power.
  expect(await found(withSegment(Buffer.alloc(4 * 1024 * 1024)))).toEqual([])
  expect(await found(withSegment(Buffer.concat([segment, Buffer.alloc(1000)])))).toEqual(TEXTS)
})

test('a length in a header is not believed, nor is the size of a file', async () => {
  const bytes = Buffer.from(segment)
  bytes.writeUInt32LE(0xff_ff_ff_ff, SEGMENT_HEADER_BYTES + 8)
  expect(await found(withSegment(bytes))).toEqual(TEXTS.slice(1))
  made.length = 0

  const directory = withSegment(segment)
  const [path] = filesIn(directory)
  const large = 2 ** 40
  truncateSync(path!, large)
  expect(await found(directory)).toEqual([])
  expect(made).toEqual([expect.stringContaining('left alone, because it is not a segment of this spool')])
})

test('readSegment reads a segment a bounded number of times when each of its places claims to be a long entry', async () => {
  const header = encodeSegmentHeader(Buffer.from('mark'))
  const checksums = vi.spyOn(zlib, 'crc32')
  syncBuiltinESMExports()
  onTestFinished(() => {
    checksums.mockRestore()
    syncBuiltinESMExports()
  })
  for (const claims of [2000, 4000]) {
    checksums.mockClear()
    const length = claims * ENTRY_HEADER_BYTES
    const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES + length)
    header.copy(bytes)
    for (let at = 0; at < length; at += ENTRY_HEADER_BYTES) {
      bytes.write('mark', SEGMENT_HEADER_BYTES + at, 'latin1')
      // To the end of the segment.
      bytes.writeUInt32LE(length - at - ENTRY_HEADER_BYTES, SEGMENT_HEADER_BYTES + at + 8)
    }
    expect((await scanSegment(bytes)).entries).toHaveLength(0)
    const read = checksums.mock.calls.reduce((sum, [given]) => sum + Buffer.byteLength(given), 0)
    expect(read / bytes.length).toBeGreaterThan(1)
    expect(read / bytes.length).toBeLessThan(9)
  }
})

test('what is logged cannot pass for an entry, even where the entry around it is corrupt', async () => {
  const directory = newDirectory()
  const spool = spoolAt(directory)
  // A whole segment, entries with valid checksums and all.
  await spool.append(segment, 1)
  await keep(spool, 'neighbour')
  await spool.close()
  const [path] = filesIn(directory)
  const fd = openSync(path!, 'r+')
  writeSync(fd, Buffer.from([0xff]), 0, 1, SEGMENT_HEADER_BYTES + 4)
  closeSync(fd)
  expect(await found(directory)).toEqual(['neighbour'])
})

test('an entry that is corrupt after it was found is not read as something else', async () => {
  const directory = withSegment(segment)
  const spool = spoolAt(directory)
  const entries = await recover(spool)
  const [path] = filesIn(directory)
  const bytes = Buffer.from(segment)
  bytes[SEGMENT_HEADER_BYTES + ENTRY_HEADER_BYTES]! ^= 1
  writeFileSync(path!, bytes.subarray(0, ENDS[1]))
  expect(await texts(spool, entries)).toEqual([undefined, 'second request', undefined, undefined, undefined])
  expect(made).toEqual([expect.stringMatching(/reading from the spool .*corrupt/)])
  await spool.close()
})
