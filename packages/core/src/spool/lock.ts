import { lstatSync, writeFileSync } from 'node:fs'
import { FILE_MODE } from './files.ts'

// A lock that the operating system gives up with the process, however that ends: an empty SQLite database, exclusively
// locked (fcntl, LockFileEx on Windows). Node.js itself has no such lock, native flock() packages do not survive bundlers, and
// proper-lockfile's heartbeat takes a process that is busy for ten seconds for dead.
//
// Measured with Node.js 22.15, 24 and 26 on Linux: free at once after kill -9 of the holder and after worker.terminate();
// busy to another process, to a worker thread and to a second connection of the same thread; 0.1 ms, the first time 1 ms.
// Nothing is ever written: with the journal in memory the database stays an empty file.
//
// POSIX drops a process's locks of a file when it closes any descriptor of that file. Nothing of ours but SQLite, which
// knows, opens the lock while it is held; for what the application opens there is the owner file.

// SQLite follows links and makes the file that they lead to, so a lock is looked at before SQLite opens it.

/** SQLite on POSIX systems opens no longer path: its own limit is 512 bytes with the suffix `-journal`. */
export const MAX_LOCK_PATH_BYTES = 504

export interface Lock {
  /** Never throws. Once is enough. */
  release(): void
}

type Sqlite = typeof import('node:sqlite')

/** SQLITE_BUSY, https://www.sqlite.org/rescode.html#busy */
const BUSY = 5
/** SQLITE_CORRUPT and SQLITE_NOTADB: the file is not an empty database. */
const GARBAGE: ReadonlySet<number> = new Set([11, 26])

/** Not imported: bundlers and Node.js before 22.13 do not know it, and 22 warns of it when it is loaded. */
function sqlite(): Sqlite | undefined {
  return process.getBuiltinModule?.('node:sqlite')
}

/** Whether this Node.js can lock at all. */
export function canLock(): boolean {
  try {
    return sqlite() !== undefined
  } catch {
    return false
  }
}

/**
 * Takes a lock at once or not at all; makes the file when it is not there.
 * @returns `busy` when someone else has the lock, `unusable` when there is something at the path that cannot be one: a
 * link, a directory, a file of something else
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
    if (GARBAGE.has(code)) return 'unusable'
    throw error
  }
  return {
    release() {
      try {
        if (database.isOpen) database.close()
      } catch {
        // The lock goes with the process.
      }
    },
  }
}

function isLockFile(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats) return stats.isFile()
  // Exclusive creation follows no link. A file that another process has made meanwhile is as good.
  try {
    writeFileSync(path, '', { flag: 'wx', mode: FILE_MODE })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return true
}
