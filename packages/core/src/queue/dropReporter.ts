import { counted, warn, warnOnce, timers, unref } from '@logbridge/bridge/internal'
import { SeverityNumber } from '@opentelemetry/api'
import type { DropListener, DropReason } from '../config/dropReasons.ts'
import { withSuppressedTelemetry } from '../transport/suppressed.ts'

const TICK_MILLIS = 1000
/** Ticks without a drop after which the totals are logged. Drops that pause for a shorter time share one summary. */
const QUIET_TICKS = 30

/** Word for one record of a pipeline. The spans and metrics of other programs are records of theirs. */
export type RecordUnit = 'log record' | 'span' | 'metric'

type Tally = Map<DropReason, Map<number, number>>

/**
 * Reports every dropped record: to the application's listener, and on stderr with one line for each reason when drops begin
 * and one line with the totals when drops have ended. Records that are unsent at the deadline of a shutdown have the second line alone, because
 * the shutdown drops all of them at once.
 */
export class DropReporter {
  private readonly listener: DropListener | undefined
  private readonly unit: RecordUnit
  /** Drops since the last call of the listener. */
  private readonly unreported: Tally = new Map()
  /** Drops since the first line on stderr. */
  private readonly totals: Tally = new Map()
  /** Why the first records were unsent at the deadline of the shutdown. */
  private shutdownCause: unknown
  private quietTicks = 0
  private timer: NodeJS.Timeout | undefined

  constructor(listener: DropListener | undefined, unit: RecordUnit) {
    this.listener = listener
    this.unit = unit
  }

  /** @param cause why the first of these records was dropped, as far as it is known */
  add(reason: DropReason, count: number, severityNumber: number, cause?: unknown): void {
    const isFirst = !this.totals.has(reason)
    addToTally(this.totals, reason, count, severityNumber)
    if (this.listener) addToTally(this.unreported, reason, count, severityNumber)
    this.quietTicks = 0
    // Count before warning because a bridged diag logger can re-enter `add()`.
    if (reason === 'shutdown_timeout') this.shutdownCause ??= cause
    else if (isFirst) warn(DROP_MESSAGES[reason].replaceAll('log record', this.unit), cause)
    this.timer ??= withSuppressedTelemetry(() => unref(timers.setInterval(() => this.tick(), TICK_MILLIS)))
  }

  /**
   * Reports everything that is unreported, and stops the timer.
   *
   * @param announced number of records unsent at the deadline of the shutdown that another line has reported
   */
  end(announced = 0): void {
    this.notify()
    timers.clearInterval(this.timer)
    this.timer = undefined
    const { totals, shutdownCause } = this
    const unsent = totals.get('shutdown_timeout')
    if (unsent && announced > 0 && sum(unsent) === announced) totals.delete('shutdown_timeout')
    if (totals.size === 0) return
    warn(describe(totals, this.unit), totals.has('shutdown_timeout') ? shutdownCause : undefined)
    totals.clear()
  }

  private tick(): void {
    this.notify()
    this.quietTicks += 1
    if (this.quietTicks > QUIET_TICKS) this.end()
  }

  private notify(): void {
    const { listener, unreported } = this
    if (listener === undefined) return
    for (const [reason, severities] of unreported) {
      for (const [severityNumber, count] of severities) {
        try {
          // Suppressed because a record that the listener logs would be dropped, and reported to the listener, endlessly.
          const returned: unknown = withSuppressedTelemetry(() => listener(reason, count, severityNumber))
          // Caught because an unhandled rejection of an asynchronous listener would end the process.
          if (returned instanceof Promise) returned.catch(warnListenerFailed)
        } catch (error) {
          warnListenerFailed(error)
        }
      }
    }
    unreported.clear()
  }
}

function warnListenerFailed(error: unknown): void {
  warnOnce('onDrop', 'onDrop failed', error)
}

function addToTally(tally: Tally, reason: DropReason, count: number, severityNumber: number): void {
  let severities = tally.get(reason)
  if (severities === undefined) tally.set(reason, (severities = new Map()))
  severities.set(severityNumber, (severities.get(severityNumber) ?? 0) + count)
}

function sum(severities: ReadonlyMap<number, number>): number {
  return Array.from(severities.values()).reduce((total, count) => total + count, 0)
}

/** Returns, for example, `dropped 120 log records: queue_full 100 INFO, 20 WARN`. */
function describe(dropped: Tally, unit: RecordUnit): string {
  let total = 0
  const reasons = Array.from(dropped, ([reason, severities]) => {
    const parts = Array.from(severities, ([severityNumber, count]) => {
      total += count
      return `${count} ${SeverityNumber[severityNumber] ?? 'without severity'}`
    })
    return `${reason} ${parts.join(', ')}`
  })
  return `dropped ${counted(total, unit)}: ${reasons.join('; ')}`
}

const DROP_MESSAGES: Readonly<Record<Exclude<DropReason, 'shutdown_timeout'>, string>> = {
  queue_full:
    'dropping log records, the queue is full: the receiver is slow or unreachable, or maxQueueBytes (maxQueueSize) is too small',
  too_large: 'dropped a log record, too large for one request',
  reentrant:
    'dropped a log record, logged while another record was being emitted, by a getter or toJSON of its values or by a processor',
  export_failed: 'dropped log records, refused by the receiver',
  already_shutdown: 'dropped a log record, emitted after the shutdown',
  spool_corrupted: 'dropped log records, corrupt in the spool',
  thread_terminated:
    'dropped log records, their worker thread was terminated before they were sent (have its task flush before it returns, as flushOnFreeze() does)',
  spool_unreadable:
    'dropped log records, unreadable in the spool for minutes (check disk and permissions; the next process sends what it can read)',
}
