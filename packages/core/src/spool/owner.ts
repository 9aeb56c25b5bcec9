import { constants, readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { closeIgnoringErrors, FILE_MODE, type Fs, isMissing, removeIgnoringErrors } from './files.ts'

// The owner file proves, beside the lock, that the owner of a directory lives. POSIX drops the locks of a process on a file
// when the process closes any descriptor of that file, so an application that copies its spool directory loses its locks
// unnoticed. A directory is recovered when its lock is free and its owner has ended:
//
//   owner in the same PID namespace        its thread has ended (/proc/<pid>/task/<tid>/stat: start time, zombie)
//   other namespace, or without /proc      its process has ended, or its heartbeat is older than 10 s
//   owner file missing, or copied (its inode differs)     the free lock suffices
//
// The owner file has a line of JSON and a line of 16 characters. The owner rewrites the second line every 3 s: the
// modification time is the heartbeat, by the clock of the file system. The process that recovers a directory replaces the
// owner file, so a process that was suspended sees another inode and knows that it has lost its directory.

export const OWNER_NAME = 'owner'
/** Name of an owner file while it is written. */
export const OWNER_DRAFT_NAME = 'owner.new'
export const HEARTBEAT_MILLIS = 3000
const STALE_MILLIS = 10_000
const MAX_OWNER_BYTES = 1024
/** Temporary errors, independent of the content: too many open files, a failing disk. */
const TEMPORARY_ERRORS: ReadonlySet<string> = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EIO',
  'ETIMEDOUT',
  'ESTALE',
])
/** Flags to open the owner file. O_NONBLOCK returns at once when a pipe is in its place. */
const READ_OWNER = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const BEAT_OWNER = constants.O_RDWR | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
/** Flags that create a new file: opening an existing pipe would block, and a hard link is a file elsewhere. */
const DRAFT = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL

interface Identity {
  /** Boot id and PID namespace of the other fields; the host name without /proc. */
  readonly scope: string
  readonly pid: number
  /** Thread id and start time of the operating system; absent without /proc. */
  readonly thread?: number
  readonly started?: string
}

export interface Owner extends Identity {
  readonly mtimeMs: number
  /** Bytes that the owner may add to its directories. */
  readonly reserved: number
  /** True when the former owner may live. The directory stays for an hour so that the former owner sees the new inode. */
  readonly contested: boolean
}

let identity: Identity | undefined

/** Returns the identity of this thread. Each worker thread has another instance of this module. */
function identify(): Identity {
  identity ??= identityByProc() ?? { scope: `host ${hostname()}`, pid: process.pid }
  return identity
}

function identityByProc(): Identity | undefined {
  try {
    // Compare with process.pid, because /proc may belong to another PID namespace.
    const [pid, , thread] = readlinkSync('/proc/thread-self').split('/').map(Number)
    if (pid !== process.pid || thread === undefined) return undefined
    const started = startOf(pid, thread)
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    if (started === undefined) return undefined
    return { scope: `${boot} ${readlinkSync('/proc/self/ns/pid')}`, pid, thread, started }
  } catch {
    return undefined
  }
}

