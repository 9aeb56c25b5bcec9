import { lstatSync, writeFileSync } from 'node:fs'
import { FILE_MODE } from './files.ts'

// The lock is an empty SQLite database with an exclusive lock (fcntl, LockFileEx on Windows). The operating system releases
// the lock when the process ends, even after kill -9. Node.js has no file lock, bundlers break native flock() packages, and
// the heartbeat of proper-lockfile declares a process dead that is busy for ten seconds.
//
// The lock was tried with Node.js 22.15, 24, and 26 on Linux. It is free right after kill -9 of the owner and after
// worker.terminate(), and busy to another process, to a worker thread, and to a second connection of the same thread. The
// database stays an empty file, because its journal is in memory.
//
// POSIX drops the locks of a process on a file when the process closes any descriptor of that file. SQLite respects this
// rule, and logbridge opens the file by SQLite only. The owner file (owner.ts) covers descriptors that the application closes.

/** Longest path that SQLite opens on POSIX systems: its limit is 512 bytes with the suffix `-journal`. */
export const MAX_LOCK_PATH_BYTES = 504

export interface Lock {
  /** Releases the lock. Never throws. A second call has no effect. */
  release(): void
}

type Sqlite = typeof import('node:sqlite')

/** SQLITE_BUSY, https://www.sqlite.org/rescode.html#busy */
const BUSY = 5
/** SQLITE_CORRUPT and SQLITE_NOTADB: the file is something else than an empty database. */
const NO_DATABASE: ReadonlySet<number> = new Set([11, 26])

/** Loads node:sqlite late: bundlers and Node.js before 22.13 do not know the module, and Node.js 22 warns on loading it. */
function sqlite(): Sqlite | undefined {
  return process.getBuiltinModule?.('node:sqlite')
}

/** Checks that this Node.js has node:sqlite. */
export function canLock(): boolean {
  try {
    return sqlite() !== undefined
  } catch {
    return false
  }
}

/**
 * Tries to take a lock without waiting. Creates the file when it is missing.
 * @returns `busy` when the lock has an owner, `unusable` when the path is a link, a directory, or a file with content
 * @throws when the file cannot be opened
 */
export function tryLock(path: string): Lock | 'busy' | 'unusable' {
  if (!isLockFile(path)) return 'unusable'
  const { DatabaseSync } = sqlite() as Sqlite
  const database = new DatabaseSync(path)
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    const code = ((error as { errcode?: number }).errcode ?? 0) % 256
    if (code === BUSY) return 'busy'
    if (NO_DATABASE.has(code)) return 'unusable'
    throw error
  }
  return {
    release() {
      try {
        if (database.isOpen) database.close()
      } catch {
        // Ignored: the lock ends with the process.
      }
    },
  }
}

/** Checks or creates the file before SQLite opens it, because SQLite follows links and creates their targets. */
function isLockFile(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats) return stats.isFile()
  // Create the file exclusively, because that follows no link. Another process may create the same file meanwhile.
  try {
    writeFileSync(path, '', { flag: 'wx', mode: FILE_MODE })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return true
}
