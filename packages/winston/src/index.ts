/* oxlint-disable no-underscore-dangle -- Node's streams name their methods so */
/*
 * A winston transport that sends every record to OpenTelemetry.
 *
 * | winston                                          | LogRecord                                                  |
 * |--------------------------------------------------|------------------------------------------------------------|
 * | `info.timestamp` (format.timestamp(), any form)  | timestamp; else the time of the call                       |
 * | `info[LEVEL]`                                    | severityText, and severityNumber by table (`levels.ts`)    |
 * | `info.message`, after all formats                | body: text without colours, or the value that was logged   |
 * | `info.label` of a format, child or defaultMeta   | instrumentation scope                                      |
 * | every other field, defaultMeta, child metadata   | attributes                                                 |
 * | arguments that winston neither merged nor shows  | attribute `splat`                                          |
 * | an Error as record, message, argument or field   | `exception.*`; its own fields stay where winston has them  |
 * | active context of the log call                   | trace id, span id, flags: also behind a slow transport     |
 *
 * What the text hides that the formats have made (`info[MESSAGE]`) is not sent: `shown.ts`.
 */
import {
  type Bridge,
  checkOptions,
  createBridge,
  isError,
  now,
  safeGet,
  unknownLevel,
} from '@logbridge/bridge'
import {
  activeContext,
  isLoggingSuppressed,
  timers,
  warnOfOfficial,
  withContext,
} from '@logbridge/bridge/internal'
import type { Logger, Logform } from 'winston'
import TransportStream from 'winston-transport'
import { type LogCall, cloneForFormat, createAdapter, type Info, levelOf, MESSAGE, SPLAT } from './convert.ts'
import { beginFormat, isWhole, replacerOf, type UsedReplacer, watchJsonFormat } from './finished.ts'
import { optionRules, type OtelTransportOptions } from './options.ts'
import { shownPart } from './shown.ts'

export { contribSyslogSeverity } from './levels.ts'
export type { OtelTransportOptions } from './options.ts'

/**
 * ```ts
 * winston.createLogger({ transports: [new winston.transports.Console(), new OtelTransport()] })
 * ```
 */
export class OtelTransport extends TransportStream {
  readonly #bridge: Bridge<LogCall>
  readonly #writable: WritableState
  readonly #trustInfo: boolean
  /** For what was logged before the first transport was there: the logger that has joined last. */
  #logger: LogCall['logger']
  #lastCall: LogCall | undefined
  #lastInfo: Info | undefined

