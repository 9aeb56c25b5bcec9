import { Detacher } from './detach.ts'
import { getLogger, registeredProvider, type ScopeDetails } from './provider.ts'
import { type BufferedRecord, state } from './state.ts'
import { timers, unref } from './timers.ts'
import type { ApiLogRecord } from './types.ts'
import { counted, warnOnce } from './warnings.ts'

const MAX_RECORDS = 1000
const MAX_BYTES = 8 * 1024 * 1024
/** With less free space, a record is dropped before it is built. */
const MIN_FREE_BYTES = 16 * 1024
/** Memory of a record beside its texts and values. */
const RECORD_BYTES = 512
const POLL_MILLIS = 100
const ADVICE =
  'Call startTelemetry() from @logbridge/core, start your own OpenTelemetry SDK with a log record processor, ' +
  'or give the adapter a loggerProvider'
/** Time after which the application has most likely forgotten to set up OpenTelemetry. */
const WARN_AFTER_MILLIS = 5000

/**
 * Returns whether the buffer has space for a record. The bridge asks before it builds the record, so that an application which never
 * registers a LoggerProvider stops paying for records.
 */
export function canBuffer(): boolean {
  const { startupBuffer } = state
  // Read the environment once, because each read calls the system.
  startupBuffer.isDisabled ??= process.env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true'
  return (
    !startupBuffer.isDisabled &&
    startupBuffer.records.length < MAX_RECORDS &&
    startupBuffer.bytes <= MAX_BYTES - MIN_FREE_BYTES
  )
}

/** Counts a record that the buffer drops. */
export function countUnbuffered(): void {
  if (!state.startupBuffer.isDisabled) state.startupBuffer.overflow += 1
}

/**
 * Keeps a record, in plain values and with its own time and context, until a LoggerProvider is registered. Drops a record that takes more
 * memory than is free. When no provider is registered within 5 seconds, or before the process exits, one warning says what to do. In Jest,
 * only the next record, a flush, or `startTelemetry` finds the provider.
 */
export function bufferRecord(
  scope: string,
  scopeDetails: ScopeDetails | undefined,
  record: ApiLogRecord,
): void {
  const { startupBuffer } = state
  const free = MAX_BYTES - startupBuffer.bytes
  const detacher = new Detacher(free - RECORD_BYTES)
  const buffered = { ...detach(scope, record, detacher), scopeDetails }
  if (detacher.remaining < 0) {
    countUnbuffered()
  } else {
    startupBuffer.bytes += free - detacher.remaining
    startupBuffer.records.push(buffered)
  }
  // Jest takes a running timer for a leak of memory, and its tests most often register no provider.
  if (startupBuffer.timer !== undefined || process.env['JEST_WORKER_ID'] !== undefined) return
  if (startupBuffer.waitedMillis === 0) process.once('exit', warnIfNotEmpty)
  startupBuffer.timer = unref(timers.setInterval(poll, POLL_MILLIS))
}

/**
 * Replaces the texts and values of a record by copies, because a text may be a slice of a much larger text. Changes the record in place,
 * because the record belongs to the bridge.
 */
function detach(scope: string, record: ApiLogRecord, detacher: Detacher): BufferedRecord {
  const { severityText, eventName, body } = record
  if (severityText !== undefined) record.severityText = detacher.text(severityText)
  if (eventName !== undefined) record.eventName = detacher.text(eventName)
  if (body !== undefined) record.body = detacher.value(body)
  record.attributes = detacher.value(record.attributes)
  return { scope: detacher.text(scope), record }
}

/** Sets what the warning says to do when no LoggerProvider is registered. */
export function adviseWithoutProvider(advice: string): void {
  state.startupBuffer.advice = advice
}

/** Notes that the registered LoggerProvider was shut down. */
export function noteShutdown(): void {
  state.startupBuffer.isShutDown = true
}

/** Emits the buffered records to the registered LoggerProvider, if there is one. */
export function replayBufferedRecords(): void {
  const { startupBuffer } = state
  const provider = registeredProvider()
  if (provider !== undefined) startupBuffer.isShutDown = false
  if (provider === undefined || startupBuffer.records.length + startupBuffer.overflow === 0) return
  const { records } = startupBuffer
  startupBuffer.records = []
  startupBuffer.bytes = 0
  timers.clearInterval(startupBuffer.timer)
  startupBuffer.timer = undefined
  const wasEmitting = state.isEmitting
  state.isEmitting = true
  for (const { scope, scopeDetails, record } of records) {
    try {
      const logger = getLogger(provider, scope, scopeDetails)
      const { context, severityNumber } = record
      if (logger.enabled?.({ ...(context && { context }), severityNumber }) !== false) logger.emit(record)
    } catch (error) {
      warnOnce('startup-emit', 'could not send a record of the startup buffer (logged once)', error)
    }
  }
  state.isEmitting = wasEmitting
  if (startupBuffer.overflow > 0) {
    warnOnce(
      'startup-overflow',
      `dropped ${counted(startupBuffer.overflow, 'log record')} because the startup buffer was full: it holds ${MAX_RECORDS} records and ` +
        `${MAX_BYTES / 2 ** 20} MiB until a LoggerProvider is registered. Set up OpenTelemetry earlier`,
    )
    startupBuffer.overflow = 0
  }
}

function poll(): void {
  try {
    replayBufferedRecords()
  } catch {
    // The registered LoggerProvider cannot be read. The bridge meets the same error at the next log call, and reports that error.
  }
  const { startupBuffer } = state
  startupBuffer.waitedMillis += POLL_MILLIS
  if (startupBuffer.waitedMillis >= WARN_AFTER_MILLIS) warnIfNotEmpty()
}

function warnIfNotEmpty(): void {
  const { records, overflow, isShutDown } = state.startupBuffer
  const count = records.length + overflow
  if (count === 0) return
  const unsent = `${counted(count, 'log record')} not sent`
  if (isShutDown) {
    warnOnce('shut-down', `telemetry was shut down, ${unsent}: call shutdown() after the last log call`)
    return
  }
  warnOnce(
    'no-provider',
    `no OpenTelemetry LoggerProvider is registered, ${unsent} so far. ${state.startupBuffer.advice ?? ADVICE}`,
  )
}
