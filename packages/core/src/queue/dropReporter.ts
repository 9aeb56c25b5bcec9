import { warn, warnOnce, timers, unref } from '@logbridge/bridge/internal'
import { SeverityNumber } from '@opentelemetry/api'
import { withSuppressedTelemetry } from '../transport/suppressed.ts'
import type { DropListener, DropReason } from '../config/dropReasons.ts'

const TICK_MILLIS = 1000
/** Loss has ended when none was seen for so many ticks: what comes and goes within is one loss, and told once. */
const QUIET_TICKS = 30

type Tally = Map<DropReason, Map<number, number>>

/**
 * Makes every loss known: to the application's listener, and on stderr by one line when it begins, for each reason, and
 * one with the totals when it has ended.
 */
export class DropReporter {
  private readonly listener: DropListener | undefined
  /** What the listener has not been told of yet. */
  private readonly unreported: Tally = new Map()
  /** Since the loss began. */
  private readonly totals: Tally = new Map()
  private quietTicks = 0
  private timer: NodeJS.Timeout | undefined

  constructor(listener: DropListener | undefined) {
    this.listener = listener
  }

  /** @param cause what there is to know of the first one */
  add(reason: DropReason, count: number, severityNumber: number, cause?: unknown): void {
    const begins = !this.totals.has(reason)
    addToTally(this.totals, reason, count, severityNumber)
    if (this.listener) addToTally(this.unreported, reason, count, severityNumber)
    this.quietTicks = 0
    // Behind the tally: a diag logger that logs, and loses that too, comes by here again.
    if (begins) warn(DROP_MESSAGES[reason], cause)
    this.timer ??= withSuppressedTelemetry(() => unref(timers.setInterval(() => this.tick(), TICK_MILLIS)))
  }

  /** Tells what has not been told yet: nothing more is expected, or nothing more can be said later. */
  end(): void {
    this.notify()
    timers.clearInterval(this.timer)
    this.timer = undefined
    if (this.totals.size === 0) return
    warn(`loss of log records has ended: ${describe(this.totals)}`)
    this.totals.clear()
  }

  private tick(): void {
    this.notify()
    this.quietTicks += 1
    if (this.quietTicks > QUIET_TICKS) this.end()
  }

  private notify(): void {
    const { listener, unreported: untold } = this
    if (listener === undefined) return
    for (const [reason, severities] of untold) {
      for (const [severityNumber, count] of severities) {
        try {
          // What the listener logs would be lost, and told to it, again and again.
          const told: unknown = withSuppressedTelemetry(() => listener(reason, count, severityNumber))
          // An asynchronous one may fail later: an unhandled rejection would end the process.
          if (told instanceof Promise) told.catch(faulty)
        } catch (error) {
          faulty(error)
        }
      }
    }
    untold.clear()
  }
}

function faulty(error: unknown): void {
  warnOnce('onDrop', 'the function given as onDrop has thrown', error)
}

function addToTally(tally: Tally, reason: DropReason, count: number, severityNumber: number): void {
  let severities = tally.get(reason)
  if (severities === undefined) tally.set(reason, (severities = new Map()))
  severities.set(severityNumber, (severities.get(severityNumber) ?? 0) + count)
}

/** `120 lost; queue_full: 100 INFO, 20 WARN` */
function describe(lost: Tally): string {
  let total = 0
  const reasons = Array.from(lost, ([reason, severities]) => {
    const parts = Array.from(severities, ([severityNumber, count]) => {
      total += count
      return `${count} ${SeverityNumber[severityNumber] ?? 'without severity'}`
    })
    return `${reason}: ${parts.join(', ')}`
  })
  return [`${total} lost`, ...reasons].join('; ')
}

const DROP_MESSAGES: Readonly<Record<DropReason, string>> = {
  queue_full:
    'log records are being dropped because the queue is full: the receiver is slow or away, or maxQueueBytes (maxQueueSize) is too small',
  too_large: 'a log record was dropped because it is too large for one request',
  reentrant:
    'a log record was dropped because it was logged while another one was being handed on, by a getter or toJSON of its values or by a processor',
  export_failed: 'log records were dropped because the receiver refused them',
  shutdown: 'log records were dropped because logbridge was shut down before they could be sent',
  spool_corrupted: 'log records in the spool were dropped because they can no longer be read',
  thread_terminated:
    'log records were dropped because a worker thread was terminated before they were sent (flushOnFreeze() has a task flush before it returns)',
  spool_unreadable:
    'log records in the spool were dropped because their file could not be read for minutes: check its disk and permissions; what can be read then is sent by the next process',
}
