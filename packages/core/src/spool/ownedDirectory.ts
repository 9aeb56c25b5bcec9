import { randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { dirname, join } from 'node:path'
import { warnOnce } from '@logbridge/bridge/internal'
import { closeIgnoringErrors, FILE_MODE, DIRECTORY_MODE, type Fs, isForbidden, isMissing } from './files.ts'
import { type Lock, MAX_LOCK_PATH_BYTES, tryLock } from './lock.ts'
import { claim, disclaim, OWNER_DRAFT_NAME, OWNER_NAME, reservedIn, reservedInSync } from './owner.ts'
import type { OwnedDirectory } from './segment.ts'

const DIRECTORY_NAME = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const SEGMENT_NAME = /^\d{12}\.seg$/
const LOCK_NAME = 'lock'
/** Names of the lock file. All processes try them in this order, so they lock the same file: the second one when the first is unusable. */
const LOCK_NAMES: readonly string[] = [LOCK_NAME, 'lock.2']

/** Names of all files of an owned directory beside its segments. */
const OWN_NAMES: ReadonlySet<string> = new Set([...LOCK_NAMES, OWNER_NAME, OWNER_DRAFT_NAME])

/** Mode bit of a directory in which users may remove their own files only. */
const STICKY = 0o1000

/** Longest path of a spool directory, in bytes. */
export const MAX_DIRECTORY_BYTES: number =
  MAX_LOCK_PATH_BYTES - Buffer.byteLength(join('/', randomUUID(), 'lock.2'))

/** Set of directory names. */
type Names = Pick<ReadonlySet<string>, 'has'>

/** Formats the name of a segment. */
export function segmentName(number: number): string {
  return `${String(number).padStart(12, '0')}.seg`
}

/**
 * Locks a directory and claims it.
 * @returns `undefined` when its owner lives
 * @throws when no lock file is usable
 */
export function lockDirectory(fs: Fs, spoolDirectory: string, name: string): OwnedDirectory | undefined {
  const path = join(spoolDirectory, name)
  for (const lockName of LOCK_NAMES) {
    const lock = tryLock(join(path, lockName))
    if (lock === 'busy') return undefined
    if (lock === 'unusable') continue
    const claimed = claimOrRelease(fs, path, lock)
    if (claimed === 'alive') return undefined
    return {
      name,
      path,
      lock,
      segments: new Set(),
      unread: new Set(),
      isLost: false,
      isReleased: false,
      ...claimed,
    }
  }
  throw new Error(`neither ${LOCK_NAMES.join(' nor ')} in ${path} is usable as a lock file: remove them`)
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

/** Checks by the inode of the owner file that no other process has recovered a directory. */
export async function isOwn(fs: Fs, { path, claim }: OwnedDirectory): Promise<boolean> {
  if (claim === undefined) return true
  try {
    return (await fs.promises.lstat(join(path, OWNER_NAME), { bigint: true })).ino === claim.inode
  } catch {
    // Ignored: when the directory is missing, the next operation in it fails.
    return true
  }
}

/** Synchronous `isOwn`. */
export function isOwnSync(fs: Fs, { path, claim }: OwnedDirectory): boolean {
  if (claim === undefined) return true
  try {
    return fs.lstatSync(join(path, OWNER_NAME), { bigint: true }).ino === claim.inode
  } catch {
    return true
  }
}

/**
 * Creates and locks an owned directory. Another process may see the directory before it is locked, but leaves alone a young
 * directory without segments.
 */
export async function createDirectory(
  fs: Fs,
  spoolDirectory: string,
  fsync: boolean,
): Promise<OwnedDirectory> {
  const made = await fs.promises.mkdir(spoolDirectory, { recursive: true, mode: DIRECTORY_MODE })
  if (made === undefined) warnIfShared(spoolDirectory, await fs.promises.stat(spoolDirectory))
  const name = randomUUID()
  const path = join(spoolDirectory, name)
  // Create it without `recursive`, so that an existing directory or link is an error.
  await fs.promises.mkdir(path, DIRECTORY_MODE)
  await fs.promises.writeFile(join(path, LOCK_NAME), '', { flag: 'wx', mode: FILE_MODE })
  if (fsync) for (const changed of changedDirectories(spoolDirectory, made)) await syncDirectory(fs, changed)
  return lockCreated(fs, spoolDirectory, name)
}

/** Synchronous `createDirectory`. */
export function createDirectorySync(fs: Fs, spoolDirectory: string, fsync: boolean): OwnedDirectory {
  const made = fs.mkdirSync(spoolDirectory, { recursive: true, mode: DIRECTORY_MODE })
  if (made === undefined) warnIfShared(spoolDirectory, fs.statSync(spoolDirectory))
  const name = randomUUID()
  const path = join(spoolDirectory, name)
  fs.mkdirSync(path, DIRECTORY_MODE)
  fs.writeFileSync(join(path, LOCK_NAME), '', { flag: 'wx', mode: FILE_MODE })
  if (fsync) for (const changed of changedDirectories(spoolDirectory, made)) syncDirectorySync(fs, changed)
  return lockCreated(fs, spoolDirectory, name)
}

/**
 * Warns when other users may remove segments. They can read none, because owned directories have mode 0700. The mode of the
 * spool directory stays, because logbridge has not created it and others may need it.
 */
function warnIfShared(spoolDirectory: string, { mode }: Stats): void {
  if (process.geteuid === undefined || (mode & STICKY) !== 0) return
  if ((mode & (constants.S_IWGRP | constants.S_IWOTH)) === 0) return
  warnOnce(
    'spool-shared',
    `other users may remove log records from the spool ${spoolDirectory}, because its mode is 0${(mode & 0o7777).toString(8)}: ` +
      'set its mode to 0700, or name a directory inside it that does not exist yet',
  )
}

function lockCreated(fs: Fs, spoolDirectory: string, name: string): OwnedDirectory {
  const directory = lockDirectory(fs, spoolDirectory, name)
  if (directory === undefined) throw new Error(`the new directory ${name} is locked by another process`)
  return directory
}

/** Lists the spool directory and those above it up to the parent of `made`, the first directory that was created. */
function changedDirectories(spoolDirectory: string, made: string | undefined): string[] {
  const changed = [spoolDirectory]
  if (made === undefined) return changed
  for (let path = spoolDirectory; path.length >= made.length; path = dirname(path))
    changed.push(dirname(path))
  return changed
}

/** Lists the names of all owned directories in a spool directory, without links and files. */
export async function listDirectories(fs: Fs, spoolDirectory: string): Promise<string[]> {
  const found = await fs.promises.readdir(spoolDirectory, { withFileTypes: true })
  return found.filter((item) => item.isDirectory() && DIRECTORY_NAME.test(item.name)).map(({ name }) => name)
}

/** Lists the names of the segments in an owned directory, oldest first. */
export async function listSegments(fs: Fs, path: string): Promise<string[]> {
  return (await fs.promises.readdir(path)).filter((name) => SEGMENT_NAME.test(name)).sort()
}

/**
 * Sums the bytes that other spools use in a spool directory: their segments and their reservations. A reservation is read
 * before the segments, because meanwhile it may become a segment.
 * @param without names of directories that do not count
 * @throws when a directory cannot be read
 */
export async function bytesInDirectory(fs: Fs, spoolDirectory: string, without: Names): Promise<number> {
  let sum = 0
  for (const name of await listDirectories(fs, spoolDirectory)) {
    if (without.has(name)) continue
    const path = join(spoolDirectory, name)
    sum += await reservedIn(fs, path)
    for (const segment of await listSegments(fs, path).catch(ignoreUnreadable)) {
      const stats = await fs.promises.lstat(join(path, segment)).catch(ignoreUnreadable)
      if ('size' in stats) sum += stats.size
    }
  }
  return sum
}

/** Counts nothing for a file that its owner removes meanwhile, and for a directory of another user. */
function ignoreUnreadable(error: unknown): [] {
  if (isMissing(error) || isForbidden(error)) return []
  throw error
}

/** Synchronous `bytesInDirectory`. */
export function bytesInDirectorySync(fs: Fs, spoolDirectory: string, without: Names): number {
  let sum = 0
  for (const item of fs.readdirSync(spoolDirectory, { withFileTypes: true })) {
    if (without.has(item.name) || !item.isDirectory() || !DIRECTORY_NAME.test(item.name)) continue
    const path = join(spoolDirectory, item.name)
    sum += reservedInSync(fs, path)
    for (const name of readOrEmpty(() => fs.readdirSync(path))) {
      if (!SEGMENT_NAME.test(name)) continue
      for (const { size } of readOrEmpty(() => [fs.lstatSync(join(path, name))])) sum += size
    }
  }
  return sum
}

function readOrEmpty<Item>(read: () => readonly Item[]): readonly Item[] {
  try {
    return read()
  } catch (error) {
    return ignoreUnreadable(error)
  }
}

/** Releases a directory, and removes it when it has no segments and no files of others. */
export async function releaseDirectory(fs: Fs, directory: OwnedDirectory): Promise<void> {
  const { path } = directory
  // Check asynchronously first, because an unresponsive disk must not block the event loop.
  if (!release(fs, directory, await isOwn(fs, directory))) return
  try {
    const names = await fs.promises.readdir(path)
    if (names.some((name) => !OWN_NAMES.has(name))) return
    for (const name of names) await fs.promises.unlink(join(path, name))
    await fs.promises.rmdir(path)
  } catch {
    // Ignored: a later recovery removes the empty directory.
  }
}

/** Synchronous `releaseDirectory`. */
export function releaseDirectorySync(fs: Fs, directory: OwnedDirectory): void {
  const { path } = directory
  if (!release(fs, directory, isOwnSync(fs, directory))) return
  try {
    const names = fs.readdirSync(path)
    if (names.some((name) => !OWN_NAMES.has(name))) return
    for (const name of names) fs.unlinkSync(join(path, name))
    fs.rmdirSync(path)
  } catch {
    // Ignored: a later recovery removes the empty directory.
  }
}

/** Abandons a directory that another process has recovered. */
export function abandonDirectory(fs: Fs, directory: OwnedDirectory): void {
  directory.isLost = true
  releaseLock(fs, directory)
}

/** @returns true when the directory may be removed */
function release(fs: Fs, directory: OwnedDirectory, isOurs: boolean): boolean {
  const { path, segments, contested } = directory
  if (directory.isReleased) return false
  releaseLock(fs, directory, () => isOurs && disclaim(fs, path, contested))
  return isOurs && segments.size === 0 && !contested
}

/** @param beforeUnlock is called when the owner file is closed, because Windows replaces no open file */
function releaseLock(fs: Fs, directory: OwnedDirectory, beforeUnlock: () => unknown = () => {}): void {
  if (directory.isReleased) return
  directory.isReleased = true
  if (directory.claim) closeIgnoringErrors(fs, directory.claim.fd)
  beforeUnlock()
  directory.lock.release()
}

/** Syncs the entries of a directory to the disk. Windows has no such call and needs none. */
export async function syncDirectory(fs: Fs, path: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await fs.promises.open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Synchronous `syncDirectory`. */
export function syncDirectorySync(fs: Fs, path: string): void {
  if (process.platform === 'win32') return
  const fd = fs.openSync(path, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}
