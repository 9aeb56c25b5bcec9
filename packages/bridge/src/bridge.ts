import { warnOnce } from './warnings.ts'
import { createDuplicateWatch } from './duplicates.ts'
import { countUnbuffered, canBuffer, bufferRecord, replayBufferedRecords } from './startupBuffer.ts'
import { requireNode } from './nodeVersion.ts'
import { createRecordBuilder } from './recordBuilder.ts'
import { flushProvider } from './flush.ts'
import { activeContext, createLoggers, scopeDetailsOf } from './provider.ts'
import { isLoggingSuppressed, state } from './state.ts'
import { now } from './time.ts'
import type { Adapter, Bridge, BridgeOptions, SeverityNumber } from './types.ts'

/**
 * Connects an adapter to the Logs API. The bridge finds the LoggerProvider, buffers records until a provider exists, calls `enabled`
 * of the Logger before a record is converted, takes the trace context, catches every error, and drops records that sending another
 * record causes.
 *
 * @param minimum least severity number that is sent. Records of unknown severity are always sent.
 * @throws LogbridgeError `NODE_VERSION`
 */
export function createBridge<Native>(
  adapter: Adapter<Native>,
  options: BridgeOptions = {},
  minimum: SeverityNumber = 0,
): Bridge<Native> {
  requireNode()
  const { library, obeysInspectCustom = false } = adapter
  const fixedScope = typeof options.scope === 'string' ? options.scope : undefined
  const chooseScope = typeof options.scope === 'function' ? options.scope : undefined
  const { onError, loggerProvider, flushTimeoutMillis } = options
  const scopeDetails = scopeDetailsOf(options)
  const loggers = createLoggers(loggerProvider, scopeDetails)
  const buildRecord = createRecordBuilder<Native>(options, adapter.callers?.bind(adapter))
  const watchDuplicates = createDuplicateWatch(adapter, loggers)

  /** Returns the scope that the option chooses; `undefined` when the option throws or returns no text. */
  function chosenScope(attributes: Record<string, unknown> = {}): string | undefined {
    try {
      const scope: unknown = chooseScope!(attributes)
      return typeof scope === 'string' ? scope : undefined
    } catch (error) {
      report(error)
      return undefined
    }
  }

  /** Counts a record that the startup buffer has no space for. Only a minimum makes the severity matter. */
  function countUnsent(native: Native): void {
    if (minimum > 0 && isBelowMinimum(adapter.classify(native).severityNumber)) return
    if (!isLoggingSuppressed()) countUnbuffered()
  }

  function skips(): boolean {
    try {
      if (minimum > 0 || loggers.hasProvider() || canBuffer()) return false
      if (!state.isEmitting && !isLoggingSuppressed()) countUnbuffered()
      return true
    } catch {
      // `emit` meets the same error, and reports that error.
      return false
    }
  }

  function isBelowMinimum(severityNumber: number): boolean {
    // A number that is no severity, e.g. NaN or -1, is unknown.
    return severityNumber < minimum && severityNumber > 0
  }

  function send(native: Native): void {
    // An application that registers no provider pays for nothing else: `pnpm bench disabled`.
    if (!loggers.hasProvider() && !canBuffer()) return countUnsent(native)
    const classified = adapter.classify(native)
    const { severityNumber } = classified
    if (isBelowMinimum(severityNumber) || isLoggingSuppressed()) return
    let scope = fixedScope ?? (classified.scope || library)
    let logger = loggers.get(scope)
    const active = activeContext()
    if (chooseScope === undefined && logger?.enabled?.({ context: active, severityNumber }) === false) return

    const converted = adapter.convert(native, classified)
    if (converted === undefined) return
    if (chooseScope !== undefined) {
      scope = chosenScope(converted.attributes) || scope
      logger = loggers.get(scope)
      if (logger?.enabled?.({ context: active, severityNumber }) === false) return
    }
    const context = converted.context ?? active
    const observedTimestamp = converted.observedTimestamp ?? now()
    const record = buildRecord(
      converted,
      classified,
      native,
      context,
      observedTimestamp,
      logger !== undefined && loggers.acceptsAnyValue(),
    )
    watchDuplicates(native, record)
    if (logger === undefined) return bufferRecord(scope, scopeDetails, record)
    if (state.startupBuffer.records.length > 0) replayBufferedRecords()
    logger.emit(record)
  }

  function report(error: unknown): void {
    warnOnce(`bridge-${library}`, `a ${library} record could not be sent (logged once)`, error)
    callOnError(error)
  }

  async function flush(): Promise<unknown> {
    const error = await flushProvider(loggerProvider, flushTimeoutMillis)
    if (error !== undefined) {
      warnOnce(`flush-${library}`, `the flush at the end of a ${library} logger failed (logged once)`, error)
      callOnError(error)
    }
    return error
  }

  function callOnError(error: unknown): void {
    try {
      onError?.(error)
    } catch {
      // The error that the handler was called with is already reported.
    }
  }

  return {
    emit(native) {
      if (state.isEmitting) return
      state.isEmitting = true
      state.obeysInspectCustom = obeysInspectCustom
      try {
        send(native)
      } catch (error) {
        report(error)
      } finally {
        state.isEmitting = false
        state.obeysInspectCustom = false
      }
    },
    skips,
    report,
    flush,
    captureCallSite: buildRecord.captureCallSite,
  }
}
