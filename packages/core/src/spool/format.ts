import { randomBytes } from 'node:crypto'
// A named import of crc32 would fail before the version of Node.js is checked.
import zlib from 'node:zlib'
import { nextTurn } from '@logbridge/bridge/internal'
import { EntryTable, ACK_WRITTEN, TAKEN } from './table.ts'

// Layout of a segment, format version 2. docs/spool.md describes the whole spool. All numbers are little-endian and unsigned.
//
//   segment header   8  'LBSPOOL\n'
//                    4  format version
//                    4  sync marker: four random bytes, which open each entry of this segment
//                    4  checksum of the 16 bytes before
//   entry            4  sync marker
//                    4  checksum of the rest of the entry: length, record count, type, and payload
//                    4  length of the payload
//                    4  log records in the payload
//                    4  type: 1 request, 2 ack
//                    n  payload: an ExportLogsServiceRequest, or the offsets (4 bytes each) of acknowledged entries
//
// A checksum is the CRC-32 of zlib (polynomial 0x04C11DB7), which is another one than CRC-32C. Version 1 differs only in
// its checksums, which are CRC-32C.
//
// The sync marker is random so that a logged text cannot pass for an entry. After corrupt bytes the reader searches for the
// next sync marker.

const MAGIC = Buffer.from('LBSPOOL\n', 'latin1')
export const FORMAT_VERSION = 2
/** First format version. Its header fails the CRC-32, so it is recognized by its number. */
const CRC_32C_VERSION = 1
export const SEGMENT_HEADER_BYTES = 20
export const ENTRY_HEADER_BYTES = 20
/** Bytes of an ack entry for one entry. */
export const ACK_BYTES: number = ENTRY_HEADER_BYTES + 4
const REQUEST = 1
const ACK = 2

/** Largest payload: twice the message that a gRPC receiver takes by default. */
export const MAX_REQUEST_BYTES: number = 8 * 1024 * 1024
/** Largest segment that a logbridge writes. */
export const MAX_SEGMENT_BYTES: number = 2 * MAX_REQUEST_BYTES
/** Bytes that are scanned between two turns of the event loop. */
const SCAN_BYTES_PER_TURN = 1024 * 1024
/** Limit of the bytes that one scan puts through the checksum, in sizes of the segment. A segment that logbridge writes needs two. */
const MAX_CHECKSUM_PASSES = 8
/** Cost of one search for a sync marker, in bytes of a checksum. */
const SEARCH_COST_BYTES = 256

/** Result of a scan of one segment. */
export interface SegmentScan {
  /** Format version. The entries of any version but `FORMAT_VERSION` are counted only: their checksums are not verified. */
  readonly version: number
  readonly syncMarker: Buffer
  /** Requests without an ack, in the order of writing. */
  readonly entries: EntryTable
  /** Bytes up to the end of the last whole entry. The rest is torn and is to be cut off. */
  readonly size: number
  /** Bytes that fail their checksum, without the torn tail. */
  readonly corruptBytes: number
  /** Log records in the corrupt bytes; 0 where their entry headers do not fit. */
  readonly corruptRecords: number
}

interface DecodedEntry {
  readonly type: number
  readonly recordCount: number
  /** Offsets of the payload's first byte, and of the byte after the payload. */
  readonly start: number
  readonly end: number
}

/** Bytes that a scan may still put through the checksum: in all, and before the next turn of the event loop. */
interface ScanBudget {
  total: number
  turn: number
}

/** Makes four random bytes that are not all equal. */
export function createSyncMarker(): Buffer {
  let syncMarker = randomBytes(4)
  while (isPadding(syncMarker)) syncMarker = randomBytes(4)
  return syncMarker
}

/** Detects four equal bytes: padding of lost blocks consists of them, and would match at every offset. */
function isPadding(syncMarker: Buffer): boolean {
  return syncMarker.every((byte) => byte === syncMarker[0])
}

/** @param version format version; tests pass another one */
export function encodeSegmentHeader(syncMarker: Buffer, version: number = FORMAT_VERSION): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES)
  MAGIC.copy(header)
  header.writeUInt32LE(version, 8)
  syncMarker.copy(header, 12)
  header.writeUInt32LE(zlib.crc32(header.subarray(0, 16)), 16)
  return header
}

/** Encodes an entry with a request. @returns entry header and payload */
export function encodeRequestEntry(
  syncMarker: Buffer,
  request: Uint8Array,
  recordCount: number,
): Uint8Array[] {
  return encodeEntry(syncMarker, REQUEST, request, recordCount)
}

