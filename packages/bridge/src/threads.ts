/*
 * Counts of unsent records in memory that all threads share. A worker thread that is terminated runs no more code, so that the thread
 * that has started the worker counts the lost records. This entry point loads nothing else, because the preload of `@logbridge/auto` needs
 * it in each process.
 *
 * The table has a row for each pipeline: the thread id, then the counts. Environment data passes the table to each started thread.
 */
import {
  getEnvironmentData,
  isMainThread,
  setEnvironmentData,
  threadId,
  type Worker,
} from 'node:worker_threads'

/** Maximum number of pipelines in worker threads. Further pipelines are not counted. */
const ROWS = 1024
/** Cells of a row. */
export const CELLS = {
  /** Thread id: negative where the starting thread flushes the worker, 0 in a free row. */
  OWNER: 0,
  QUEUED: 1,
  IN_FLIGHT: 2,
  /** Records among those queued or in flight that are in the spool. */
  SPOOLED: 3,
  /** Thread that the main thread has started, and that ends all threads below itself when it ends. */
  TOP: 4,
} as const
export const ROW_CELLS = 5
const { OWNER, QUEUED, IN_FLIGHT, SPOOLED, TOP } = CELLS

const TABLE = 'logbridge.threadRecords.2'
const TOP_THREAD = 'logbridge.topThread.1'

/** Receives the number of records that were lost with a worker thread. */
export type CountLost = (count: number) => void

/** Counters of this thread, which all copies of this module share. The property exists once threads are watched. */
const COUNTERS = Symbol.for('logbridge.lostRecords.1')
const processWide = globalThis as { [COUNTERS]?: Set<CountLost> }

/**
 * Counts the records that are lost with each worker thread that this thread starts from now on. A second call changes nothing.
 *
 * @param onUncounted called with the records of a thread while `countLostRecords` has no counter
 */
export function watchThreads(onUncounted: CountLost): void {
  if (processWide[COUNTERS]) return
  const counters = new Set<CountLost>()
  processWide[COUNTERS] = counters
  // A program that is hardened against Spectre may have no shared memory. Nothing is counted there.
  if (globalThis.SharedArrayBuffer === undefined) return
  if (getEnvironmentData(TABLE) === undefined) {
    const table = new SharedArrayBuffer(ROWS * ROW_CELLS * Int32Array.BYTES_PER_ELEMENT)
    // A clone has the same memory, and belongs to Node.js: an object of Jest's realm would keep all globals of a test file alive.
    // A window of jsdom has no structuredClone.
    setEnvironmentData(TABLE, globalThis.structuredClone?.(table) ?? table)
  }
  if (!isMainThread) setEnvironmentData(TOP_THREAD, topThread())
  process.on('worker', (worker: Worker) => {
    const startedId = worker.threadId
    worker.once('exit', () => {
      const lost = takeUnsentOf(startedId)
      const [countLost = onUncounted] = counters
      if (lost > 0) countLost(lost)
    })
  })
}

/**
 * Counts lost records of the threads that `watchThreads` watches. Where several counters exist, the first gets the records.
 *
 * @returns function that ends the count
 */
export function countLostRecords(countLost: CountLost): () => void {
  const counters = processWide[COUNTERS]
  counters?.add(countLost)
  return () => void counters?.delete(countLost)
}

/** Returns the id of the thread above this thread that the main thread has started; that of this thread where no thread is known. */
export function topThread(): number {
  const top = getEnvironmentData(TOP_THREAD)
  return typeof top === 'number' ? top : threadId
}

/** Tests if records that are lost with a thread are counted by telemetry of this thread. */
export function areLostRecordsCounted(): boolean {
  return (processWide[COUNTERS]?.size ?? 0) > 0
}

/** Counts the records of running worker threads that are lost when the process ends now. */
export function unsentInThreads(): number {
  let unsent = 0
  if (isMainThread) for (const row of threadRows()) if (row[OWNER]! > 0) unsent += unsentOf(row)
  return unsent
}

/** Lists the rows of the table; none where no thread above this thread watches threads. */
export function* threadRows(): Generator<Int32Array> {
  const table = getEnvironmentData(TABLE)
  if (globalThis.SharedArrayBuffer === undefined || !(table instanceof SharedArrayBuffer)) return
  const cells = new Int32Array(table)
  for (let at = 0; at < cells.length; at += ROW_CELLS) yield cells.subarray(at, at + ROW_CELLS)
}

/** Clears the rows of an ended thread and of the threads that ended with it, because a copy of this module in another realm may watch the thread as well. */
function takeUnsentOf(endedId: number): number {
  let unsent = 0
  for (const row of threadRows()) {
    if (Math.abs(row[OWNER]!) !== endedId && row[TOP] !== endedId) continue
    unsent += unsentOf(row)
    row.fill(0)
  }
  return unsent
}

function unsentOf(row: Int32Array): number {
  return row[QUEUED]! + row[IN_FLIGHT]! - row[SPOOLED]!
}
