/* oxlint-disable no-underscore-dangle -- Node's streams name their methods so */
/*
 * A winston transport that sends every record to OpenTelemetry.
 *
 * | winston                                          | LogRecord                                                  |
 * |--------------------------------------------------|------------------------------------------------------------|
 * | `info.timestamp` (format.timestamp(), any form)  | timestamp; else the time of the call                       |
 * | `info[LEVEL]`                                    | severityText, and severityNumber by table (`severity.ts`)  |
 * | `info.message`, after all formats                | body: text without colors, or the value that was logged   |
 * | `info.label` of a format, child or defaultMeta   | instrumentation scope                                      |
 * | every other field, defaultMeta, child metadata   | attributes                                                 |
 * | arguments that winston neither merged nor shows  | attribute `splat`                                          |
 * | an Error as record, message, argument or field   | `exception.*`; its own fields stay where winston has them  |
 * | active context of the log call                   | trace id, span id, flags: also behind a slow transport     |
 *
 * Fields that the text of the formats (`info[MESSAGE]`) hides are not sent: `text/visibleRecord.ts`. `callTracking.ts` connects a record
 * with its log call.
 */
import { type Bridge, checkOptions, createBridge, safeGet, unknownLevel } from '@logbridge/bridge'
import { isRecordedUncaught, OWN_DESTINATION, timers } from '@logbridge/bridge/internal'
import type { Logger, Logform } from 'winston'
import TransportStream from 'winston-transport'
import {
  createCall,
  currentCall,
  defer,
  deferredCallOf,
  emitTracked,
  isCausedBySending,
  type LogCall,
  patchLogger,
  resume,
  useCallSites,
} from './callTracking.ts'
import { createAdapter } from './convert.ts'
import { cloneForFormat, type Info, levelOf, MESSAGE } from './info.ts'
import { beginFormat, hasAllFields, replacerOf, type ReplacerUse } from './text/jsonFormat.ts'
import { optionRules, type OtelTransportOptions } from './options.ts'
import { removeHidden } from './text/visibleRecord.ts'

export { contribSyslogSeverity } from './severity.ts'
export { traceContext } from './traceContext.ts'
export type { TraceFieldNames } from '@logbridge/bridge/internal'
export type { OtelTransportOptions } from './options.ts'

/** Stream state of a transport, which has no public name in the readable-stream of winston's first versions. */
interface WritableState {
  corked: number
  ending: boolean
  finished: boolean
  destroyed: boolean
  length: number
  sync: boolean
}

/**
 * winston transport that sends each record to OpenTelemetry.
 *
 * @example
 * ```ts
 * winston.createLogger({ transports: [new winston.transports.Console(), new OtelTransport()] })
 * ```
 */
export class OtelTransport extends TransportStream {
  static {
    Object.assign(this.prototype, { [OWN_DESTINATION]: true })
  }

  readonly #bridge: Bridge<LogCall>
  readonly #writable: WritableState
  readonly #trustInfo: boolean
  readonly #loggerProvider: OtelTransportOptions['loggerProvider']
  /** Logger that was joined last. Records that were logged before the first transport existed belong to it. */
  #logger: LogCall['logger']
  #lastCall: LogCall | undefined
  #lastInfo: Info | undefined

  /**
   * @throws LogbridgeError `INVALID_OPTION` for a wrong option; for a `level` that a logger does not know, when the transport is
   * added to that logger
   */
  constructor(options: OtelTransportOptions = {}) {
    checkOptions('@logbridge/winston', options, optionRules)
    super(options as TransportStream.TransportStreamOptions)
    this.#writable = (this as unknown as { _writableState: WritableState })._writableState
    const { severity, scope, captureTemplate = false, trustInfo = false } = options
    this.#trustInfo = trustInfo
    this.#loggerProvider = options.loggerProvider
    this.#bridge = createBridge(createAdapter(severity, typeof scope !== 'string', captureTemplate), options)
    useCallSites(this.#bridge.captureCallSite)
    // Each logger listens to its transports: many listeners are no leak.
    this.setMaxListeners(0)
    this.on('pipe', (source: object) => {
      if ('levels' in source) this.#join(source as Logger)
    })
    // `logger.remove()` and `logger.close()` neither end a transport nor wait for it.
    this.on('unpipe', () => {
      if (!this.#writable.ending) void this.#bridge.flush()
    })
  }

  #join(logger: Logger): void {
    const { levels } = logger
    if (this.level !== undefined && !Object.hasOwn(levels, this.level)) {
      throw unknownLevel('winston', this.level, Object.keys(levels))
    }
    this.#logger = logger
    patchLogger(logger)
  }

  #isDue(info: Info, logger: LogCall['logger']): boolean {
    if (this.silent || (info['exception'] === true && !this.handleExceptions)) return false
    const level = this.level || logger?.level
    return !level || !logger || logger.levels[level]! >= logger.levels[levelOf(info)]!
  }

