import { counted, warn, warnOnce } from './warnings.ts'

/** Warns of records that were lost with a worker thread, and that no telemetry of this thread counts. */
export function warnOfLostRecords(count: number): void {
  warn(`worker thread terminated, unsent log records lost: ${count}`)
}

/** Warns at the end of the process of the unsent records of its worker threads. */
export function warnOfUnsentInThreads(count: number): void {
  warnOnce(
    'unsent-in-threads',
    `not sent when the process ended: ${counted(count, 'log record')} of worker threads. Flush at the end of each task of a ` +
      'worker, e.g. with flushOnFreeze()',
  )
}