/** Encodes an entry that acknowledges others. @param offsets where these entries start in the segment */
export function encodeAckEntry(syncMarker: Buffer, offsets: readonly number[]): Uint8Array[] {
  const payload = Buffer.alloc(offsets.length * 4)
  offsets.forEach((offset, index) => payload.writeUInt32LE(offset, index * 4))
  return encodeEntry(syncMarker, ACK, payload, 0)
}

function encodeEntry(
  syncMarker: Buffer,
  type: number,
  payload: Uint8Array,
  recordCount: number,
): Uint8Array[] {
  const header = Buffer.alloc(ENTRY_HEADER_BYTES)
  syncMarker.copy(header)
  header.writeUInt32LE(payload.length, 8)
  header.writeUInt32LE(recordCount, 12)
  header.writeUInt32LE(type, 16)
  header.writeUInt32LE(zlib.crc32(payload, zlib.crc32(header.subarray(8))), 4)
  return [header, payload]
}

/** Decodes the request of the entry at an offset. @returns `undefined` when the entry is corrupt */
export function decodeRequestEntry(bytes: Buffer, offset: number, syncMarker: Buffer): Buffer | undefined {
  const entry = decodeEntry(bytes, offset, syncMarker)
  return entry?.type === REQUEST ? bytes.subarray(entry.start, entry.end) : undefined
}

/**
 * Scans a whole segment and trusts no number in it. The event loop turns every 1 MiB.
 * @param scratch table that is reused from scan to scan
 */
export async function scanSegment(
  bytes: Buffer,
  scratch: EntryTable = new EntryTable(),
): Promise<SegmentScan> {
  const syncMarker = bytes.subarray(12, 16)
  // A shorter file was torn while its header was written, and has no entry.
  if (bytes.length < SEGMENT_HEADER_BYTES) {
    return {
      version: FORMAT_VERSION,
      syncMarker,
      entries: new EntryTable(),
      size: 0,
      corruptBytes: 0,
      corruptRecords: 0,
    }
  }
  const version = versionOf(bytes)
  if (version === undefined) return scanEntries(bytes, syncMarkerOfCorrupt(bytes), scratch)
  if (version !== FORMAT_VERSION) return countEntries(bytes, version, scratch)
  return scanEntries(bytes, syncMarker, scratch)
}

/** Reads the format version. Later versions keep this header. @returns `undefined` when the header is corrupt */
function versionOf(bytes: Buffer): number | undefined {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  const version = bytes.readUInt32LE(8)
  const isWhole = zlib.crc32(bytes.subarray(0, 16)) === bytes.readUInt32LE(16)
  return isWhole || version === CRC_32C_VERSION ? version : undefined
}

/** Takes the sync marker from a corrupt header if any entry opens with it, else from the first entry. */
function syncMarkerOfCorrupt(bytes: Buffer): Buffer {
  const syncMarker = bytes.subarray(12, 16)
  const first = bytes.subarray(SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + 4)
  return first.length === 4 && bytes.indexOf(syncMarker, SEGMENT_HEADER_BYTES) < 0 ? first : syncMarker
}

/** Counts the entries of another format version, as far as its entry headers follow one another. */
function countEntries(bytes: Buffer, version: number, entries: EntryTable): SegmentScan {
  const syncMarker = bytes.subarray(12, 16)
  entries.length = 0
  let offset = SEGMENT_HEADER_BYTES
  for (;;) {
    const entry = readEntryHeader(bytes, offset, syncMarker)
    if (entry === undefined) break
    addEntry(entries, bytes, offset, entry)
    offset = entry.end
  }
  entries.dropAcked()
  return {
    version,
    syncMarker,
    entries: entries.copy(),
    size: bytes.length,
    corruptBytes: 0,
    corruptRecords: 0,
  }
}