  /**
   * Passes a record by the stream's buffer, because a record is sent at once: the buffer takes 150 ns (`pnpm bench winston`).
   * Another logger may still write while the end of the stream waits for the flush.
   */
  override write(chunk: unknown, encoding?: any, callback?: any): boolean {
    const { corked, finished, destroyed, length } = this.#writable
    if (corked === 0 && !finished && !destroyed && length === 0 && encoding === undefined) {
      this._write(chunk as Info, 'utf8', this.#onWritten)
      return true
    }
    if (currentCall && typeof chunk === 'object' && chunk !== null) defer(chunk, currentCall)
    return super.write(chunk, encoding, callback)
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (error) this.emit('error', error)
  }

  /** Filters by level and levels of the logger that is called. winston-transport takes those of the first logger it was added to. */
  override _write(info: Info, encoding: BufferEncoding, next: (error?: Error | null) => void): void {
    const call = deferredCallOf(info)
    if (call !== undefined && call !== currentCall)
      return resume(call, this, this._write, info, encoding, next)
    // Makes `next` work at once instead of in the next tick, as winston-transport does.
    this.#writable.sync = false
    if (this.#isDue(info, currentCall?.logger ?? this.#logger)) this.log(info, next)
    else next()
  }

  override _writev(
    chunks: { chunk: Info; encoding: BufferEncoding; callback?: () => void }[],
    callback: (error?: Error | null) => void,
  ): void {
    for (const { chunk, encoding, callback: next } of chunks) this._write(chunk, encoding, () => next?.())
    callback()
  }

  /** Sends a record. winston's `exceptionHandlers` and `rejectionHandlers` call `log` without a test of level or `silent`. */
  override log(info: Info, next: () => void): void {
    const call = currentCall ?? createCall(info, this.#logger)
    // A transport that is an exception handler as well gets the same record twice.
    const isRepeated = call === this.#lastCall && info === this.#lastInfo
    if (!this.silent && !isCausedBySending(call) && !isRepeated && !this.#isRecorded(info)) {
      this.#lastCall = call
      this.#lastInfo = info
      this.#send(call, info)
    }
    next()
    const isLast = info['exception'] === true || info['rejection'] === true
    // winston is about to end the process: winston 3.0 on the event 'logged', later versions three seconds later.
    if (isLast) void this.#bridge.flush().then(() => this.emit('logged', info))
    else if (this.listenerCount('logged') > 0) timers.setImmediate(() => this.emit('logged', info))
  }

  /** Tests for an exception of `handleExceptions` that `@logbridge/core` has recorded with its context, as FATAL. */
  #isRecorded(info: Info): boolean {
    return info['exception'] === true && isRecordedUncaught(safeGet(info, 'error'), this.#loggerProvider)
  }

  #send(call: LogCall, info: Info): void {
    try {
      call.isSelective = false
      const visible = this.format ? this.#format(call, info, this.format) : this.#removeHidden(call, info)
      if (visible === undefined) return
      call.info = visible
    } catch (error) {
      this.#bridge.report(error)
      return
    }
    emitTracked(this.#bridge, call)
  }

  /** Removes the fields that the text of the logger's format hides. */
  #removeHidden(call: LogCall, info: Info): Info {
    return call.showsAllFields ? info : this.#compareWithText(call, info, call.replacer)
  }

  #compareWithText(call: LogCall, info: Info, replacer: ReplacerUse | undefined): Info {
    const visible = removeHidden(info, this.#trustInfo, replacer)
    call.isSelective = visible.isSelective
    return visible.info
  }

  /**
   * Applies the format of this transport, and removes the fields that its text hides. Where this format makes no text, the text
   * of the logger's format counts: fields that the text hides are removed first and the format is applied again, because the
   * format may have moved them to where they are not found.
   *
   * @returns `undefined` where the format drops the record
   */
  #format(call: LogCall, info: Info, format: Logform.Format): Info | undefined {
    beginFormat()
    const copy = cloneForFormat(info)
    const formatted = transform(format, copy)
    if (formatted === undefined || hasAllFields(formatted, copy)) return formatted
    const text = formatted[MESSAGE]
    if (text !== undefined && text !== info[MESSAGE])
      return this.#compareWithText(call, formatted, replacerOf(formatted, copy))
    const visible = this.#removeHidden(call, info)
    return visible === info ? formatted : transform(format, cloneForFormat(visible))
  }

  /** Delays `finish` until the LoggerProvider has flushed; the logger's `finish` waits for that of its transports. */
  override _final(callback: (error?: Error | null) => void): void {
    // Outside the promise, an error of a `finish` listener is an uncaught exception, as with any stream.
    void this.#bridge.flush().then(() => timers.setImmediate(callback))
  }
}

function transform(format: Logform.Format, info: Info): Info | undefined {
  const formatted = format.transform(info as Logform.TransformableInfo, format.options)
  return formatted ? (formatted as Info) : undefined
}
