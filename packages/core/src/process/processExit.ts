import { isMainThread } from 'node:worker_threads'
import { watchExit } from '@logbridge/bridge/exitListeners'
import {
  END_TIMEOUT_MILLIS,
  warnOfUnsentInThreads,
  warnOnce,
  watchShutdownSignals,
} from '@logbridge/bridge/internal'
import { unsentInThreads } from '@logbridge/bridge/threads'
import type { LoggerProvider } from '@opentelemetry/api'
import { type ExitSource, flushAtExit } from './exitFlush.ts'
import { onHeldEnd } from './heldEnd.ts'
import { describeUnsent, type Unsent, withLongWaitNoted } from './longWait.ts'
import { adviceFor } from './outages.ts'
import { onProcess } from './sharedListeners.ts'
import { within } from './timers.ts'
import { watchUncaughtExceptions } from './uncaughtExceptions.ts'

/** Time after an unsuccessful flush in which the receiver counts as unreachable, in milliseconds. */
const RECENT_FAILURE_MILLIS = 1000

/** Time between the end of a flush and a `beforeExit` that the flush has caused, at most, in milliseconds. */
const NEXT_BEFORE_EXIT_MILLIS = 1000

/** Telemetry that is flushed when the process ends. */
export interface ExitHandler {
  forceFlush(timeoutMillis: number): Promise<unknown>
  /** Aborts the exports that would keep the process alive. */
  abandon(): void
  /** Returns a number that grows with each new record or span. */
  activity(): number
  /** Returns the number of spans and batches of metrics whose exports are in progress. */
  pending(): number
  unsent(): readonly (Unsent | undefined)[]
  /** Returns what is lost when the process ends now, without what a line has announced. */
  lost(): readonly (Unsent | undefined)[]
  /** Writes unsent records to the spool, synchronously. */
  spillSync(): void
  /** Ends the pipeline: spills, then reports the dropped records. */
  end(): void
  /** Signals that `flushOnExit` sends. */
  readonly exitSources: readonly (ExitSource | undefined)[]
}

/** Ends of a process to handle besides `beforeExit` and `exit`. */
export interface ExitConfig {
  readonly shutdownSignals?: readonly NodeJS.Signals[] | undefined
  /** Provider that records uncaught exceptions; `undefined` to record none. */
  readonly exceptions?: LoggerProvider | undefined
  readonly flushOnExit?: boolean | undefined
}

/**
 * Flushes when the process has no more work or receives a shutdown signal. When the process ends earlier, unsent records go to
 * the spool, and one line reports the records that are lost. `beforeExit` comes again after each flush; a flush runs only for
 * new activity, and all flushes that follow one another have 3 seconds, so that a process with an unreachable receiver ends.
 *
 * @returns function that stops watching
 */
