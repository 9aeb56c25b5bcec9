/**
 * The kit that logbridge's adapters are made of: turns a logging library's records into OpenTelemetry LogRecords, for
 * any OpenTelemetry 2.x or 3.x.
 */
export { toAnyValue, toAnyValueMap } from './anyValue.ts'
export {
  activeContext,
  contextOfSpan,
  isSpanContextValid,
  registeredProvider,
  ROOT_CONTEXT,
  spanContextOf,
  withContext,
} from './otelGlobals.ts'
export { countSpecifiers, errorAmong, splitArguments } from './arguments.ts'
export { createBridge } from './bridge.ts'
export { callSites, filePath } from './callSite.ts'
export { detachKey } from './detach.ts'
export { warn, warnOnce, hideFromDiagnostics, oneLine, rearm } from './warnings.ts'
export { warnOfOfficial } from './duplicates.ts'
export { replayBufferedRecords } from './startupBuffer.ts'
export { LogbridgeError, type LogbridgeErrorCode } from './error.ts'
export { describeException, type ExceptionParts } from './exception.ts'
export { isLoggingSuppressed, withLoggingSuppressed } from './loggingSuppression.ts'
export { createStreamEnd, END_TIMEOUT_MILLIS, type StreamEnd, waitAtMost } from './flush.ts'
export { noteLongWait } from './longWait.ts'
export { bridgeOptionRules, checkOptions, isPlainText, oneOf, type OptionRule, rules } from './options.ts'
export { ACCEPTS_ANY_VALUE } from './provider.ts'
export { copyFields, isOmitted, isError, safeGet, errorMessage, textOf } from './safeAccess.ts'
export { BUNYAN_SCALE, numericSeverity, type SeverityScale, severityTable, unknownLevel } from './severity.ts'
export { shutdownSignalsRule, type SignalEnding, watchShutdownSignals } from './shutdownSignals.ts'
export { formatText } from './shown.ts'
export { containsText, stripEscapeSequences } from './text.ts'
export { now, toHrTime } from './time.ts'
export { ignoreErrorsOf, writeToStderr } from './stderr.ts'
export { nextTurn, timers, unref } from './timers.ts'
export type {
  Adapter,
  AnyValue,
  AnyValueMap,
  ApiLogRecord,
  Bridge,
  BridgeOptions,
  HrTime,
  Logger,
  LoggerProvider,
  LogRecord,
  PlainRecord,
  SerializedError,
  SeverityNumber,
} from './types.ts'
export { MAX_DEPTH, type ValueLimits, type ValueSink, ValueWriter } from './value.ts'
