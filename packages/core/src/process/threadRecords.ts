import { isMainThread, threadId, workerData } from 'node:worker_threads'
import { warnOfLostRecords } from '@logbridge/bridge/internal'
import {
  CELLS,
  type CountLost,
  countLostRecords,
  ROW_CELLS,
  threadRows,
  topThread,
  watchThreads,
} from '@logbridge/bridge/threads'

// Counts of the unsent records of a worker thread, in memory that all threads share (`bridge/src/threads.ts`).

/**
 * Counts the records that are lost with each worker thread that this thread starts from now on, and with earlier threads where
 * `@logbridge/auto` has watched them.
 *
 * @param countLost called with the number of records that were unsent when a thread ended
 * @returns function that ends the count
 */
export function watchLostRecords(countLost: CountLost): () => void {
  watchThreads(warnOfLostRecords)
  return countLostRecords(countLost)
}

/**
 * Claims a row of shared counts for a pipeline of this thread.
 *
 * @returns `undefined` in a main thread, and in a worker thread whose parent does not count
 */
export function claimRow(): Int32Array | undefined {
  if (isMainThread) return undefined
  const owner = isFlushedByParent() ? -threadId : threadId
  for (const row of threadRows()) {
    if (Atomics.compareExchange(row, CELLS.OWNER, 0, owner) !== 0) continue
    row[CELLS.TOP] = topThread()
    return row
  }
  return undefined
}

/** Creates a row that no other thread reads. */
export function privateRow(): Int32Array {
  return new Int32Array(ROW_CELLS)
}

/** Releases a row of `claimRow`. Ignores other rows. */
export function releaseRow(row: Int32Array): void {
  if (globalThis.SharedArrayBuffer !== undefined && row.buffer instanceof SharedArrayBuffer) row.fill(0)
}

/** Detects a worker of thread-stream, which pino uses. It flushes in the `exit` event of the process. */
function isFlushedByParent(): boolean {
  const { workerData: inner } = (workerData ?? {}) as { workerData?: { $context?: object } }
  return inner?.$context !== undefined && 'threadStreamVersion' in inner.$context
}
