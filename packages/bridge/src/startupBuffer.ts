import { Detacher } from './detach.ts'
import { warnOnce } from './warnings.ts'
import { registeredProvider } from './otelGlobals.ts'
import { type EarlyRecord, state } from './state.ts'
import { timers, unref } from './timers.ts'
import type { ApiLogRecord } from './types.ts'

/** Records kept for a LoggerProvider that is yet to come. */
const MAX_EARLY_RECORDS = 1000
/** Memory that these may hold. */
const MAX_EARLY_BYTES = 8 * 1024 * 1024
/** With less than this left, records are no longer built to see whether they fit. */
const MIN_FREE_BYTES = 16 * 1024
/** Memory of a record beside its texts and values. */
const RECORD_BYTES = 512
const POLL_MILLIS = 100
/** An application that has not set up OpenTelemetry by then has most likely forgotten to. */
const PATIENCE_MILLIS = 5000

/**
 * Whether a record is kept that is logged now, before any LoggerProvider: asked before it is built, so that an application
 * which never sets one up does not pay for records that go nowhere.
 */
export function canBuffer(): boolean {
  const { early } = state
  // To read the environment takes half a microsecond.
  early.disabled ??= process.env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true'
  return (
    !early.disabled &&
    early.records.length < MAX_EARLY_RECORDS &&
    early.bytes <= MAX_EARLY_BYTES - MIN_FREE_BYTES
  )
}

/** Counts a record that is not kept. */
export function countUnbuffered(): void {
  if (!state.early.disabled) state.early.overflow += 1
}

/**
 * Keeps a record, in plain values and with its own time and context, until a LoggerProvider is registered; drops one that
 * takes more memory than is left. When no provider comes, one warning says what to do: after five seconds, or as the process
 * ends.
 */
export function bufferRecord(scope: string, record: ApiLogRecord): void {
  const { early } = state
  const left = MAX_EARLY_BYTES - early.bytes
  const detacher = new Detacher(left - RECORD_BYTES)
  const kept = detach(scope, record, detacher)
  if (detacher.remaining < 0) {
    countUnbuffered()
  } else {
    early.bytes += left - detacher.remaining
    early.records.push(kept)
  }
  if (early.timer !== undefined) return
  if (early.waitedMillis === 0) process.once('exit', warnIfKept)
  early.timer = unref(timers.setInterval(poll, POLL_MILLIS))
}

/** Changes a record in place: it is the bridge's own. Texts are copied, because each may be cut from a much larger one. */
function detach(scope: string, record: ApiLogRecord, detacher: Detacher): EarlyRecord {
  const { severityText, eventName, body } = record
  if (severityText !== undefined) record.severityText = detacher.text(severityText)
  if (eventName !== undefined) record.eventName = detacher.text(eventName)
  if (body !== undefined) record.body = detacher.value(body)
  record.attributes = detacher.value(record.attributes)
  return { scope: detacher.text(scope), record }
}

/** Hands kept records to the registered LoggerProvider, if there is one; for a provider that has just come. */
export function replayBufferedRecords(): void {
  const { early } = state
  const provider = registeredProvider()
  if (provider === undefined || early.records.length + early.overflow === 0) return
  const records = early.records
  early.records = []
  early.bytes = 0
  timers.clearInterval(early.timer)
  early.timer = undefined
  const outer = state.busy
  state.busy = true
  for (const { scope, record } of records) {
    try {
      const logger = provider.getLogger(scope)
      const { context, severityNumber } = record
      if (logger.enabled?.({ ...(context && { context }), severityNumber }) !== false) logger.emit(record)
    } catch (error) {
      warnOnce('early-emit', 'a record logged before OpenTelemetry was set up could not be sent', error)
    }
  }
  state.busy = outer
  if (early.overflow > 0) {
    warnOnce(
      'early-overflow',
      `${early.overflow} log records were dropped before OpenTelemetry was set up: at most ` +
        `${MAX_EARLY_RECORDS} are kept, and ${MAX_EARLY_BYTES / 2 ** 20} MiB of them. Set it up earlier`,
    )
    early.overflow = 0
  }
}

function poll(): void {
  replayBufferedRecords()
  const { early } = state
  early.waitedMillis += POLL_MILLIS
  if (early.waitedMillis >= PATIENCE_MILLIS) warnIfKept()
}

function warnIfKept(): void {
  const { records, overflow } = state.early
  if (records.length + overflow === 0) return
  warnOnce(
    'no-provider',
    `log records have nowhere to go (${records.length + overflow} so far): no OpenTelemetry LoggerProvider is registered. ` +
      'Call startTelemetry() from @logbridge/core, start your own OpenTelemetry SDK with a log record processor, ' +
      'or give the adapter a loggerProvider',
  )
}
