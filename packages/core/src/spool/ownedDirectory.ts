import { randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { dirname, join } from 'node:path'
import { warnOnce } from '@logbridge/bridge/internal'
import { closeQuietly, FILE_MODE, FOLDER_MODE, type Fs, isForbidden, isMissing } from './files.ts'
import { type Lock, MAX_LOCK_PATH_BYTES, tryLock } from './lock.ts'
import {
  claim,
  type Claim,
  disclaim,
  OWNER_DRAFT_NAME,
  OWNER_NAME,
  reservedIn,
  reservedInSync,
} from './owner.ts'
import type { Segment } from './segment.ts'

const FOLDER_NAME = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const SEGMENT_NAME = /^\d{12}\.seg$/
const LOCK_NAME = 'lock'
/** The second one is locked where the first one is not a lock. All processes go by the same rule, so they lock the same file. */
const LOCK_NAMES: readonly string[] = [LOCK_NAME, 'lock.2']

/** What is in a folder beside its segments. */
const OUR_NAMES: ReadonlySet<string> = new Set([...LOCK_NAMES, OWNER_NAME, OWNER_DRAFT_NAME])

/** The mode bit of a directory whose entries only their owners may remove. */
const STICKY = 0o1000

/** Bytes that the path of a spool may have. */
export const MAX_DIRECTORY_BYTES: number =
  MAX_LOCK_PATH_BYTES - Buffer.byteLength(join('/', randomUUID(), 'lock.2'))

/** A folder that this spool has the lock of: its own, or one that it has taken over. */
export interface OwnedDirectory {
  readonly name: string
  readonly path: string
  readonly lock: Lock
  readonly segments: Set<Segment>
  /** Names of recovered segments that could not be read yet. */
  readonly unread: Set<string>
  /** Absent where the owner file could not be written. */
  readonly claim: Claim | undefined
  /** Recovered from an owner that may live. */
  readonly contested: boolean
  /** Another process has recovered the folder from this one: nothing in it may be touched. */
  taken: boolean
  /** Neither locked nor owned any more. */
  left: boolean
}

/** Names of folders. */
type Names = Pick<ReadonlySet<string>, 'has'>

export function segmentName(number: number): string {
  return `${String(number).padStart(12, '0')}.seg`
}

/** Locks a folder and becomes its owner; `undefined` when its owner lives. */
export function lockDirectory(fs: Fs, directory: string, name: string): OwnedDirectory | undefined {
  const path = join(directory, name)
  for (const lockName of LOCK_NAMES) {
    const lock = tryLock(join(path, lockName))
    if (lock === 'busy') return undefined
    if (lock === 'unusable') continue
    const claimed = claimOrRelease(fs, path, lock)
    if (claimed === 'alive') return undefined
    return { name, path, lock, segments: new Set(), unread: new Set(), taken: false, left: false, ...claimed }
  }
  throw new Error(`neither ${LOCK_NAMES.join(' nor ')} in ${path} is a lock: remove what is there`)
}

function claimOrRelease(fs: Fs, path: string, lock: Lock): ReturnType<typeof claim> {
  let claimed: ReturnType<typeof claim> = 'alive'
  try {
    claimed = claim(fs, path)
  } finally {
    if (claimed === 'alive') lock.release()
  }
  return claimed
}

/** Whether a folder is still this spool's, as far as can be told. */
export async function isOwn(fs: Fs, { path, claim }: OwnedDirectory): Promise<boolean> {
  if (claim === undefined) return true
  try {
    return (await fs.promises.lstat(join(path, OWNER_NAME), { bigint: true })).ino === claim.inode
  } catch {
    // Removed with all else, which what is done next will tell.
    return true
  }
}

/** The same at once. */
export function isOwnSync(fs: Fs, { path, claim }: OwnedDirectory): boolean {
  if (claim === undefined) return true
  try {
    return fs.lstatSync(join(path, OWNER_NAME), { bigint: true }).ino === claim.inode
  } catch {
    return true
  }
}

/**
 * Makes a folder of one's own. Between its making and its locking another process may look at it, but takes only folders
 * that hold a segment, or have been empty for a while.
 */
export async function createDirectory(fs: Fs, directory: string, fsync: boolean): Promise<OwnedDirectory> {
  const made = await fs.promises.mkdir(directory, { recursive: true, mode: FOLDER_MODE })
  if (made === undefined) warnIfShared(directory, await fs.promises.stat(directory))
  const name = randomUUID()
  const path = join(directory, name)
  // Not recursive: it must not be there, nor be a link to somewhere.
  await fs.promises.mkdir(path, FOLDER_MODE)
  await fs.promises.writeFile(join(path, LOCK_NAME), '', { flag: 'wx', mode: FILE_MODE })
  if (fsync) for (const changed of changedBy(directory, made)) await syncDirectory(fs, changed)
  return locked(fs, directory, name)
}

/** The same for a process that is dying. */
export function createDirectorySync(fs: Fs, directory: string, fsync: boolean): OwnedDirectory {
  const made = fs.mkdirSync(directory, { recursive: true, mode: FOLDER_MODE })
  if (made === undefined) warnIfShared(directory, fs.statSync(directory))
  const name = randomUUID()
  const path = join(directory, name)
  fs.mkdirSync(path, FOLDER_MODE)
  fs.writeFileSync(join(path, LOCK_NAME), '', { flag: 'wx', mode: FILE_MODE })
  if (fsync) for (const changed of changedBy(directory, made)) syncDirectorySync(fs, changed)
  return locked(fs, directory, name)
}

/**
 * Warns where other users may remove what is kept. They can read none of it: the folders in the directory are for their
 * user only. The mode stays as it is, because others may have a right to a directory that logbridge has not made.
 */
function warnIfShared(directory: string, { mode }: Stats): void {
  if (process.geteuid === undefined || (mode & STICKY) !== 0) return
  if ((mode & (constants.S_IWGRP | constants.S_IWOTH)) === 0) return
  warnOnce(
    'spool-shared',
    `other users may write to the spool ${directory} (mode 0${(mode & 0o7777).toString(8)}) and remove what it keeps: ` +
      'set its mode to 0700, or give a directory inside that is not there yet',
  )
}

function locked(fs: Fs, directory: string, name: string): OwnedDirectory {
  const folder = lockDirectory(fs, directory, name)
  if (folder === undefined) throw new Error(`the new folder ${name} is locked by another process`)
  return folder
}

/** The directories that something was made in: this one, and those above it up to where `made` (the first of them) lies. */
function changedBy(directory: string, made: string | undefined): string[] {
  const changed = [directory]
  if (made === undefined) return changed
  for (let path = directory; path.length >= made.length; path = dirname(path)) changed.push(dirname(path))
  return changed
}

/** The folders of all spools in a directory. Links, files and what else is there is not ours. */
export async function listDirectories(fs: Fs, directory: string): Promise<string[]> {
  const found = await fs.promises.readdir(directory, { withFileTypes: true })
  return found.filter((item) => item.isDirectory() && FOLDER_NAME.test(item.name)).map(({ name }) => name)
}

/** The segments of a folder, oldest first. */
export async function listSegments(fs: Fs, path: string): Promise<string[]> {
  return (await fs.promises.readdir(path)).filter((name) => SEGMENT_NAME.test(name)).sort()
}

/**
 * Bytes that others hold in the directory: their segments, and what they have reserved. What is reserved is read first,
 * because it becomes segments meanwhile.
 * @param without names of folders that do not count
 * @throws when the disk does not tell
 */
export async function bytesInDirectory(fs: Fs, directory: string, without: Names): Promise<number> {
  let sum = 0
  for (const name of await listDirectories(fs, directory)) {
    if (without.has(name)) continue
    const path = join(directory, name)
    sum += await reservedIn(fs, path)
    for (const segment of await listSegments(fs, path).catch(none)) {
      const stats = await fs.promises.lstat(join(path, segment)).catch(none)
      if ('size' in stats) sum += stats.size
    }
  }
  return sum
}

/** What its owner removes meanwhile, or what another user owns, does not count. */
function none(error: unknown): [] {
  if (isMissing(error) || isForbidden(error)) return []
  throw error
}

export function bytesInDirectorySync(fs: Fs, directory: string, without: Names): number {
  let sum = 0
  for (const item of fs.readdirSync(directory, { withFileTypes: true })) {
    if (without.has(item.name) || !item.isDirectory() || !FOLDER_NAME.test(item.name)) continue
    const path = join(directory, item.name)
    sum += reservedInSync(fs, path)
    for (const name of orNone(() => fs.readdirSync(path))) {
      if (!SEGMENT_NAME.test(name)) continue
      for (const { size } of orNone(() => [fs.lstatSync(join(path, name))])) sum += size
    }
  }
  return sum
}

function orNone<Item>(read: () => readonly Item[]): readonly Item[] {
  try {
    return read()
  } catch (error) {
    return none(error)
  }
}

/** Gives a folder up. One that holds no segment is removed; what someone else has put there stays, and with it the folder. */
export async function releaseDirectory(fs: Fs, folder: OwnedDirectory): Promise<void> {
  const { path } = folder
  // Asked first: a disk that does not answer holds a thread, and not the event loop.
  if (!release(fs, folder, await isOwn(fs, folder))) return
  try {
    const names = await fs.promises.readdir(path)
    if (names.some((name) => !OUR_NAMES.has(name))) return
    for (const name of names) await fs.promises.unlink(join(path, name))
    await fs.promises.rmdir(path)
  } catch {
    // It has gone, or stays: an empty folder does no harm.
  }
}

export function releaseDirectorySync(fs: Fs, folder: OwnedDirectory): void {
  const { path } = folder
  if (!release(fs, folder, isOwnSync(fs, folder))) return
  try {
    const names = fs.readdirSync(path)
    if (names.some((name) => !OUR_NAMES.has(name))) return
    for (const name of names) fs.unlinkSync(join(path, name))
    fs.rmdirSync(path)
  } catch {
    // As above.
  }
}

/** Lets go of a folder that another process has recovered. */
export function abandonDirectory(fs: Fs, folder: OwnedDirectory): void {
  folder.taken = true
  releaseLock(fs, folder)
}

/** @returns whether the folder may be removed */
function release(fs: Fs, folder: OwnedDirectory, isOurs: boolean): boolean {
  const { path, segments, contested } = folder
  if (folder.left) return false
  releaseLock(fs, folder, () => isOurs && disclaim(fs, path, contested))
  return isOurs && segments.size === 0 && !contested
}

/** @param beforeUnlock called when the owner file is no longer open: Windows replaces no file that is */
function releaseLock(fs: Fs, folder: OwnedDirectory, beforeUnlock: () => unknown = () => {}): void {
  if (folder.left) return
  folder.left = true
  if (folder.claim) closeQuietly(fs, folder.claim.fd)
  beforeUnlock()
  folder.lock.release()
}

/** Has the disk know of what was made in a directory. Windows cannot, and need not. */
export async function syncDirectory(fs: Fs, path: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await fs.promises.open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export function syncDirectorySync(fs: Fs, path: string): void {
  if (process.platform === 'win32') return
  const fd = fs.openSync(path, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}
