import { diagnose } from './diagnose.ts'
import { registeredProvider } from './api.ts'
import { state } from './state.ts'
import { timers, unref } from './timers.ts'
import type { ApiLogRecord } from './types.ts'

/** Records kept for a LoggerProvider that is yet to come. */
const MAX_EARLY_RECORDS = 1000
const POLL_MILLIS = 100
/** An application that has not set up OpenTelemetry by then has most likely forgotten to. */
const PATIENCE_MILLIS = 5000

/**
 * Whether a record is kept that is logged now, before any LoggerProvider: asked before it is built, so that an application
 * which never sets one up does not pay for records that go nowhere.
 */
export function isEarlyKept(): boolean {
  const { early } = state
  // To read the environment takes half a microsecond.
  early.disabled ??= process.env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true'
  return !early.disabled && early.records.length < MAX_EARLY_RECORDS
}

/**
 * Keeps a record, in plain values and with its own time and context, until a LoggerProvider is registered. When none
 * comes, one warning says what to do: after five seconds, or as the process ends.
 */
export function keepEarly(scope: string, record: ApiLogRecord): void {
  const { early } = state
  early.records.push({ scope, record })
  if (early.timer !== undefined) return
  if (early.waitedMillis === 0) process.once('exit', warnIfKept)
  early.timer = unref(timers.setInterval(poll, POLL_MILLIS))
}

/** Hands kept records to the registered LoggerProvider, if there is one; for a provider that has just come. */
export function replayEarlyRecords(): void {
  const { early } = state
  const provider = registeredProvider()
  if (provider === undefined || early.records.length === 0) return
  const records = early.records
  early.records = []
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
      diagnose('early-emit', 'a record logged before OpenTelemetry was set up could not be sent', error)
    }
  }
  state.busy = outer
  if (early.overflow > 0) {
    diagnose(
      'early-overflow',
      `${early.overflow} log records were dropped before OpenTelemetry was set up: only the first ` +
        `${MAX_EARLY_RECORDS} are kept. Set it up earlier`,
    )
    early.overflow = 0
  }
}

function poll(): void {
  replayEarlyRecords()
  const { early } = state
  early.waitedMillis += POLL_MILLIS
  if (early.waitedMillis >= PATIENCE_MILLIS) warnIfKept()
}

function warnIfKept(): void {
  const { records, overflow } = state.early
  if (records.length === 0) return
  diagnose(
    'no-provider',
    `log records have nowhere to go (${records.length + overflow} so far): no OpenTelemetry LoggerProvider is registered. ` +
      'Call startTelemetry() from @logbridge/core, start your own OpenTelemetry SDK with a log record processor, ' +
      'or give the adapter a loggerProvider',
  )
}
