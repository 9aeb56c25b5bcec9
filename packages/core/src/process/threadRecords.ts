import {
  getEnvironmentData,
  isMainThread,
  setEnvironmentData,
  threadId,
  type Worker,
  workerData,
} from 'node:worker_threads'
import { warn } from '@logbridge/bridge/internal'

// Counts of unsent records in memory that all threads share. A worker thread that is terminated runs no more code, so the thread
// that has started the worker counts the lost records.
//
// The table has a row for each pipeline: the thread id, then the counts. Environment data passes the table to each started thread.

/** Maximum number of pipelines in worker threads. Further pipelines are not counted. */
const ROWS = 1024
/** Indices of the counts. `SPOOLED` counts the records among those queued or in flight that are in the spool. */
export const QUEUED = 0
export const IN_FLIGHT = 1
export const SPOOLED = 2
export const COUNTS = 3
const ROW_CELLS = 1 + COUNTS

const KEY = 'logbridge.threadRecords.1'

/** Counts records that were lost with a worker thread. */
type CountLost = (count: number) => void

const lostCounters = new Set<CountLost>()
let isWatching = false

/**
 * Counts the records that are lost with each worker thread that this thread starts from now on.
 * @param countLost called with the number of records that were unsent when a thread ended
 * @returns function that ends the count
 */
export function watchThreads(countLost: CountLost): () => void {
  lostCounters.add(countLost)
  if (!isWatching) {
    isWatching = true
    if (getEnvironmentData(KEY) === undefined) {
      const table = new SharedArrayBuffer(ROWS * ROW_CELLS * Int32Array.BYTES_PER_ELEMENT)
      // A clone has the same memory, and belongs to Node.js: an object of Jest's realm would keep all globals of a test file alive.
      // A window of jsdom has no structuredClone.
      setEnvironmentData(KEY, globalThis.structuredClone?.(table) ?? table)
    }
    process.on('worker', watchThread)
  }
  return () => void lostCounters.delete(countLost)
}

function watchThread(worker: Worker): void {
  const { threadId } = worker
  worker.once('exit', () => {
    // Clear the rows, because a CommonJS copy of this module may listen as well.
    let lost = 0
    for (const row of rows()) {
      if (Math.abs(row[0]!) !== threadId) continue
      lost += unsentOf(row)
      row.fill(0)
    }
    if (lost <= 0) return
    const [countLost] = lostCounters
    if (countLost) countLost(lost)
    else warn(`worker thread terminated, unsent log records lost: ${lost}`)
  })
}

/**
 * Claims shared counts for a pipeline of this thread.
 * @returns `undefined` in a main thread, and in a worker thread whose parent does not count
 */
export function claimCounts(): Int32Array | undefined {
  if (isMainThread) return undefined
  const owner = isFlushedByParent() ? -threadId : threadId
  for (const row of rows()) {
    if (Atomics.compareExchange(row, 0, 0, owner) === 0) return row.subarray(1)
  }
  return undefined
}

/** Releases counts of `claimCounts`. Ignores other counts. */
export function releaseCounts(counts: Int32Array): void {
  if (counts.buffer instanceof SharedArrayBuffer)
    new Int32Array(counts.buffer, counts.byteOffset - Int32Array.BYTES_PER_ELEMENT, ROW_CELLS).fill(0)
}

/** Counts the records of running worker threads that are lost when the process ends now. */
export function unsentInThreads(): number {
  let unsent = 0
  if (isMainThread) for (const row of rows()) if (row[0]! > 0) unsent += unsentOf(row)
  return unsent
}

function* rows(): Generator<Int32Array> {
  const table = getEnvironmentData(KEY)
  if (!(table instanceof SharedArrayBuffer)) return
  const cells = new Int32Array(table)
  for (let at = 0; at < cells.length; at += ROW_CELLS) yield cells.subarray(at, at + ROW_CELLS)
}

function unsentOf(row: Int32Array): number {
  return row[1 + QUEUED]! + row[1 + IN_FLIGHT]! - row[1 + SPOOLED]!
}

/** Detects a worker of thread-stream, which pino uses. It flushes in the `exit` event of the process. */
function isFlushedByParent(): boolean {
  const { workerData: inner } = (workerData ?? {}) as { workerData?: { $context?: object } }
  return inner?.$context !== undefined && 'threadStreamVersion' in inner.$context
}
