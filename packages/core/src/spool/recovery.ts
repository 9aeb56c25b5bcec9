import type { Stats } from 'node:fs'
import { join } from 'node:path'
import { counted, nextTurn, rearm, warnOnce } from '@logbridge/bridge/internal'
import { type FileHandle, type Fs, isMissing, READ_WRITE, readAround } from './files.ts'
import { FORMAT_VERSION, MAX_SEGMENT_BYTES, scanSegment, type SegmentScan } from './format.ts'
import { listDirectories, listSegments, lockDirectory, releaseDirectory } from './ownedDirectory.ts'
import { readOwner, stateOf } from './owner.ts'
import { type OwnedDirectory, Segment } from './segment.ts'
import { EntryTable } from './table.ts'

/** Age from which an empty directory is removed. Its owner may be about to lock a younger one. */
const EMPTY_DIRECTORY_MILLIS = 60_000
/** Age from which an empty contested directory is removed. Until then its owner file shows the former owner that it was recovered. */
const CONTESTED_DIRECTORY_MILLIS = 3_600_000
const SCRATCH_STEP = 512 * 1024

/** Segments of a directory that was recovered. */
export interface RecoveredDirectory {
  readonly directory: OwnedDirectory
  readonly segments: Segment[]
  /** Time in milliseconds of the last write to its least recently written segment. */
  oldestMillis: number
}

/** Memory for the bytes and entries of one segment, reused because the garbage collector would return a new one late. */
interface Scratch {
  buffer: Buffer
  readonly entries: EntryTable
}

/** Segments of other format versions that one pass found. */
interface OtherVersions {
  readonly versions: Set<number>
  readonly paths: string[]
  bytes: number
  records: number
}

/** State of one pass over the spool directory. */
interface Pass {
  readonly fs: Fs
  /** Names of directories that later passes skip. */
  readonly ignored: Set<string>
  readonly scratch: Scratch
  readonly otherVersions: OtherVersions
  readonly onError: (error: unknown) => void
}

interface ScannedFile {
  readonly stats: Stats
  readonly scan: SegmentScan
}

/**
 * Recovers the directories whose owners have ended: locks them, scans their segments, cuts torn tails off, and removes
 * segments without entries. Segments of own directories that could not be read before are tried again.
 * @param spoolDirectory directory that all processes share
 * @param skip.own directories of this spool, by name
 * @param skip.ignored names of directories to skip; the pass adds those that hold nothing it can recover
 * @returns recovered directories, the least recently written first
 */
export async function recoverOrphans(
  fs: Fs,
  spoolDirectory: string,
  skip: { readonly own: ReadonlyMap<string, OwnedDirectory>; readonly ignored: Set<string> },
): Promise<RecoveredDirectory[]> {
  const recovered: RecoveredDirectory[] = []
  let isReadable = true
  const pass: Pass = {
    fs,
    ignored: skip.ignored,
    scratch: { buffer: Buffer.alloc(0), entries: new EntryTable() },
    otherVersions: { versions: new Set(), paths: [], bytes: 0, records: 0 },
    onError(error) {
      isReadable = false
      warnOnce('spool-recover', `reading the spool ${spoolDirectory} of an ended process failed`, error)
    },
  }
  for (const directory of skip.own.values()) {
    if (directory.unread.size > 0)
      recovered.push(await recoverSegments(directory, [...directory.unread], pass))
  }
  for (const name of await directoriesIn(spoolDirectory, pass)) {
    if (skip.own.has(name) || skip.ignored.has(name)) continue
    try {
      const orphan = await recoverDirectory(spoolDirectory, name, pass)
      if (orphan) recovered.push(orphan)
    } catch (error) {
      // Another process may have removed the directory meanwhile.
      if (!isMissing(error)) pass.onError(error)
    }
    // Let the event loop turn, because locks are taken synchronously.
    await nextTurn()
  }
  if (isReadable) rearm('spool-recover')
  warnOfOtherVersions(spoolDirectory, pass.otherVersions)
  return recovered.sort((one, other) => one.oldestMillis - other.oldestMillis)
}

async function directoriesIn(spoolDirectory: string, { fs, onError }: Pass): Promise<string[]> {
  try {
    return await listDirectories(fs, spoolDirectory)
  } catch (error) {
    if (!isMissing(error)) onError(error)
    return []
  }
}

function warnOfOtherVersions(
  spoolDirectory: string,
  { versions, paths, bytes, records }: OtherVersions,
): void {
  if (paths.length === 0) return
  warnOnce(
    'spool-version',
    `segments of another format version left alone in the spool ${spoolDirectory}: ${paths.length} of version ` +
      `${[...versions].join(', ')} with ${bytes} bytes and ${counted(records, 'log record')}, because this logbridge reads version ` +
      `${FORMAT_VERSION}. Run a logbridge that reads theirs, or remove them. The first one is ${paths[0]}`,
  )
}

