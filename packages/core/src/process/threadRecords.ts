import {
  getEnvironmentData,
  isMainThread,
  setEnvironmentData,
  threadId,
  type Worker,
  workerData,
} from 'node:worker_threads'
import { warn } from '@logbridge/bridge/internal'

// A worker thread that is terminated runs no more code. Its pipelines keep three counts in memory that all threads share,
// so that the thread that has started it can count what is lost with it.
//
// The table has a row for each pipeline: its thread, then the counts. Environment data hands it from a thread to those that
// it starts.

/** Pipelines of all worker threads together; one beyond them is not counted. */
const ROWS = 1024
/** Cells of the counts: how many records are queued, in flight, and of both in the spool. */
export const QUEUED = 0
export const IN_FLIGHT = 1
export const SPOOLED = 2
export const COUNTS = 3
const ROW_CELLS = 1 + COUNTS

const KEY = 'logbridge.threadRecords.1'

/** What becomes of records that were lost with a worker thread. */
type TakeLost = (count: number) => void

const takers = new Set<TakeLost>()
let isWatching = false

/**
 * Counts what is lost with each worker thread that this thread starts from now on.
 * @param take called with the records that a thread has taken with it
 * @returns stops calling
 */
export function watchThreads(take: TakeLost): () => void {
  takers.add(take)
  if (!isWatching) {
    isWatching = true
    if (getEnvironmentData(KEY) === undefined) {
      setEnvironmentData(KEY, new SharedArrayBuffer(ROWS * ROW_CELLS * Int32Array.BYTES_PER_ELEMENT))
    }
    process.on('worker', watchThread)
  }
  return () => void takers.delete(take)
}

function watchThread(worker: Worker): void {
  const { threadId } = worker
  worker.once('exit', () => {
    // A second copy of this module, as CommonJS, finds nothing after the first.
    let lost = 0
    for (const row of rows()) {
      if (Math.abs(row[0]!) !== threadId) continue
      lost += unsentOf(row)
      row.fill(0)
    }
    if (lost <= 0) return
    const [take] = takers
    if (take) take(lost)
    else warn(`log records were lost with a worker thread that was terminated: ${lost}`)
  })
}

/**
 * Gives the counts of a pipeline of this thread.
 * @returns `undefined` in a main thread, and where no thread counts
 */
export function claimCounts(): Int32Array | undefined {
  if (isMainThread) return undefined
  const owner = isFlushedByParent() ? -threadId : threadId
  for (const row of rows()) {
    if (Atomics.compareExchange(row, 0, 0, owner) === 0) return row.subarray(1)
  }
  return undefined
}

/** Gives counts back, where they are of `claimCounts`. */
export function releaseCounts(counts: Int32Array): void {
  if (counts.buffer instanceof SharedArrayBuffer)
    new Int32Array(counts.buffer, counts.byteOffset - Int32Array.BYTES_PER_ELEMENT, ROW_CELLS).fill(0)
}

/** Counts what running worker threads take with them when the process ends now. */
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

/** thread-stream, as of pino, has its worker flush in the `exit` event of the process. */
function isFlushedByParent(): boolean {
  const { workerData: inner } = (workerData ?? {}) as { workerData?: { $context?: object } }
  return inner?.$context !== undefined && 'threadStreamVersion' in inner.$context
}
