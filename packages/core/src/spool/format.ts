import { nextTurn } from '@logbridge/bridge/internal'
import { randomBytes } from 'node:crypto'
import crc32c from 'crc-32/crc32c.js'
import { EntryTable, ACK_WRITTEN, TAKEN } from './table.ts'

// How a spool lies on disk, version 1. All numbers are little-endian.
//
//   <directory>/<uuid>/lock                 held while the process (or worker thread) that owns the folder lives
//   <directory>/<uuid>/owner                who that is, with a heartbeat: see owner.ts
//   <directory>/<uuid>/000000000001.seg     append-only segments, numbered in the order of writing
//
// A segment is a header and entries. A checksum is the CRC32C of everything that comes after it in the entry: length and
// type included.
//
//   header   8  'LBSPOOL\n'
//            4  version
//            4  mark: four random bytes, which each entry of this segment begins with
//            4  CRC32C of the 16 bytes before
//   entry    4  mark
//            4  checksum
//            4  length of the payload
//            4  log records in it
//            4  type: 1 request, 2 settled
//            n  payload: an ExportLogsServiceRequest, or offsets (4 bytes each) of entries that need not be sent again
//
// Where an entry is corrupt, the next one is found by the mark. It is random, as what is logged must not be able to look
// like an entry.
//
// CRC32C of 512 KiB on Node.js 24: crc-32 0.35 to 0.4 ms, @aws-crypto/crc32c 5 ms. (zlib.crc32, another polynomial, 0.08 ms;
// at 0.2 us a record of 250 bytes the difference is not worth leaving CRC32C for.)

const MAGIC = Buffer.from('LBSPOOL\n', 'latin1')
const VERSION = 1
export const HEADER_BYTES = 20
export const ENTRY_BYTES = 20
/** To say of one entry that it is settled. */
export const ACK_BYTES: number = ENTRY_BYTES + 4
const REQUEST = 1
const ACKED = 2

/** What an entry may hold: twice what a gRPC receiver takes by default. Its checksum takes about 6 ms. */
export const MAX_REQUEST_BYTES: number = 8 * 1024 * 1024
/** What is read at a time. */
const PIECE_BYTES = 1024 * 1024
/** How often the bytes of a segment are put through a checksum, all in all. A corrupt one of ours takes two passes at the most. */
const MAX_PASSES = 8
/** What it costs to look at a place where no entry is, in bytes of a checksum. */
const STEP_BYTES = 256
/** What a segment of ours can never have. */
export const MAX_SEGMENT_BYTES: number = 2 * MAX_REQUEST_BYTES

/** What is found in a segment. */
export interface SegmentScan {
  /** `unknown`: written by another version of logbridge, to be left alone. */
  readonly version: 'known' | 'unknown'
  readonly syncMarker: Buffer
  /** Requests that are not settled, in the order of writing. */
  readonly entries: EntryTable
  /** Up to the end of the last entry that is whole; what comes after is to be cut off. */
  readonly size: number
  /** Bytes that were written and are not what they were; a torn tail is not among them. */
  readonly corruptBytes: number
  /** Log records in these, as far as that can be told. */
  readonly corruptRecords: number
}

interface DecodedEntry {
  readonly type: number
  readonly count: number
  /** Where its payload lies. */
  readonly start: number
  readonly end: number
}

export function createSyncMarker(): Buffer {
  let mark = randomBytes(4)
  while (isPadding(mark)) mark = randomBytes(4)
  return mark
}

/** Four equal bytes: what a disk that has lost data is full of, and what would be found at every step. */
function isPadding(mark: Buffer): boolean {
  return mark.every((byte) => byte === mark[0])
}

/** @param version another one, for tests */
export function encodeHeader(mark: Buffer, version: number = VERSION): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(header)
  header.writeUInt32LE(version, 8)
  mark.copy(header, 12)
  header.writeInt32LE(crc32c.buf(header.subarray(0, 16)), 16)
  return header
}

/** The bytes of an entry with a request: what comes before it, and itself. */
export function encodeRequestEntry(mark: Buffer, request: Uint8Array, count: number): Uint8Array[] {
  return encodeEntry(mark, REQUEST, request, count)
}

/** The bytes of an entry that says which others are settled. */
export function encodeAckEntry(mark: Buffer, offsets: readonly number[]): Uint8Array[] {
  const payload = Buffer.alloc(offsets.length * 4)
  offsets.forEach((offset, index) => payload.writeUInt32LE(offset, index * 4))
  return encodeEntry(mark, ACKED, payload, 0)
}

function encodeEntry(mark: Buffer, type: number, payload: Uint8Array, count: number): Uint8Array[] {
  const head = Buffer.alloc(ENTRY_BYTES)
  mark.copy(head)
  head.writeUInt32LE(payload.length, 8)
  head.writeUInt32LE(count, 12)
  head.writeUInt32LE(type, 16)
  head.writeInt32LE(crc32c.buf(payload, crc32c.buf(head.subarray(8))), 4)
  return [head, payload]
}

/** The request of the entry at an offset; `undefined` when it is not what was written. */
export function decodeRequestEntry(bytes: Buffer, offset: number, mark: Buffer): Buffer | undefined {
  const found = entryAt(bytes, offset, mark)
  return found?.type === REQUEST ? bytes.subarray(found.start, found.end) : undefined
}

/**
 * Reads a whole segment, in pieces that leave the event loop turning; no number in it is believed.
 * @param scratch which the entries are gathered in
 */
