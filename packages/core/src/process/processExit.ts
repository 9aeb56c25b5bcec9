import { isMainThread } from 'node:worker_threads'
import { END_TIMEOUT_MILLIS, warnOnce, watchShutdownSignals } from '@logbridge/bridge/internal'
import type { LoggerProvider } from '@opentelemetry/api'
import { type ExitSource, flushAtExit } from './exitFlush.ts'
import { onHeldEnd } from './heldEnd.ts'
import { watchExit } from './exitListeners.ts'
import { type Unsent, withLongWaitNoted } from './longWait.ts'
import { within } from './timers.ts'
import { unsentInThreads } from './threadRecords.ts'
import { watchUncaughtExceptions } from './uncaughtExceptions.ts'

/** A receiver that was away so long ago still is. */
const JUST_MILLIS = 1000

/** What the end of a process asks for. */
export interface ExitHandler {
  forceFlush(timeoutMillis: number): Promise<unknown>
  /** Gives up what would hold the process longer. */
  abandon?: (() => void) | undefined
  stats(): { readonly queued: number; readonly inFlight: number; readonly spooled: number }
  /** Grows with all that there is to send. */
  activity(): number
  /** Number of exports of spans and metrics under way. */
  pending?: (() => number) | undefined
  unsent(): readonly (Unsent | undefined)[]
  /** Writes what is unsent to the spool, at once. */
  spillSync?: (() => void) | undefined
  /** Ends the pipeline: spills, then reports the losses. */
  end?: (() => void) | undefined
  /** What `flushOnExit` sends. */
  exitSources?: readonly (ExitSource | undefined)[] | undefined
}

/** Which ends of a process are watched beside its own. */
export interface ExitConfig {
  readonly shutdownSignals?: readonly NodeJS.Signals[] | undefined
  /** Where uncaught exceptions are recorded; `undefined`: nowhere. */
  readonly exceptions?: LoggerProvider | undefined
  readonly flushOnExit?: boolean | undefined
}

/**
 * Flushes when the process has nothing left to do or is told to end. What a process would take with it that ends sooner
 * goes to the spool; how many log records cannot is said. `beforeExit` comes again after each flush; one that has
 * nothing new to send is not repeated, so that a process whose receiver is away still ends.
 *
 * @returns stops watching
 */
export function onProcessExit(ending: ExitHandler, config?: ExitConfig): () => void {
  const exitSources = (config?.flushOnExit ? ending.exitSources : undefined)?.filter(
    (source) => source !== undefined,
  )
  let flushedAt = -1
  /** The activity that a flush at an end of the process has waited for. */
  let triedAt = -1
  /** When the last flush that left something unsent has ended. */
  let inVainAt = -Infinity
  let isFlushing = false
  let exitReason: string | undefined
  /** Milliseconds that the flush of a signal has left: none while it waits, because a second signal ends the process at once. */
  let leftOfSignal = (): number => 0
  /** Bounded whatever a flush waits for, because the end of the process waits for it. */
  async function flush(timeoutMillis = END_TIMEOUT_MILLIS): Promise<void> {
    const activity = ending.activity()
    const flushed = within(timeoutMillis, [ending.forceFlush(timeoutMillis)])
    await withLongWaitNoted(flushed, ending.unsent, timeoutMillis)
    triedAt = activity
    const isInVain = activity === ending.activity() && ending.unsent().some((part) => part && part.count > 0)
    if (isInVain) inVainAt = performance.now()
  }

  /** Sends what the application logs during the first flush as well, within the time that the first flush has left. */
  async function flushTwice(): Promise<void> {
    const end = performance.now() + END_TIMEOUT_MILLIS
    const left = (): number => Math.max(0, end - performance.now())
    await flush()
    if (left() > 0 && triedAt !== ending.activity()) await flush(left())
    leftOfSignal = left
  }

  async function onBeforeExit(): Promise<void> {
    const activity = ending.activity()
    if (isFlushing || (activity === flushedAt && !ending.pending?.())) return
    flushedAt = activity
    isFlushing = true
    await flush()
    isFlushing = false
    ending.abandon?.()
  }

  function flushOnExit(timeoutMillis?: number): void {
    // A flush has waited for the same, or has just waited in vain for what came before.
    if (exitSources === undefined || triedAt === ending.activity()) return
    if (performance.now() - inVainAt < JUST_MILLIS) return
    exitReason = flushAtExit(exitSources, timeoutMillis) ?? exitReason
  }

  function reportLeft(): void {
    const inThreads = unsentInThreads()
    if (inThreads > 0) {
      warnOnce(
        'unsent-in-threads',
        `log records of worker threads not yet sent when the process ended: ${inThreads}. Have what they run flush before it ` +
          'returns, as by flushOnFreeze()',
      )
    }
    const { queued, inFlight, spooled } = ending.stats()
    const left = queued + inFlight - spooled
    if (left <= 0) return
    warnOnce(
      'unsent-at-exit',
      `log records not yet sent when the process ended: ${left}. The receiver is away, or ` +
        'process.exit() was called, or an exception ended it, before shutdown() had resolved',
      exitReason,
    )
  }

  /** A process that a signal ends emits no `exit`. */
  function atEnd(): void {
    flushOnExit(leftOfSignal())
    ending.end?.()
    reportLeft()
  }

  process.on('beforeExit', onBeforeExit)
  const forgetHeldEnd = onHeldEnd(onBeforeExit)
  const forgetExit = watchExit({
    flush() {
      flushOnExit()
      ending.spillSync?.()
    },
    report: reportLeft,
    end: () => ending.end?.(),
  })
  for (const source of exitSources ?? []) source.prepare()
  // No signal reaches a worker thread.
  const signals = isMainThread ? (config?.shutdownSignals ?? []) : []
  const forgetSignals = watchShutdownSignals(signals, { flush: flushTwice, atEnd })
  const forgetExceptions =
    config?.exceptions && watchUncaughtExceptions(config.exceptions, () => ending.spillSync?.())
  return () => {
    process.off('beforeExit', onBeforeExit)
    forgetHeldEnd()
    forgetExit()
    forgetSignals()
    forgetExceptions?.()
  }
}