async function scanEntries(bytes: Buffer, syncMarker: Buffer, entries: EntryTable): Promise<SegmentScan> {
  entries.length = 0
  const budget: ScanBudget = { total: bytes.length * MAX_CHECKSUM_PASSES, turn: SCAN_BYTES_PER_TURN }
  let corruptBytes = 0
  let corruptRecords = 0
  let size = bytes.length
  let corruptFrom: number | undefined
  let offset = Math.min(SEGMENT_HEADER_BYTES, bytes.length)
  while (offset < bytes.length) {
    if (budget.turn <= 0) {
      budget.turn = SCAN_BYTES_PER_TURN
      await nextTurn()
    }
    const entry = decodeEntry(bytes, offset, syncMarker, budget)
    if (entry === undefined) {
      corruptFrom ??= offset
      offset = nextSyncMarker(bytes, offset + 1, syncMarker, budget)
      continue
    }
    if (corruptFrom !== undefined) addCorrupt(corruptFrom, offset)
    corruptFrom = undefined
    addEntry(entries, bytes, offset, entry)
    offset = entry.end
  }
  if (corruptFrom !== undefined) {
    if (isTorn(bytes, corruptFrom, syncMarker)) size = corruptFrom
    else addCorrupt(corruptFrom, bytes.length)
  }
  entries.dropAcked()
  return {
    version: FORMAT_VERSION,
    syncMarker,
    entries: entries.copy(),
    size,
    corruptBytes,
    corruptRecords,
  }

  function addCorrupt(start: number, end: number): void {
    corruptBytes += end - start
    corruptRecords += corruptRecordsIn(bytes, start, end)
  }
}

/** Adds a request to the table, or applies the acks of an ack entry. Entries of an unknown type are skipped. */
function addEntry(entries: EntryTable, bytes: Buffer, offset: number, entry: DecodedEntry): void {
  if (entry.type === REQUEST) entries.add(offset, entry.recordCount, TAKEN)
  if (entry.type !== ACK) return
  for (let at = entry.start; at + 4 <= entry.end; at += 4) {
    const index = entries.find(bytes.readUInt32LE(at))
    if (index >= 0) entries.setState(index, ACK_WRITTEN)
  }
}

/**
 * Decodes the entry at an offset.
 * @param budget is charged with the bytes of the checksum
 * @returns `undefined` when no whole entry with a valid checksum starts here
 */
function decodeEntry(
  bytes: Buffer,
  offset: number,
  syncMarker: Buffer,
  budget?: ScanBudget,
): DecodedEntry | undefined {
  const entry = readEntryHeader(bytes, offset, syncMarker)
  if (entry === undefined) return undefined
  if (budget) {
    budget.total -= entry.end - offset
    budget.turn -= entry.end - offset
    if (budget.total < 0) return undefined
  }
  const isWhole = zlib.crc32(bytes.subarray(offset + 8, entry.end)) === bytes.readUInt32LE(offset + 4)
  return isWhole ? entry : undefined
}

/** Reads an entry header without its checksum. @returns `undefined` when the sync marker or the length does not fit */
function readEntryHeader(bytes: Buffer, offset: number, syncMarker: Buffer): DecodedEntry | undefined {
  const start = offset + ENTRY_HEADER_BYTES
  if (start > bytes.length || bytes.readInt32LE(offset) !== syncMarker.readInt32LE(0)) return undefined
  const end = start + bytes.readUInt32LE(offset + 8)
  if (end > bytes.length) return undefined
  return { type: bytes.readUInt32LE(offset + 16), recordCount: bytes.readUInt32LE(offset + 12), start, end }
}

/** Finds the next sync marker. @returns the end of the segment when none follows or the budget is spent */
function nextSyncMarker(bytes: Buffer, from: number, syncMarker: Buffer, budget: ScanBudget): number {
  if (budget.total < 0 || isPadding(syncMarker)) return bytes.length
  const at = bytes.indexOf(syncMarker, from)
  const next = at < 0 ? bytes.length : at
  budget.turn -= next - from + SEARCH_COST_BYTES
  return next
}

/** Detects the beginning of an entry whose writing was cut short. The append of such an entry has never resolved. */
function isTorn(bytes: Buffer, offset: number, syncMarker: Buffer): boolean {
  const rest = bytes.length - offset
  if (!bytes.subarray(offset, offset + 4).equals(syncMarker.subarray(0, rest))) return false
  return rest < ENTRY_HEADER_BYTES || bytes.readUInt32LE(offset + 8) > rest - ENTRY_HEADER_BYTES
}

/** Counts the log records of a corrupt entry. @returns 0 when its header contradicts its size */
function corruptRecordsIn(bytes: Buffer, offset: number, end: number): number {
  const payloadBytes = end - offset - ENTRY_HEADER_BYTES
  if (payloadBytes < 0 || bytes.readUInt32LE(offset + 8) !== payloadBytes) return 0
  const recordCount = bytes.readUInt32LE(offset + 12)
  // An encoded log record takes at least two bytes.
  return bytes.readUInt32LE(offset + 16) === REQUEST && recordCount * 2 <= end - offset ? recordCount : 0
}
