import type { Stats } from 'node:fs'
import { join } from 'node:path'
import { warnOnce, nextTurn, rearm } from '@logbridge/bridge/internal'
import { type FileHandle, type Fs, isMissing, READ_WRITE, readAround } from './files.ts'
import {
  type OwnedDirectory,
  releaseDirectory,
  listDirectories,
  listSegments,
  lockDirectory,
} from './ownedDirectory.ts'
import { type SegmentScan, MAX_SEGMENT_BYTES, scanSegment } from './format.ts'
import { readOwner, stateOf } from './owner.ts'
import { Segment } from './segment.ts'
import { EntryTable } from './table.ts'

/** An empty folder that is younger may be one that its owner is about to lock. */
const EMPTY_FOLDER_MILLIS = 60_000
const SCRATCH_STEP = 512 * 1024

/** An empty folder that was recovered from an owner that may live tells this owner so for as long. */
const CONTESTED_FOLDER_MILLIS = 3_600_000

/** Segments of a folder that has been taken over. */
export interface RecoveredDirectory {
  readonly folder: OwnedDirectory
  readonly segments: Segment[]
  /** When the oldest of its segments was written last, in milliseconds. */
  since: number
}

/** Memory that segments are read into, one after another: new memory for each would be given back much later. */
interface Scratch {
  buffer: Buffer
  readonly entries: EntryTable
}

/** One look through a directory. */
interface Look {
  readonly fs: Fs
  /** Names of folders that are better left alone. */
  readonly left: Set<string>
  readonly scratch: Scratch
  readonly fail: (error: unknown) => void
}

/**
 * Takes over the folders whose owners are gone: locks them, reads them, cuts torn tails off, removes what holds nothing
 * more. The folder that was written to longest ago comes first. Segments of one's own folders that could not be read
 * before are tried again.
 * @param own one's own folders, by name
 * @param left names of folders that are better left alone; others are added
 */
export async function recoverOrphans(
  fs: Fs,
  directory: string,
  { own, left }: { readonly own: ReadonlyMap<string, OwnedDirectory>; readonly left: Set<string> },
): Promise<RecoveredDirectory[]> {
  const taken: RecoveredDirectory[] = []
  let isReadable = true
  const fail = (error: unknown): void => {
    isReadable = false
    complain(directory, error)
  }
  const look: Look = { fs, left, scratch: { buffer: Buffer.alloc(0), entries: new EntryTable() }, fail }
  for (const folder of own.values()) {
    if (folder.unread.size > 0) taken.push(await takeSegments(folder, [...folder.unread], look))
  }
  for (const name of await namesIn(fs, directory, fail)) {
    if (own.has(name) || left.has(name)) continue
    try {
      const orphan = await recoverDirectory(directory, name, look)
      if (orphan) taken.push(orphan)
    } catch (error) {
      // Its owner, or who has recovered it, has removed it meanwhile.
      if (!isMissing(error)) fail(error)
    }
    // Locks are taken synchronously, and checksums take their time.
    await nextTurn()
  }
  if (isReadable) rearm('spool-adopt')
  return taken.sort((one, other) => one.since - other.since)
}

async function namesIn(fs: Fs, directory: string, fail: (error: unknown) => void): Promise<string[]> {
  try {
    return await listDirectories(fs, directory)
  } catch (error) {
    if (!isMissing(error)) fail(error)
    return []
  }
}

function complain(directory: string, error: unknown): void {
  warnOnce('spool-adopt', `what another process has left in the spool ${directory} cannot be read now`, error)
}

async function recoverDirectory(
  directory: string,
  name: string,
  look: Look,
): Promise<RecoveredDirectory | undefined> {
  const { fs, left } = look
  const path = join(directory, name)
  const stats = await fs.promises.lstat(path)
  if (isForeign(stats)) {
    left.add(name)
    warnOnce(
      'spool-foreign',
      `the spool ${path} belongs to another user and is left alone: run the application as that user, or remove it`,
    )
    return undefined
  }
  const owner = await readOwner(fs, path)
  if (owner && stateOf(owner) === 'alive') return undefined
  const isEmpty = (await listSegments(fs, path)).length === 0
  const keptMillis = owner?.contested ? CONTESTED_FOLDER_MILLIS : EMPTY_FOLDER_MILLIS
  if (isEmpty && Date.now() - stats.mtimeMs < keptMillis) return undefined
  const folder = lockDirectory(fs, directory, name)
  if (folder === undefined) return undefined
  // Again: until now its owner may have written.
  const orphan = await takeSegments(folder, await listSegments(fs, path).catch(() => []), look)
  if (orphan.segments.length > 0) return orphan
  await releaseDirectory(fs, folder)
  return undefined
}

