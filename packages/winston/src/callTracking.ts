/* oxlint-disable no-underscore-dangle -- Node's streams name their methods so */
/*
 * Connects each record that reaches a transport with the log call that made it.
 *
 * When one transport is slow, winston's stream pauses and records wait in the logger: unformatted in its writable half,
 * formatted in its readable half. They reach every transport later, in the context of another call. Three methods of the
 * logger are patched, as few as hold (`test/callTracking.test.ts` fails without each of them):
 *
 * | method       | patched because                                                                                |
 * |--------------|------------------------------------------------------------------------------------------------|
 * | `write`      | context, arguments and message of the call are known here, before any format                    |
 * | `_transform` | a record that waited unformatted continues its call here, before its format makes a new record  |
 * | `push`       | the formatted record is known here, which may be a new record                                   |
 *
 * The record cannot carry its call under a symbol: formats copy records by `{ ...info }`, which loses a symbol that is not
 * enumerable, and format.prettyPrint() prints each enumerable symbol (`test/patches.test.ts`).
 */
import type { Context } from '@opentelemetry/api'
import { type Bridge, type HrTime, isError, now } from '@logbridge/bridge'
import {
  activeContext,
  excludeCallingFile,
  isLoggingSuppressed,
  warnOfOfficial,
  withContext,
} from '@logbridge/bridge/internal'
import type { Logger } from 'winston'
import { type Info, rawMessageOf, SPLAT } from './info.ts'
import {
  beginFormat,
  hasAllFields,
  replacerOf,
  type ReplacerUse,
  watchJsonFormat,
} from './text/jsonFormat.ts'

/** One log call on its way through winston. */
export interface LogCall {
  /** Record after all formats. */
  info: Info
  /** Logger of the call, if known. */
  logger: Pick<Logger, 'level' | 'levels'> | undefined
  /** Record before any format. */
  logged: unknown
  /** Message before any format. */
  message: unknown
  /** Arguments behind the message. A copy, because format.splat() removes arguments from winston's array. */
  splat: readonly unknown[]
  /** Error among the arguments whose fields winston has put on the record; its stack and message as well since 3.2. */
  spreadError: Error | undefined
  /** True once the format of the logger has begun. */
  isFormatted: boolean
  /** True where the format of the logger has made a text that shows all fields: see `text/jsonFormat.ts`. */
  showsAllFields: boolean
  /** Replacer by which format.json() of the logger has made its text. */
  replacer: ReplacerUse | undefined
  /** True where a text shows selected fields, which hides arguments that are no fields: see `text/visibleRecord.ts`. */
  isSelective: boolean
  /** Context of the log call, where the record has waited behind a slow transport. */
  deferred: CallContext | undefined
}

/** State that holds during a log call alone. */
export interface CallContext {
  readonly context: Context
  readonly time: HrTime
  readonly code: Record<string, unknown> | undefined
  /** True for a call from code that was itself sending a record. The record is left out, because it would repeat without end. */
  readonly isReentrant: boolean
}

/** Call that winston is working on. Streams run inside the call as long as no transport is slow. */
export let currentCall: LogCall | undefined
/** True while a transport sends a record: records that are logged meanwhile are caused by sending. */
let isSending = false
/** Calls whose record waits in one of winston's streams, by the object that waits. */
const deferredCalls = new WeakMap<object, LogCall>()
/** True once any record has waited: a lookup without success takes 50 ns (`pnpm bench winston`). */
let hasDeferred = false
/** Function of the first transport with `captureCode`. All transports find the same call site. */
let captureCallSite: Bridge<LogCall>['captureCallSite']
const patchedLoggers = new WeakSet<object>()

/** Stream state that winston itself reads. Its first versions have no getters for these fields. */
interface ReadableState {
  flowing: boolean | null
  length: number
}

const NO_ARGUMENTS: readonly unknown[] = []

/** Captures the call site of each record that has to wait, if a transport has the option `captureCode`. */
export function useCallSites(capture: Bridge<LogCall>['captureCallSite']): void {
  if (capture === undefined || captureCallSite !== undefined) return
  captureCallSite = capture
  excludeCallingFile()
}

/** Sends a record by `bridge`, and marks log calls that sending causes. */
export function emitTracked(bridge: Bridge<LogCall>, call: LogCall): void {
  isSending = true
  bridge.emit(call)
  isSending = false
}

/** Tests for a log call that sending another record has caused. */
export function isCausedBySending(call: LogCall): boolean {
  return isSending || call.deferred?.isReentrant === true
}

