// A lock that the operating system gives up with the process, however that ends: an empty SQLite database, exclusively
// locked (fcntl, LockFileEx on Windows). Node.js itself has no such lock, native flock() packages do not survive bundlers, and
// proper-lockfile's heartbeat takes a process that is busy for ten seconds for dead.
//
// Measured with Node.js 22.15, 24 and 26 on Linux: free at once after kill -9 of the holder and after worker.terminate();
// busy to another process, to a worker thread and to a second connection of the same thread; 0.1 ms, the first time 1 ms.
// Nothing is ever written: with the journal in memory the database stays an empty file.
//
// POSIX drops a process's locks of a file when it closes any descriptor of that file: nothing but SQLite, which knows,
// may open the lock while it is held.

export interface Lock {
  /** Once is enough. */
  release(): void
}

type Sqlite = typeof import('node:sqlite')

/** SQLITE_BUSY, https://www.sqlite.org/rescode.html#busy */
const BUSY = 5

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
 * @returns `undefined` when someone else has it
 * @throws when the file cannot be opened
 */
export function tryLock(path: string): Lock | undefined {
  const { DatabaseSync } = sqlite() as Sqlite
  const database = new DatabaseSync(path)
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === BUSY) return undefined
    throw error
  }
  return {
    release() {
      if (database.isOpen) database.close()
    },
  }
}