async function takeSegments(
  folder: OwnedDirectory,
  names: readonly string[],
  look: Look,
): Promise<RecoveredDirectory> {
  const taken: RecoveredDirectory = { folder, segments: [], since: Infinity }
  let isStrange = false
  for (const name of names) {
    try {
      if (!(await takeSegment(taken, name, look))) isStrange = true
      folder.unread.delete(name)
    } catch (error) {
      if (isMissing(error)) folder.unread.delete(name)
      else folder.unread.add(name)
      look.fail(error)
    }
    await nextTurn()
  }
  if (isStrange && folder.unread.size === 0) look.left.add(folder.name)
  return taken
}

/** Who can plant files under our names must not have them read and sent in our name. */
function isForeign({ uid }: Stats): boolean {
  return process.geteuid !== undefined && uid !== process.geteuid()
}

/** @returns whether this segment need not be looked at again */
async function takeSegment(taken: RecoveredDirectory, name: string, { fs, scratch }: Look): Promise<boolean> {
  const path = join(taken.folder.path, name)
  const file = await fs.promises.open(path, READ_WRITE)
  try {
    const stats = await file.stat()
    if (!stats.isFile() || isForeign(stats) || stats.size > MAX_SEGMENT_BYTES) {
      warnOnce('spool-strange', `${path} is not a segment of this spool and is left alone`)
      return false
    }
    // In steps, as one segment may be a little larger than the last.
    if (scratch.buffer.length < stats.size) {
      scratch.buffer = Buffer.allocUnsafeSlow(Math.ceil(stats.size / SCRATCH_STEP) * SCRATCH_STEP)
    }
    const memory = scratch.buffer.subarray(0, stats.size)
    const { bytes, badPlace } = await readAround(file, memory)
    const contents = await scanSegment(bytes, scratch.entries)
    if (badPlace !== undefined) return takeAround(taken, name, { stats, contents }, badPlace)
    return await takeEntries(taken, name, { file, stats, contents }, () => fs.promises.unlink(path))
  } finally {
    await file.close()
  }
}

/**
 * Takes the entries beside a bad place on the disk. One entry more than these counts as live, so that the file stays for
 * the next process with what lies in the bad place.
 */
function takeAround(
  taken: RecoveredDirectory,
  name: string,
  { stats, contents: { entries, syncMarker: mark, size } }: { stats: Stats; contents: SegmentScan },
  error: unknown,
): boolean {
  if (entries.length === 0) throw error
  const { folder } = taken
  warnOnce(
    'spool_corrupted',
    `${join(folder.path, name)} has a bad place: the log records in it stay for the next process; what is whole is sent`,
    error,
  )
  const segment = new Segment(folder, name, Buffer.from(mark), size, entries)
  add(taken, segment, stats)
  segment.pendingEntries += 1
  return true
}

function add(taken: RecoveredDirectory, segment: Segment, { mtimeMs }: Stats): void {
  segment.pendingEntries = segment.table.length
  taken.segments.push(segment)
  taken.since = Math.min(taken.since, mtimeMs)
}

async function takeEntries(
  taken: RecoveredDirectory,
  name: string,
  { file, stats, contents }: { file: FileHandle; stats: Stats; contents: SegmentScan },
  unlink: () => Promise<void>,
): Promise<boolean> {
  const { folder } = taken
  if (contents.version === 'unknown') {
    warnOnce(
      'spool-version',
      `${join(folder.path, name)} was written by another version of logbridge and is left alone: that version can send it`,
    )
    return false
  }
  if (contents.corruptBytes > 0) {
    warnOnce(
      'spool_corrupted',
      `the spool ${folder.path} is corrupt: ${contents.corruptBytes} bytes with ` +
        `${contents.corruptRecords || 'an unknown number of'} log records in ${name} are lost; what is whole is sent`,
    )
  }
  if (contents.entries.length === 0) {
    await unlink()
    return true
  }
  // What comes after would stand amid what is appended. Where it can't be cut off, that is written over it.
  if (contents.size < stats.size) await file.truncate(contents.size).catch(() => {})
  // A copy of the mark: the next segment is read into the same memory.
  const segment = new Segment(folder, name, Buffer.from(contents.syncMarker), contents.size, contents.entries)
  add(taken, segment, stats)
  return true
}
