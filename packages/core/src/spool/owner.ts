import { constants, readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { closeQuietly, FILE_MODE, type Fs, isMissing, removeQuietly } from './files.ts'

// Who owns a folder, beside its lock. POSIX drops a process's locks of a file when the process closes any descriptor of it: an
// application that copies its spool directory loses its locks without noticing. So a folder is recovered when its lock is
// free and its owner is gone:
//
//   owner in the same PID namespace     its thread no longer runs (/proc/<pid>/task/<tid>/stat: start time, zombie)
//   any other, and without /proc        its process is gone, or its heartbeat is older than 10 s
//   no owner file, or one that was copied with the folder (its inode is another)     the lock alone decides
//
// The owner file is a line of JSON and a line of 16 characters, which the owner writes anew every 3 s: its modification time
// is the heartbeat, by the clock of the file system. Whoever recovers a folder puts an owner file of its own in place, so the
// inode tells a process that was suspended that its folder is no longer its own.

export const OWNER_NAME = 'owner'
/** An owner file that is being written. */
export const OWNER_DRAFT_NAME = 'owner.new'
export const HEARTBEAT_MILLIS = 3000
const STALE_MILLIS = 10_000
const MAX_OWNER_BYTES = 1024
/** Errors that tell nothing of the file: too many open files, a disk that fails. */
const FAILURES: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EIO', 'ETIMEDOUT', 'ESTALE'])
/** Opening a pipe in place of the file must not wait. */
const READ_OWNER = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const BEAT_OWNER = constants.O_RDWR | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
/** A new file, because to open a pipe would wait, and a hard link leads to a file elsewhere. */
const DRAFT = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL

interface Identity {
  /** Boot and PID namespace that the numbers belong to; else the name of the host. */
  readonly scope: string
  readonly pid: number
  /** The thread's id and start time as the operating system has them; absent without /proc. */
  readonly thread?: number
  readonly started?: string
}

export interface Owner extends Identity {
  readonly mtimeMs: number
  /** Bytes that it may add to what its folders hold. */
  readonly reserved: number
  /** Recovered from an owner that may live: its folder remains for a while, to tell that owner. */
  readonly contested: boolean
}

let identity: Identity | undefined

/** The identity of this thread. Each worker thread has its own instance of this module. */
function identify(): Identity {
  identity ??= identityByProc() ?? { scope: `host ${hostname()}`, pid: process.pid }
  return identity
}

function identityByProc(): Identity | undefined {
  try {
    // Where /proc is that of another PID namespace, its numbers are not those of process.pid.
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

/** When a thread was started, in clock ticks since the boot; `undefined` for a zombie. */
function startOf(pid: number, thread: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1')
  // The name of the program comes first in parentheses, and may contain any character.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

/** Tells whether an owner is gone; `unknown` where only its heartbeat can tell. */
export function stateOf(owner: Owner): 'alive' | 'gone' | 'unknown' {
  const mine = identify()
  if (owner.pid === 0) return 'gone'
  if (owner.scope !== mine.scope) return 'unknown'
  if (!isRunning(owner.pid)) return 'gone'
  if (owner.thread === undefined) return 'unknown'
  try {
    return startOf(owner.pid, owner.thread) === owner.started ? 'alive' : 'gone'
  } catch (error) {
    // Too many open files, say, tell nothing of the thread.
    return isEnded(error) && isReadable(`/proc/${owner.pid}/stat`) ? 'gone' : 'unknown'
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
 * Reads who owns a folder; `undefined` when nothing that can be relied on tells it.
 * @throws when it cannot be read now
 */
export async function readOwner(fs: Fs, folder: string): Promise<Owner | undefined> {
  try {
    const file = await fs.promises.open(join(folder, OWNER_NAME), READ_OWNER)
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

/** The same at once. */
function readOwnerSync(fs: Fs, folder: string): Owner | undefined {
  try {
    const fd = fs.openSync(join(folder, OWNER_NAME), READ_OWNER)
    try {
      const { ino, mtimeMs } = fs.fstatSync(fd, { bigint: true })
      const bytes = Buffer.alloc(MAX_OWNER_BYTES)
      const text = bytes.toString('utf8', 0, fs.readSync(fd, bytes, 0, MAX_OWNER_BYTES, 0))
      return parse(text, ino, Number(mtimeMs))
    } finally {
      closeQuietly(fs, fd)
    }
  } catch (error) {
    return noOwner(error)
  }
}

function noOwner(error: unknown): undefined {
  if (FAILURES.has((error as NodeJS.ErrnoException).code ?? '')) throw error
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

/** The owner file of a folder, as its owner has it. */
export interface Claim {
  readonly inode: bigint
  /** Kept open so that no other file gets this inode number. */
  readonly fd: number
}

/**
 * Makes this thread the owner of a folder whose lock it holds.
 * @returns `alive` when the owner so far lives; a claim of `undefined` where its file cannot be written, so that the lock
 * alone protects the folder; `contested` when the owner so far may live
 */
export function claim(fs: Fs, folder: string): { claim: Claim | undefined; contested: boolean } | 'alive' {
  const former = readOwnerSync(fs, folder)
  const state = former && stateOf(former)
  if (state === 'alive') return 'alive'
  const contested = state === 'unknown'
  const draft = writeDraft(fs, folder, identify(), contested)
  // The draft was written just now: its time is that of the file system's clock. A clock that was set back leaves
  // heartbeats in the future.
  const age = Math.abs((draft?.mtimeMs ?? Date.now()) - (former?.mtimeMs ?? 0))
  if (!contested || age >= STALE_MILLIS) {
    if (draft && putInPlace(fs, folder)) return { claim: draft, contested }
    if (draft) closeQuietly(fs, draft.fd)
    return { claim: undefined, contested }
  }
  if (draft) {
    closeQuietly(fs, draft.fd)
    removeQuietly(fs, join(folder, OWNER_DRAFT_NAME))
  }
  return 'alive'
}

/** Removes the owner file. A contested folder keeps one that names no owner. */
export function disclaim(fs: Fs, folder: string, contested: boolean): void {
  if (!contested) return removeQuietly(fs, join(folder, OWNER_NAME))
  const draft = writeDraft(fs, folder, { scope: '', pid: 0 }, true)
  if (draft === undefined) return
  closeQuietly(fs, draft.fd)
  putInPlace(fs, folder)
}

function writeDraft(
  fs: Fs,
  folder: string,
  owner: Identity,
  contested: boolean,
): (Claim & { mtimeMs: number }) | undefined {
  const path = join(folder, OWNER_DRAFT_NAME)
  removeQuietly(fs, path)
  let fd: number | undefined
  try {
    fd = fs.openSync(path, DRAFT, FILE_MODE)
    const inode = fs.fstatSync(fd, { bigint: true }).ino
    const text = JSON.stringify({ ...owner, contested, inode: String(inode) })
    fs.writevSync(fd, [Buffer.from(`${text}\n${beatOf(0)}`)], 0)
    return { inode, fd, mtimeMs: fs.fstatSync(fd).mtimeMs }
  } catch {
    // A full or read-only disk.
    if (fd !== undefined) closeQuietly(fs, fd)
    return undefined
  }
}

function beatOf(reserved: number): string {
  return `${String(reserved).padStart(15, '0')}\n`
}

function putInPlace(fs: Fs, folder: string): boolean {
  try {
    fs.renameSync(join(folder, OWNER_DRAFT_NAME), join(folder, OWNER_NAME))
    return true
  } catch {
    return false
  }
}

/** Bytes that the owner of a folder may add to what lies on disk. */
export async function reservedIn(fs: Fs, folder: string): Promise<number> {
  return reservedBy(await readOwner(fs, folder))
}

/** The same at once. */
export function reservedInSync(fs: Fs, folder: string): number {
  return reservedBy(readOwnerSync(fs, folder))
}

function reservedBy(owner: Owner | undefined): number {
  return owner === undefined || stateOf(owner) === 'gone' ? 0 : owner.reserved
}

/**
 * Writes the heartbeat, and nothing where the file is no longer the owner's.
 * @param reserved bytes that the owner may add to what lies on disk
 */
export async function beat(fs: Fs, folder: string, { inode }: Claim, reserved: () => number): Promise<void> {
  const file = await fs.promises.open(join(folder, OWNER_NAME), BEAT_OWNER)
  try {
    const { ino, size } = await file.stat({ bigint: true })
    const text = Buffer.from(beatOf(reserved()))
    if (ino === inode) await file.write(text, 0, text.length, Number(size) - text.length)
  } finally {
    await file.close()
  }
}

/** The same at once. */
export function beatSync(fs: Fs, { fd }: Claim, reserved: number): void {
  const text = Buffer.from(beatOf(reserved))
  fs.writevSync(fd, [text], fs.fstatSync(fd).size - text.length)
}