/** Creates the call of a record that has passed no format yet. */
export function createCall(logged: Info, logger: LogCall['logger']): LogCall {
  const args = logged[SPLAT]
  const splat = Array.isArray(args) ? copyArray(args) : NO_ARGUMENTS
  return {
    info: logged,
    logger,
    logged,
    message: rawMessageOf(logged),
    splat,
    spreadError: Object.hasOwn(logged, 'stack') && isError(splat[0]) ? splat[0] : undefined,
    isFormatted: false,
    showsAllFields: false,
    replacer: undefined,
    isSelective: false,
    deferred: undefined,
  }
}

/** Copies an array. Most calls have one argument, for which `slice` takes 25 ns longer (`pnpm bench winston`). */
function copyArray(args: readonly unknown[]): readonly unknown[] {
  return args.length === 1 ? [args[0]] : args.slice()
}

/** Keeps the context of a call for a record that will be handed on later. */
export function defer(record: object, call: LogCall): void {
  call.deferred ??= {
    context: activeContext(),
    time: now(),
    code: captureCallSite?.(call),
    isReentrant: isSending || isLoggingSuppressed(),
  }
  hasDeferred = true
  deferredCalls.set(record, call)
}

/** Finds the call of a record that has waited; `undefined` for a record that has not. */
export function deferredCallOf(record: object): LogCall | undefined {
  return hasDeferred ? deferredCalls.get(record) : undefined
}

/**
 * Continues a call that has waited, in the context in which it was made. `step` and its arguments are passed one by one, because a
 * closure over them would cost each call, also those that do not wait.
 */
export function resume(
  call: LogCall,
  stream: object,
  step: (...args: any[]) => void,
  ...args: unknown[]
): void {
  const outer = currentCall
  currentCall = call
  try {
    withContext(call.deferred!.context, () => step.apply(stream, args))
  } finally {
    currentCall = outer
  }
}

/** Patches a logger, once. */
export function patchLogger(logger: Logger): void {
  if (patchedLoggers.has(logger)) return
  patchedLoggers.add(logger)
  watchJsonFormat(logger)
  const { write, _transform: transform, push } = logger

  let isCompared = false
  logger.write = function (this: Logger, info: unknown, encoding: never, callback: never) {
    if (!isCompared) {
      isCompared = true
      warnOfOfficialTransport(logger)
    }
    // winston reports what is no record.
    if (typeof info !== 'object' || info === null) return write.call(this, info, encoding, callback)
    // An object that is logged again must not continue its earlier call.
    if (hasDeferred) deferredCalls.delete(info)
    const outer = currentCall
    const call = (currentCall = createCall(info as Info, logger))
    try {
      return write.call(this, info, encoding, callback)
    } finally {
      currentCall = outer
      if (!call.isFormatted) defer(info, call)
    }
  } as Logger['write']

  logger._transform = function (info: Info, encoding, callback) {
    beginFormat()
    const call = deferredCallOf(info)
    if (call !== undefined) {
      deferredCalls.delete(info)
      resume(call, this, transform, info, encoding, callback)
    } else {
      if (currentCall) currentCall.isFormatted = true
      transform.call(this, info, encoding, callback)
    }
  }

  const { _readableState: readable } = logger as unknown as { _readableState: ReadableState }
  logger.push = function (formatted: unknown, encoding) {
    if (currentCall && typeof formatted === 'object' && formatted !== null) {
      currentCall.showsAllFields = hasAllFields(formatted as Info, currentCall.logged)
      if (!currentCall.showsAllFields)
        currentCall.replacer = replacerOf(formatted as Info, currentCall.logged)
      const isPassedOn = readable.flowing && readable.length === 0
      if (!isPassedOn || currentCall.deferred !== undefined) defer(formatted, currentCall)
    }
    return push.call(this, formatted, encoding)
  }
}

/** Logger of OpenTelemetry's transport. */
type OfficialLogger = Parameters<typeof warnOfOfficial>[2]

/** Warns of the transport that `@opentelemetry/instrumentation-winston` adds to every logger, or the application. */
function warnOfOfficialTransport({ transports }: Logger): void {
  const transport = transports.find(({ constructor }) => constructor.name === 'OpenTelemetryTransportV3')
  if (transport === undefined) return
  warnOfOfficial(
    'winston',
    '@opentelemetry/winston-transport',
    (transport as { _logger?: OfficialLogger })._logger,
  )
}
