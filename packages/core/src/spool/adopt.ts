import type { Stats } from 'node:fs'
import { join } from 'node:path'
import { diagnose, nextTurn, rearm } from '@logbridge/bridge'
import { type FileHandle, type Fs, isMissing, READ_WRITE, readInto } from './files.ts'
import { type Folder, leaveFolder, listFolders, listSegments, lockFolder, type Names } from './folder.ts'
import { type Contents, MAX_SEGMENT_BYTES, readSegment } from './format.ts'
import { readOwner, stateOf } from './owner.ts'
import { Segment } from './segment.ts'
import { EntryTable } from './table.ts'

/** An empty folder that is younger may be one that its owner is about to lock. */
const EMPTY_FOLDER_MILLIS = 60_000
const SCRATCH_STEP = 512 * 1024

/** An empty folder that was recovered from an owner that may live tells this owner so for as long. */
const CONTESTED_FOLDER_MILLIS = 3_600_000

/** A folder that has been taken over. */
interface Taken {
  readonly folder: Folder
  /** When the oldest of its segments was written last, in milliseconds. */
  since: number
}

/** Memory that segments are read into, one after another: new memory for each would be given back much later. */
interface Scratch {
  buffer: Buffer
  readonly entries: EntryTable
}

/**
 * Takes over the folders whose owners are gone: locks them, reads them, cuts torn tails off, removes what holds nothing
 * more. The folder that was written to longest ago comes first.
 * @param skip names of folders: one's own, and those that are better left alone, which are added
 */
export async function adoptOrphans(
  fs: Fs,
  directory: string,
  skip: { readonly own: Names; readonly left: Set<string> },
): Promise<Folder[]> {
  const taken: Taken[] = []
  const scratch: Scratch = { buffer: Buffer.alloc(0), entries: new EntryTable() }
  let isReadable = true
  const fail = (error: unknown): void => {
    isReadable = false
    complain(directory, error)
  }
  for (const name of await namesIn(fs, directory, fail)) {
    if (skip.own.has(name) || skip.left.has(name)) continue
    try {
      const orphan = await takeOver(fs, directory, name, skip.left, { scratch, fail })
      if (orphan) taken.push(orphan)
    } catch (error) {
      // Its owner, or who has adopted it, has removed it meanwhile.
      if (!isMissing(error)) fail(error)
    }
    // Locks are taken synchronously, and checksums take their time.
    await nextTurn()
  }
  if (isReadable) rearm('spool-adopt')
  return taken.sort((one, other) => one.since - other.since).map(({ folder }) => folder)
}

async function namesIn(fs: Fs, directory: string, fail: (error: unknown) => void): Promise<string[]> {
  try {
    return await listFolders(fs, directory)
  } catch (error) {
    if (!isMissing(error)) fail(error)
    return []
  }
}

function complain(directory: string, error: unknown): void {
  diagnose('spool-adopt', `what another process has left in the spool ${directory} cannot be read now`, error)
}

async function takeOver(
  fs: Fs,
  directory: string,
  name: string,
  left: Set<string>,
  { scratch, fail }: { readonly scratch: Scratch; readonly fail: (error: unknown) => void },
): Promise<Taken | undefined> {
  const path = join(directory, name)
  const stats = await fs.promises.lstat(path)
  if (isForeign(stats)) {
    left.add(name)
    diagnose(
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
  const folder = lockFolder(fs, directory, name)
  if (folder === undefined) return undefined
  const orphan: Taken = { folder, since: Infinity }
  // Again: until now its owner may have written.
  for (const segment of await listSegments(fs, path).catch(() => [])) {
    try {
      if (!(await takeSegment(fs, orphan, segment, scratch))) left.add(name)
    } catch (error) {
      fail(error)
    }
    await nextTurn()
  }
  if (folder.segments.size > 0) return orphan
  await leaveFolder(fs, folder)
  return undefined
}

/** Who can plant files under our names must not have them read and sent in our name. */
function isForeign({ uid }: Stats): boolean {
  return process.geteuid !== undefined && uid !== process.geteuid()
}

/** @returns whether this segment need not be looked at again */
async function takeSegment(fs: Fs, orphan: Taken, name: string, scratch: Scratch): Promise<boolean> {
  const path = join(orphan.folder.path, name)
  const file = await fs.promises.open(path, READ_WRITE)
  try {
    const stats = await file.stat()
    if (!stats.isFile() || isForeign(stats) || stats.size > MAX_SEGMENT_BYTES) {
      diagnose('spool-strange', `${path} is not a segment of this spool and is left alone`)
      return false
    }
    // In steps, as one segment may be a little larger than the last.
    if (scratch.buffer.length < stats.size) {
      scratch.buffer = Buffer.allocUnsafeSlow(Math.ceil(stats.size / SCRATCH_STEP) * SCRATCH_STEP)
    }
    const bytes = await readInto(file, 0, scratch.buffer.subarray(0, stats.size))
    const contents = await readSegment(bytes, scratch.entries)
    return await takeEntries(orphan, name, { file, stats, contents }, () => fs.promises.unlink(path))
  } finally {
    await file.close()
  }
}

async function takeEntries(
  orphan: Taken,
  name: string,
  { file, stats, contents }: { file: FileHandle; stats: Stats; contents: Contents },
  unlink: () => Promise<void>,
): Promise<boolean> {
  const { folder } = orphan
  if (contents.version === 'unknown') {
    diagnose(
      'spool-version',
      `${join(folder.path, name)} was written by another version of logbridge and is left alone: that version can send it`,
    )
    return false
  }
  if (contents.damagedBytes > 0) {
    diagnose(
      'spool-damaged',
      `the spool ${folder.path} is damaged: ${contents.damagedBytes} bytes with ` +
        `${contents.damagedRecords || 'an unknown number of'} log records in ${name} are lost; what is whole is sent`,
    )
  }
  if (contents.entries.length === 0) {
    await unlink()
    return true
  }
  // What comes after would stand amid what is appended. Where it can't be cut off, that is written over it.
  if (contents.size < stats.size) await file.truncate(contents.size).catch(() => {})
  // A copy of the mark: the next segment is read into the same memory.
  const segment = new Segment(folder, name, Buffer.from(contents.mark), contents.size, contents.entries)
  segment.live = contents.entries.length
  orphan.since = Math.min(orphan.since, stats.mtimeMs)
  return true
}