  /**
   * @throws LogbridgeError `INVALID_OPTION`; for a `level` that a logger does not know, when it is added to that logger
   */
  constructor(options: OtelTransportOptions = {}) {
    checkOptions('@logbridge/winston', options, optionRules)
    super(options as TransportStream.TransportStreamOptions)
    this.#writable = (this as unknown as { _writableState: WritableState })._writableState
    const { severity, scope, captureTemplate = false, trustInfo = false } = options
    this.#trustInfo = trustInfo
    this.#bridge = createBridge(createAdapter(severity, scope === undefined, captureTemplate), options)
    locate ??= this.#bridge.captureCallSite
    // Each logger listens to its transports: many of them are no leak.
    this.setMaxListeners(0)
    this.on('pipe', (source: object) => {
      if ('levels' in source) this.#join(source as Logger)
    })
    // `logger.remove()` and `logger.close()` end no transport, and wait for none.
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
   * Nothing is waited for, so a record need not go through the stream's buffer, which takes 150 ns: half of what a call below
   * the level had cost. Another logger may still write while the end of the stream waits for the delivery.
   */
  override write(chunk: unknown, encoding?: any, written?: any): boolean {
    const { corked, finished, destroyed, length } = this.#writable
    if (corked === 0 && !finished && !destroyed && length === 0 && encoding === undefined) {
      this._write(chunk as Info, 'utf8', this.#written)
      return true
    }
    if (currentCall && typeof chunk === 'object' && chunk !== null) defer(chunk, currentCall)
    return super.write(chunk, encoding, written)
  }

  readonly #written = (error?: Error | null): void => {
    if (error) this.emit('error', error)
  }

  /** As winston-transport, which however takes level and levels of the first logger that it was ever added to. */
  override _write(info: Info, encoding: BufferEncoding, next: (error?: Error | null) => void): void {
    const held = hasWaited ? waiting.get(info) : undefined
    if (held !== undefined && held !== currentCall)
      return resume(held, this, this._write, info, encoding, next)
    // Nothing is waited for: without this, `next` would put off its work by a tick. winston-transport does so, too.
    this.#writable.sync = false
    if (this.#isDue(info, currentCall?.logger ?? this.#logger)) this.log(info, next)
    else next()
  }

  override _writev(
    chunks: { chunk: Info; encoding: BufferEncoding; callback?: () => void }[],
    callback: (error?: Error | null) => void,
  ): void {
    for (const { chunk, encoding, callback: written } of chunks)
      this._write(chunk, encoding, () => written?.())
    callback()
  }

  /** Also called by winston's `exceptionHandlers` and `rejectionHandlers`, which ask for nothing before. */
  override log(info: Info, next: () => void): void {
    const call = currentCall ?? newCall(info, this.#logger)
    // A transport that a logger has twice, as exception handler too, is handed the same record twice.
    const isRepeated = call === this.#lastCall && info === this.#lastInfo
    if (!this.silent && !call.deferred?.nested && !sending && !isRepeated) {
      this.#lastCall = call
      this.#lastInfo = info
      this.#send(call, info)
    }
    next()
    const isLast = info['exception'] === true || info['rejection'] === true
    // winston is about to end the process: winston 3.0 when it hears 'logged', later versions three seconds later.
    if (isLast) void this.#bridge.flush().then(() => this.emit('logged', info))
    else if (this.listenerCount('logged') > 0) timers.setImmediate(() => this.emit('logged', info))
  }

  #send(call: LogCall, info: Info): void {
    try {
      call.isSelective = false
      const shown = this.format ? this.#formatted(call, info, this.format) : this.#shown(call, info)
      if (shown === undefined) return
      call.info = shown
    } catch (error) {
      this.#bridge.report(error)
      return
    }
    sending = true
    this.#bridge.emit(call)
    sending = false
  }

  /** The record without what the text of the logger's format hides. */
  #shown(call: LogCall, info: Info): Info {
    return call.isWhole ? info : this.#withoutHidden(call, info, call.replacer)
  }

  #withoutHidden(call: LogCall, info: Info, replacer: UsedReplacer | undefined): Info {
    const shown = shownPart(info, this.#trustInfo, replacer)
    call.isSelective = shown.isSelective
    return shown.info
  }

  /**
   * Applies this transport's own format, and takes off what the text hides. Where this format makes no text, that of the
   * logger's format counts: fields that it hides are taken off first and the format is applied again, because it may have
   * moved them to where they are not found.
   */
  #formatted(call: LogCall, info: Info, format: Logform.Format): Info | undefined {
    beginFormat()
    const copy = cloneForFormat(info)
    const formatted = transform(format, copy)
    if (formatted === undefined || isWhole(formatted, copy)) return formatted
    const text = formatted[MESSAGE]
    if (text !== undefined && text !== info[MESSAGE])
      return this.#withoutHidden(call, formatted, replacerOf(formatted, copy))
    const shown = this.#shown(call, info)
    return shown === info ? formatted : transform(format, cloneForFormat(shown))
  }

  /** Has `finish`, and so that of the logger, wait for the delivery. */
  override _final(callback: (error?: Error | null) => void): void {
    // Out of the promise: what a listener of `finish` throws is an uncaught exception, as with any stream.
    void this.#bridge.flush().then(() => timers.setImmediate(callback))
  }
}

function transform(format: Logform.Format, info: Info): Info | undefined {
  const formatted = format.transform(info as Logform.TransformableInfo, format.options)
  return formatted ? (formatted as Info) : undefined
}

/** The call that winston is working on: its streams run inside of it as long as no transport is slow. */
let currentCall: LogCall | undefined
/** Whether a transport is sending a record. What is logged meanwhile is its own doing. */
let sending = false
/** Calls whose record waits in one of winston's streams, by the object that waits. */
const waiting = new WeakMap<object, LogCall>()
/** Whether there has been any: to ask the map in vain takes 50 ns a call. */
let hasWaited = false
/** Of the first transport with `captureCode`: they all find the same. */
let locate: Bridge<LogCall>['captureCallSite']
const followed = new WeakSet<object>()

interface ReadableState {
  flowing: boolean | null
  length: number
}

interface WritableState {
  corked: number
  ending: boolean
  finished: boolean
  destroyed: boolean
  length: number
  sync: boolean
}