async function recoverDirectory(
  spoolDirectory: string,
  name: string,
  pass: Pass,
): Promise<RecoveredDirectory | undefined> {
  const { fs, ignored } = pass
  const path = join(spoolDirectory, name)
  const stats = await fs.promises.lstat(path)
  if (isForeign(stats)) {
    ignored.add(name)
    warnOnce(
      'spool-foreign',
      `spool directory ${path} left alone, because it belongs to another user: run the application as that user, or remove it`,
    )
    return undefined
  }
  const owner = await readOwner(fs, path)
  if (owner && stateOf(owner) === 'alive') return undefined
  const isEmpty = (await listSegments(fs, path)).length === 0
  const keptMillis = owner?.contested ? CONTESTED_DIRECTORY_MILLIS : EMPTY_DIRECTORY_MILLIS
  if (isEmpty && Date.now() - stats.mtimeMs < keptMillis) return undefined
  const directory = lockDirectory(fs, spoolDirectory, name)
  if (directory === undefined) return undefined
  // List again, because the former owner may have written until the directory was locked.
  const recovered = await recoverSegments(directory, await listSegments(fs, path).catch(() => []), pass)
  if (recovered.segments.length > 0) return recovered
  await releaseDirectory(fs, directory)
  return undefined
}

async function recoverSegments(
  directory: OwnedDirectory,
  names: readonly string[],
  pass: Pass,
): Promise<RecoveredDirectory> {
  const recovered: RecoveredDirectory = { directory, segments: [], oldestMillis: Infinity }
  let hasUnusable = false
  for (const name of names) {
    try {
      if (!(await recoverSegment(recovered, name, pass))) hasUnusable = true
      directory.unread.delete(name)
    } catch (error) {
      if (isMissing(error)) directory.unread.delete(name)
      else directory.unread.add(name)
      pass.onError(error)
    }
    await nextTurn()
  }
  if (hasUnusable && directory.unread.size === 0) pass.ignored.add(directory.name)
  return recovered
}

/** Detects files of another user, who could otherwise have them sent in this user's name. */
function isForeign({ uid }: Stats): boolean {
  return process.geteuid !== undefined && uid !== process.geteuid()
}

/** @returns false when the segment is left alone for good */
async function recoverSegment(recovered: RecoveredDirectory, name: string, pass: Pass): Promise<boolean> {
  const { fs, scratch } = pass
  const path = join(recovered.directory.path, name)
  const file = await fs.promises.open(path, READ_WRITE)
  try {
    const stats = await file.stat()
    if (!stats.isFile() || isForeign(stats) || stats.size > MAX_SEGMENT_BYTES) {
      warnOnce('spool-strange', `${path} left alone, because it is not a segment of this spool`)
      return false
    }
    // Round up, because the next segment may be a little larger.
    if (scratch.buffer.length < stats.size) {
      scratch.buffer = Buffer.allocUnsafeSlow(Math.ceil(stats.size / SCRATCH_STEP) * SCRATCH_STEP)
    }
    const memory = scratch.buffer.subarray(0, stats.size)
    const { bytes, badBlock } = await readAround(file, memory)
    const scan = await scanSegment(bytes, scratch.entries)
    if (scan.version !== FORMAT_VERSION) {
      addOtherVersion(pass.otherVersions, path, { stats, scan })
      return false
    }
    if (badBlock === undefined) await recoverEntries(recovered, name, { stats, scan }, { file, fs })
    else recoverAround(recovered, name, { stats, scan }, badBlock)
    return true
  } finally {
    await file.close()
  }
}

function addOtherVersion(otherVersions: OtherVersions, path: string, { stats, scan }: ScannedFile): void {
  otherVersions.versions.add(scan.version)
  otherVersions.paths.push(path)
  otherVersions.bytes += stats.size
  otherVersions.records += scan.entries.totalCount
}

/**
 * Recovers the entries beside a bad block of the disk. One more entry counts as pending, so that the file stays on disk
 * and the next process tries the bad block again.
 */
function recoverAround(
  recovered: RecoveredDirectory,
  name: string,
  { stats, scan: { entries, syncMarker, size } }: ScannedFile,
  error: unknown,
): void {
  if (entries.length === 0) throw error
  const { directory } = recovered
  warnOnce(
    'spool-corrupted',
    `${join(directory.path, name)} has a bad block: its log records stay for the next process, all others are sent`,
    error,
  )
  const segment = new Segment(directory, name, Buffer.from(syncMarker), size, entries)
  addSegment(recovered, segment, stats)
  segment.pendingEntries += 1
}

function addSegment(recovered: RecoveredDirectory, segment: Segment, { mtimeMs }: Stats): void {
  segment.pendingEntries = segment.table.length
  recovered.segments.push(segment)
  recovered.oldestMillis = Math.min(recovered.oldestMillis, mtimeMs)
}

async function recoverEntries(
  recovered: RecoveredDirectory,
  name: string,
  { stats, scan }: ScannedFile,
  { file, fs }: { readonly file: FileHandle; readonly fs: Fs },
): Promise<void> {
  const { directory } = recovered
  if (scan.corruptBytes > 0) {
    warnOnce(
      'spool-corrupted',
      `corrupt entries skipped in the spool ${directory.path}: ${scan.corruptBytes} bytes with ` +
        `${scan.corruptRecords > 0 ? counted(scan.corruptRecords, 'log record') : 'an unknown number of log records'} in ${name} are lost, whole entries are sent`,
    )
  }
  if (scan.entries.length === 0) return fs.promises.unlink(join(directory.path, name))
  // Cut the torn tail off, because acks are appended. Where the cut fails, they overwrite the tail.
  if (scan.size < stats.size) await file.truncate(scan.size).catch(() => {})
  // Copy the sync marker, because the next segment is read into the same memory.
  const segment = new Segment(directory, name, Buffer.from(scan.syncMarker), scan.size, scan.entries)
  addSegment(recovered, segment, stats)
}