export async function scanSegment(
  bytes: Buffer,
  scratch: EntryTable = new EntryTable(),
): Promise<SegmentScan> {
  const nothing = { entries: new EntryTable(), corruptBytes: 0, corruptRecords: 0 }
  const mark = bytes.subarray(12, 16)
  // Torn when it was made: nothing can be in it.
  if (bytes.length < HEADER_BYTES) return { ...nothing, version: 'known', syncMarker: mark, size: 0 }
  if (!isHeaderWhole(bytes)) return readEntries(bytes, markOfCorrupt(bytes), scratch)
  // Every version begins with this header, or the next one could not be told from a corrupt one.
  if (bytes.readUInt32LE(8) !== VERSION) {
    return { ...nothing, version: 'unknown', syncMarker: mark, size: bytes.length }
  }
  return readEntries(bytes, mark, scratch)
}

function isHeaderWhole(bytes: Buffer): boolean {
  return (
    bytes.subarray(0, MAGIC.length).equals(MAGIC) &&
    crc32c.buf(bytes.subarray(0, 16)) === bytes.readInt32LE(16)
  )
}

/** The mark as the header has it, if any entry begins with it; else as the first entry has it. */
function markOfCorrupt(bytes: Buffer): Buffer {
  const mark = bytes.subarray(12, 16)
  const first = bytes.subarray(HEADER_BYTES, HEADER_BYTES + 4)
  return first.length === 4 && bytes.indexOf(mark, HEADER_BYTES) < 0 ? first : mark
}

async function readEntries(bytes: Buffer, mark: Buffer, entries: EntryTable): Promise<SegmentScan> {
  entries.length = 0
  const work = { left: bytes.length * MAX_PASSES, pause: PIECE_BYTES }
  let corruptBytes = 0
  let corruptRecords = 0
  let size = bytes.length
  let corruptFrom: number | undefined
  let offset = Math.min(HEADER_BYTES, bytes.length)
  while (offset < bytes.length) {
    if (work.pause <= 0) {
      work.pause = PIECE_BYTES
      await nextTurn()
    }
    const found = entryAt(bytes, offset, mark, work)
    if (found === undefined) {
      corruptFrom ??= offset
      offset = nextSyncMarker(bytes, offset + 1, mark, work)
      continue
    }
    if (corruptFrom !== undefined) addCorrupt(corruptFrom, offset)
    corruptFrom = undefined
    if (found.type === REQUEST) {
      entries.add(offset, found.count, TAKEN)
    } else if (found.type === ACKED) {
      settle(bytes.subarray(found.start, found.end))
    }
    offset = found.end
  }
  if (corruptFrom !== undefined) {
    if (isTorn(bytes, corruptFrom, mark)) size = corruptFrom
    else addCorrupt(corruptFrom, bytes.length)
  }
  entries.dropAcked()
  return {
    version: 'known',
    syncMarker: mark,
    entries: entries.copy(),
    size,
    corruptBytes: corruptBytes,
    corruptRecords: corruptRecords,
  }

  function settle(offsets: Buffer): void {
    for (let at = 0; at + 4 <= offsets.length; at += 4) {
      const index = entries.find(offsets.readUInt32LE(at))
      if (index >= 0) entries.setState(index, ACK_WRITTEN)
    }
  }
  function addCorrupt(start: number, end: number): void {
    corruptBytes += end - start
    corruptRecords += recordsAt(bytes, start, end)
  }
}

/** How much may still be done, in bytes: in the whole segment, and until the event loop turns. */
interface Work {
  left: number
  pause: number
}

/**
 * The entry at an offset; `undefined` when none is there, whole and as it was written.
 * @param work what the checksum costs is taken off
 */
function entryAt(bytes: Buffer, offset: number, mark: Buffer, work?: Work): DecodedEntry | undefined {
  const start = offset + ENTRY_BYTES
  if (start > bytes.length || bytes.readInt32LE(offset) !== mark.readInt32LE(0)) return undefined
  const end = start + bytes.readUInt32LE(offset + 8)
  if (end > bytes.length) return undefined
  if (work) {
    work.left -= end - offset
    work.pause -= end - offset
    if (work.left < 0) return undefined
  }
  if (crc32c.buf(bytes.subarray(offset + 8, end)) !== bytes.readInt32LE(offset + 4)) return undefined
  return {
    type: bytes.readUInt32LE(offset + 16),
    count: bytes.readUInt32LE(offset + 12),
    start,
    end,
  }
}

/** Where the mark stands next; the end when it does not, or when enough has been tried. */
function nextSyncMarker(bytes: Buffer, from: number, mark: Buffer, work: Work): number {
  if (work.left < 0 || isPadding(mark)) return bytes.length
  const at = bytes.indexOf(mark, from)
  const next = at < 0 ? bytes.length : at
  // A step costs as much as some bytes of a checksum, also where the next mark is near.
  work.pause -= next - from + STEP_BYTES
  return next
}

/** Whether the rest is the beginning of an entry whose writing was cut short: its `append` has never resolved. */
function isTorn(bytes: Buffer, offset: number, mark: Buffer): boolean {
  const rest = bytes.length - offset
  if (!bytes.subarray(offset, offset + 4).equals(mark.subarray(0, rest))) return false
  return rest < ENTRY_BYTES || bytes.readUInt32LE(offset + 8) > rest - ENTRY_BYTES
}

/** How many log records a corrupt entry has held, when its frame still fits and says so. */
function recordsAt(bytes: Buffer, offset: number, end: number): number {
  if (end - offset < ENTRY_BYTES || bytes.readUInt32LE(offset + 8) !== end - offset - ENTRY_BYTES) return 0
  const count = bytes.readUInt32LE(offset + 12)
  // Each takes at least two bytes.
  return bytes.readUInt32LE(offset + 16) === REQUEST && count * 2 <= end - offset ? count : 0
}