/** Reads the start time of a thread, in clock ticks since the boot. @returns `undefined` for a zombie */
function startOf(pid: number, thread: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1')
  // Search from the end, because the program name in parentheses may contain any character.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

/** Determines the state of an owner. @returns `unknown` when only the heartbeat can decide */
export function stateOf(owner: Owner): 'alive' | 'ended' | 'unknown' {
  const mine = identify()
  if (owner.pid === 0) return 'ended'
  if (owner.scope !== mine.scope) return 'unknown'
  if (!isRunning(owner.pid)) return 'ended'
  if (owner.thread === undefined) return 'unknown'
  try {
    return startOf(owner.pid, owner.thread) === owner.started ? 'alive' : 'ended'
  } catch (error) {
    // Distinguish an ended thread from other errors, e.g. too many open files.
    return isEnded(error) && isReadable(`/proc/${owner.pid}/stat`) ? 'ended' : 'unknown'
  }
}

function isEnded(error: unknown): boolean {
  return isMissing(error) || (error as NodeJS.ErrnoException).code === 'ESRCH'
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

function isReadable(path: string): boolean {
  try {
    return readFileSync(path).length > 0
  } catch {
    return false
  }
}

/**
 * Reads the owner file of a directory.
 * @returns `undefined` when the file is missing, copied, or garbled
 * @throws on temporary errors
 */
export async function readOwner(fs: Fs, directory: string): Promise<Owner | undefined> {
  try {
    const file = await fs.promises.open(join(directory, OWNER_NAME), READ_OWNER)
    try {
      const { ino, mtimeMs } = await file.stat({ bigint: true })
      const bytes = Buffer.alloc(MAX_OWNER_BYTES)
      const { bytesRead } = await file.read(bytes, 0, MAX_OWNER_BYTES, 0)
      return parse(bytes.toString('utf8', 0, bytesRead), ino, Number(mtimeMs))
    } finally {
      await file.close().catch(() => {})
    }
  } catch (error) {
    return noOwner(error)
  }
}

/** Synchronous `readOwner`. */
function readOwnerSync(fs: Fs, directory: string): Owner | undefined {
  try {
    const fd = fs.openSync(join(directory, OWNER_NAME), READ_OWNER)
    try {
      const { ino, mtimeMs } = fs.fstatSync(fd, { bigint: true })
      const bytes = Buffer.alloc(MAX_OWNER_BYTES)
      const text = bytes.toString('utf8', 0, fs.readSync(fd, bytes, 0, MAX_OWNER_BYTES, 0))
      return parse(text, ino, Number(mtimeMs))
    } finally {
      closeIgnoringErrors(fs, fd)
    }
  } catch (error) {
    return noOwner(error)
  }
}

/** @throws on temporary errors */
function noOwner(error: unknown): undefined {
  if (TEMPORARY_ERRORS.has((error as NodeJS.ErrnoException).code ?? '')) throw error
}

function parse(text: string, inode: bigint, mtimeMs: number): Owner | undefined {
  const { scope, pid, thread, started, contested, inode: written } = JSON.parse(text.split('\n', 1)[0]!)
  if (written !== String(inode) || typeof scope !== 'string' || !Number.isInteger(pid) || pid < 0)
    return undefined
  const reserved = Number(text.split('\n', 2)[1])
  const known = Number.isInteger(thread) && thread > 0 && typeof started === 'string'
  return {
    scope,
    pid,
    ...(known && { thread, started }),
    mtimeMs,
    reserved: Number.isSafeInteger(reserved) && reserved > 0 ? reserved : 0,
    contested: contested === true,
  }
}

/** Owner file of a directory, as seen by the owner. */
export interface Claim {
  readonly inode: bigint
  /** Descriptor that stays open so that no other file gets this inode number. */
  readonly fd: number
}

/**
 * Makes this thread the owner of a directory whose lock it has.
 * @returns `alive` when the former owner lives. Else `claim`, `undefined` when the owner file cannot be written and the lock
 * alone protects the directory; and `contested`, true when the former owner may live
 */
export function claim(fs: Fs, directory: string): { claim: Claim | undefined; contested: boolean } | 'alive' {
  const former = readOwnerSync(fs, directory)
  const state = former && stateOf(former)
  if (state === 'alive') return 'alive'
  const contested = state === 'unknown'
  const draft = writeDraft(fs, directory, identify(), contested)
  // Take the current time from the new draft, because heartbeats are times of the file system's clock. Take the absolute
  // difference, because a clock that was set back leaves heartbeats in the future.
  const age = Math.abs((draft?.mtimeMs ?? Date.now()) - (former?.mtimeMs ?? 0))
  if (!contested || age >= STALE_MILLIS) {
    if (draft && putInPlace(fs, directory)) return { claim: draft, contested }
    if (draft) closeIgnoringErrors(fs, draft.fd)
    return { claim: undefined, contested }
  }
  if (draft) {
    closeIgnoringErrors(fs, draft.fd)
    removeIgnoringErrors(fs, join(directory, OWNER_DRAFT_NAME))
  }
  return 'alive'
}

/** Removes the owner file. A contested directory keeps an owner file without an owner (pid 0). */
export function disclaim(fs: Fs, directory: string, contested: boolean): void {
  if (!contested) return removeIgnoringErrors(fs, join(directory, OWNER_NAME))
  const draft = writeDraft(fs, directory, { scope: '', pid: 0 }, true)
  if (draft === undefined) return
  closeIgnoringErrors(fs, draft.fd)
  putInPlace(fs, directory)
}

function writeDraft(
  fs: Fs,
  directory: string,
  owner: Identity,
  contested: boolean,
): (Claim & { mtimeMs: number }) | undefined {
  const path = join(directory, OWNER_DRAFT_NAME)
  removeIgnoringErrors(fs, path)
  let fd: number | undefined
  try {
    fd = fs.openSync(path, DRAFT, FILE_MODE)
    const inode = fs.fstatSync(fd, { bigint: true }).ino
    const text = JSON.stringify({ ...owner, contested, inode: String(inode) })
    fs.writevSync(fd, [Buffer.from(`${text}\n${beatOf(0)}`)], 0)
    return { inode, fd, mtimeMs: fs.fstatSync(fd).mtimeMs }
  } catch {
    // Ignored: the disk is full or read-only, and the lock alone protects the directory.
    if (fd !== undefined) closeIgnoringErrors(fs, fd)
    return undefined
  }
}

/** Formats the second line of the owner file. */
function beatOf(reserved: number): string {
  return `${String(reserved).padStart(15, '0')}\n`
}

function putInPlace(fs: Fs, directory: string): boolean {
  try {
    fs.renameSync(join(directory, OWNER_DRAFT_NAME), join(directory, OWNER_NAME))
    return true
  } catch {
    return false
  }
}

/** Reads how many bytes the owner of a directory may add. */
export async function reservedIn(fs: Fs, directory: string): Promise<number> {
  return reservedBy(await readOwner(fs, directory))
}

/** Synchronous `reservedIn`. */
export function reservedInSync(fs: Fs, directory: string): number {
  return reservedBy(readOwnerSync(fs, directory))
}

function reservedBy(owner: Owner | undefined): number {
  return owner === undefined || stateOf(owner) === 'ended' ? 0 : owner.reserved
}

/**
 * Writes the heartbeat, unless another process has replaced the owner file.
 * @param reserved returns how many bytes the owner may add
 */
export async function beat(
  fs: Fs,
  directory: string,
  { inode }: Claim,
  reserved: () => number,
): Promise<void> {
  const file = await fs.promises.open(join(directory, OWNER_NAME), BEAT_OWNER)
  try {
    const { ino, size } = await file.stat({ bigint: true })
    const text = Buffer.from(beatOf(reserved()))
    if (ino === inode) await file.write(text, 0, text.length, Number(size) - text.length)
  } finally {
    await file.close()
  }
}

/** Synchronous `beat`. It writes to the own descriptor, so a replaced owner file stays unchanged. */
export function beatSync(fs: Fs, { fd }: Claim, reserved: number): void {
  const text = Buffer.from(beatOf(reserved))
  fs.writevSync(fd, [text], fs.fstatSync(fd).size - text.length)
}
