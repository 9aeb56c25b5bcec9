/**
 * Exports for logbridge's own packages, which depend on the exact version of `@logbridge/bridge`, because any name may change in any
 * release. The public exports are among them: the build keeps the code of both in this module, so that `@logbridge/bridge` and
 * `@logbridge/bridge/internal` share their classes.
 */
export { toAnyValue, toAnyValueMap } from './anyValue.ts'
export { countSpecifiers, splitArguments } from './arguments.ts'
export { createBridge } from './bridge.ts'
export { callSites, excludeCallingFile, filePath } from './callSite.ts'
export { detachKey } from './detach.ts'
export { warnOfOfficial } from './duplicates.ts'
export { LogbridgeError, type LogbridgeErrorCode } from './error.ts'
export { addHiddenFields, describeException, type ExceptionParts } from './exception.ts'
export { exceptionAmong } from './findException.ts'
export { answerWrite, createStreamEnd, END_TIMEOUT_MILLIS, type StreamEnd, waitAtMost } from './flush.ts'
export { instrumentImports } from './instrumentImports.ts'
export { isLoggingSuppressed, withLoggingSuppressed } from './state.ts'
export { endOfText, parseObject } from './json.ts'
export { distinctKey } from './keys.ts'
export { noteLongWait } from './longWait.ts'
export { warnOfLostRecords, warnOfUnsentInThreads } from './lostRecords.ts'
export {
  bridgeOptionRules,
  checkOptions,
  isPlainText,
  oneOf,
  type OptionRule,
  rules,
  wrongItem,
} from './options.ts'
export { type NodeVersion, oldNode, requireNode } from './nodeVersion.ts'
export { OWN_DESTINATION, TAKES_LINES } from './ownDestination.ts'
export {
  ACCEPTS_ANY_VALUE,
  activeContext,
  API,
  registeredDiagLogger,
  registeredProvider,
  withContext,
} from './provider.ts'
export { createPrintedSpan, type TraceFieldNames, traceFieldRules } from './printedSpan.ts'
export { exceptionAttributes, readRecord } from './readableRecord.ts'
export { contextOfSpan, isSpanContextValid, ROOT_CONTEXT, spanContextOf } from './spanContext.ts'
export {
  copyFields,
  errorMessage,
  isError,
  isOmitted,
  isPlain,
  safeGet,
  safeGetter,
  textOf,
  resolveText,
} from './safeAccess.ts'
export { extractException, isFields } from './serializedError.ts'
export {
  namedSeverity,
  numericSeverity,
  type SeverityScale,
  severityTable,
  unknownLevel,
  validSeverity,
} from './severity.ts'
export { formatText } from './shown.ts'
export { shutdownSignalsRule, type SignalEnding, watchShutdownSignals } from './shutdownSignals.ts'
export { removeSpanFields } from './spanFields.ts'
export { adviseWithoutProvider, canBuffer, noteShutdown, replayBufferedRecords } from './startupBuffer.ts'
export { ignoreErrorsOf, writeToStderr } from './stderr.ts'
export { containsText, stripEscapeSequences } from './text.ts'
export { now, toHrTime } from './time.ts'
export { nextTurn, timers, unref } from './timers.ts'
export type {
  Adapter,
  AnyValue,
  AnyValueMap,
  ApiLogRecord,
  Bridge,
  BridgeOptions,
  Classified,
  HrTime,
  Logger,
  LoggerProvider,
  LogRecord,
  PlainRecord,
  SerializedError,
  SeverityNumber,
} from './types.ts'
export { isRecordedUncaught, noteUncaught } from './uncaught.ts'
export { ValueWriter } from './value.ts'
export { MAX_DEPTH } from './valueCosts.ts'
export type { ValueLimits, ValueSink } from './valueSink.ts'
export { counted, hideFromDiagnostics, noteDiagPrints, oneLine, rearm, warn, warnOnce } from './warnings.ts'