const NOTHING: readonly unknown[] = []

function newCall(logged: Info, logger: LogCall['logger']): LogCall {
  const args = logged[SPLAT]
  const splat = Array.isArray(args) ? copyArray(args) : NOTHING
  return {
    info: logged,
    logger,
    logged,
    message: loggedMessage(logged),
    splat,
    spread: Object.hasOwn(logged, 'stack') && isError(splat[0]) ? splat[0] : undefined,
    transformed: false,
    isWhole: false,
    replacer: undefined,
    isSelective: false,
    deferred: undefined,
  }
}

/** By its name, as in `convert.ts`. */
function loggedMessage(logged: Info): unknown {
  try {
    return logged['message']
  } catch {
    return safeGet(logged, 'message')
  }
}

/** Most calls have one argument behind the message: 25 ns less than `slice`. */
function copyArray(args: readonly unknown[]): readonly unknown[] {
  return args.length === 1 ? [args[0]] : args.slice()
}

/** Keeps what is true only during the log call, for a record that will be handed on later. */
function defer(chunk: object, call: LogCall): void {
  call.deferred ??= {
    context: activeContext(),
    time: now(),
    code: locate?.(),
    nested: sending || isLoggingSuppressed(),
  }
  hasWaited = true
  waiting.set(chunk, call)
}

/**
 * Goes on with a call that had to wait, in the context in which it was made. Takes the step of the stream and its arguments
 * apart: a closure over them would be paid for by all calls, also by those that do not wait.
 */
function resume(call: LogCall, stream: object, step: (...args: any[]) => void, ...args: unknown[]): void {
  const outer = currentCall
  currentCall = call
  try {
    withContext(call.deferred!.context, () => step.apply(stream, args))
  } finally {
    currentCall = outer
  }
}

/** The one that `@opentelemetry/instrumentation-winston` adds to every logger, or the user. */
function warnOfOfficialTransport({ transports }: Logger): void {
  if (transports.every(({ constructor }) => constructor.name !== 'OpenTelemetryTransportV3')) return
  warnOfOfficial(
    'winston',
    '@opentelemetry/winston-transport',
    '. Remove that transport, or set disableLogSending: true for @opentelemetry/instrumentation-winston, which adds it',
  )
}

/**
 * When one transport is slow, the logger's stream pauses and records wait in it: before their format has run in the writable
 * half, after it in the readable half. They come to every transport much later and in a context that is not theirs.
 */
function patchLogger(logger: Logger): void {
  if (followed.has(logger)) return
  followed.add(logger)
  watchJsonFormat(logger)
  const { write, _transform: transform, push } = logger

  let compared = false
  logger.write = function (this: Logger, info: unknown, encoding: never, written: never) {
    if (!compared) {
      compared = true
      warnOfOfficialTransport(logger)
    }
    // Not a record: winston says so.
    if (typeof info !== 'object' || info === null) return write.call(this, info, encoding, written)
    // The same object may have been logged before.
    if (hasWaited) waiting.delete(info)
    const outer = currentCall
    const call = (currentCall = newCall(info as Info, logger))
    try {
      return write.call(this, info, encoding, written)
    } finally {
      currentCall = outer
      if (!call.transformed) defer(info, call)
    }
  } as Logger['write']

  logger._transform = function (info: Info, encoding, callback) {
    beginFormat()
    const held = hasWaited ? waiting.get(info) : undefined
    if (held !== undefined) {
      waiting.delete(info)
      resume(held, this, transform, info, encoding, callback)
    } else {
      if (currentCall) currentCall.transformed = true
      transform.call(this, info, encoding, callback)
    }
  }

  // winston itself looks into this; its first versions have no getters for it.
  const { _readableState: readable } = logger as unknown as { _readableState: ReadableState }
  logger.push = function (chunk: unknown, encoding) {
    if (currentCall && typeof chunk === 'object' && chunk !== null) {
      currentCall.isWhole = isWhole(chunk as Info, currentCall.logged)
      if (!currentCall.isWhole) currentCall.replacer = replacerOf(chunk as Info, currentCall.logged)
      const isPassedOn = readable.flowing && readable.length === 0
      if (!isPassedOn || currentCall.deferred !== undefined) defer(chunk, currentCall)
    }
    return push.call(this, chunk, encoding)
  }
}