export function onProcessExit(handler: ExitHandler, config?: ExitConfig): () => void {
  // Files and stdout are written at each exit, because that takes no worker and no wait for a receiver.
  const exitSources = handler.exitSources
    .filter((source) => source !== undefined)
    .filter(({ route }) => config?.flushOnExit || 'sendSync' in route)
  /** Activity at the last flush of `beforeExit`. */
  let beforeExitActivity = -1
  /** Activity that a flush at the end of the process has covered. */
  let flushedActivity = -1
  /** Time at which a flush last ended with unsent telemetry. */
  let failedAt = -Infinity
  let isFlushing = false
  /** Times of the flushes of `beforeExit` that follow one another: the end of the last, and the deadline of all. */
  const row = { flushedAt: -Infinity, endsAt: 0 }
  let exitReason: string | undefined
  /** Number of records whose exception Node.js prints below, as the last lines of the process. */
  let printed = 0
  /** Returns the milliseconds that the flush of a signal has left, 0 during that flush: a second signal ends the process at once. */
  let signalMillisLeft = (): number => 0
  /** Flushes within a time limit whatever the flush waits for, because the end of the process waits for the flush. */
  async function flush(timeoutMillis = END_TIMEOUT_MILLIS): Promise<void> {
    const activity = handler.activity()
    const flushed = within(timeoutMillis, [handler.forceFlush(timeoutMillis)])
    await withLongWaitNoted(flushed, handler.unsent, timeoutMillis)
    flushedActivity = activity
    const hasUnsent = handler.unsent().some((part) => part && part.count > 0)
    if (hasUnsent && activity === handler.activity()) failedAt = performance.now()
  }

  /** Flushes again for records that were logged during the first flush, within the time that the first flush has left. */
  async function flushTwice(): Promise<void> {
    const end = performance.now() + END_TIMEOUT_MILLIS
    const millisLeft = (): number => Math.max(0, end - performance.now())
    await flush()
    if (millisLeft() > 0 && flushedActivity !== handler.activity()) await flush(millisLeft())
    signalMillisLeft = millisLeft
  }

  async function onBeforeExit(): Promise<void> {
    const activity = handler.activity()
    if (isFlushing || (activity === beforeExitActivity && !handler.pending())) return
    // Another agent may act on each `beforeExit`, so that each flush has new activity: its requests are spans.
    const now = performance.now()
    if (now - row.flushedAt > NEXT_BEFORE_EXIT_MILLIS) row.endsAt = now + END_TIMEOUT_MILLIS
    if (now >= row.endsAt) return
    beforeExitActivity = activity
    isFlushing = true
    await flush(row.endsAt - now)
    isFlushing = false
    row.flushedAt = performance.now()
    handler.abandon()
  }

  function flushOnExit(timeoutMillis?: number): void {
    // Skip what an earlier flush has covered, and a receiver that was unreachable a moment ago.
    if (exitSources.length === 0 || flushedActivity === handler.activity()) return
    if (performance.now() - failedAt < RECENT_FAILURE_MILLIS) return
    exitReason = flushAtExit(exitSources, timeoutMillis) ?? exitReason
  }

  function reportUnsent(): void {
    const inThreads = unsentInThreads()
    if (inThreads > 0) warnOfUnsentInThreads(inThreads)
    const lost = handler.lost().filter((part) => part !== undefined)
    const unsent = lost.filter(({ unit, count }) => count > (unit === 'log record' ? printed : 0))
    const [first] = unsent
    if (first === undefined) return
    const cause =
      exitReason === undefined
        ? '. The receiver is unreachable, or process.exit() or an uncaught exception ended the process before shutdown() had resolved'
        : ` (${adviceFor(first.endpoint)})`
    warnOnce(
      `unsent-at-exit-${unsent.map(({ unit }) => unit).join()}`,
      `not sent when the process ended: ${describeUnsent(unsent)}${cause}`,
      exitReason,
    )
  }

  /** Ends the pipeline of a process that a signal ends, which emits no `exit`. */
  function atEnd(): void {
    flushOnExit(signalMillisLeft())
    handler.end()
    reportUnsent()
  }

  const unwatchBeforeExit = onProcess('beforeExit', () => void onBeforeExit())
  const unwatchHeldEnd = onHeldEnd(onBeforeExit)
  const unwatchExit = watchExit({
    flush() {
      flushOnExit()
      handler.spillSync()
    },
    report: reportUnsent,
    end: () => handler.end(),
  })
  for (const { route } of exitSources) if ('prepare' in route) route.prepare()
  // Worker threads receive no signals.
  const signals = isMainThread ? (config?.shutdownSignals ?? []) : []
  const unwatchSignals = watchShutdownSignals(signals, { flush: flushTwice, atEnd })
  const unwatchExceptions =
    config?.exceptions &&
    watchUncaughtExceptions(config.exceptions, (isEnd) => {
      // The thread that started a worker gets its exception, and may print nothing.
      if (isEnd && isMainThread) printed = 1
      handler.spillSync()
    })
  return () => {
    unwatchBeforeExit()
    unwatchHeldEnd()
    unwatchExit()
    unwatchSignals()
    unwatchExceptions?.()
  }
}
