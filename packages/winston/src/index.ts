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
 */
import { context as contextApi } from '@opentelemetry/api'
import {
  type Bridge,
  bridgeOptionRules,
  type BridgeOptions,
  checkOptions,
  createBridge,
  isError,
  now,
  read,
  rules,
  severityTable,
  type SeverityNumber,
  unknownLevel,
  warnOfOfficial,
} from '@logbridge/bridge'
import type { Logger } from 'winston'
import TransportStream from 'winston-transport'
import { type Call, createAdapter, type Info, SPLAT } from './convert.ts'
import { defaultSeverities, levelSeverities } from './levels.ts'

export { contribSyslogSeverity } from './levels.ts'

/** Options that every winston transport has, and those that every logbridge adapter has. */
export interface OtelTransportOptions extends Omit<BridgeOptions, 'level'> {
  /** Least severe level that is sent, by its name in the logger's `levels`. Default: the logger's own level. */
  level?: string | undefined
  /** Applied to a copy of each record before it is sent; what it removes is not sent. */
  format?: TransportStream.TransportStreamOptions['format'] | undefined
  /** Send nothing. Default false. */
  silent?: boolean | undefined
  /** Log uncaught exceptions. Default false. */
  handleExceptions?: boolean | undefined
  /** Log unhandled rejections. Default false. */
  handleRejections?: boolean | undefined
}

const optionRules = {
  ...bridgeOptionRules,
  level: rules.string,
  format: {
    accepts: 'a winston format (an object with a transform method)',
    test: (value: unknown) => typeof (value as { transform?: unknown } | null)?.transform === 'function',
  },
  silent: rules.boolean,
  handleExceptions: rules.boolean,
  handleRejections: rules.boolean,
}

/**
 * ```ts
 * winston.createLogger({ transports: [new winston.transports.Console(), new OtelTransport()] })
 * ```
 */
export class OtelTransport extends TransportStream {
  readonly #bridge: Bridge<Call>
  readonly #severities: Map<string, SeverityNumber>
  readonly #overrides: BridgeOptions['severity']

  /**
   * @throws LogbridgeError `invalid-option`; for a `level` that a logger does not know, when it is added to that logger
   */
  constructor(options: OtelTransportOptions = {}) {
    checkOptions('@logbridge/winston', options, optionRules)
    super(options as TransportStream.TransportStreamOptions)
    this.#overrides = options.severity
    this.#severities = new Map(severityTable(defaultSeverities, options.severity))
    this.#bridge = createBridge(createAdapter(this.#severities, options.scope === undefined), options)
    this.on('pipe', (source: object) => {
      if ('levels' in source) this.#join(source as Logger)
    })
  }

  #join(logger: Logger): void {
    const { levels } = logger
    if (this.level !== undefined && !Object.hasOwn(levels, this.level)) {
      throw unknownLevel('winston', this.level, Object.keys(levels))
    }
    const severities = severityTable(levelSeverities(levels), this.#overrides)
    for (const [level, severity] of severities) this.#severities.set(level, severity)
    followCalls(logger)
  }

  override _write(info: Info, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    // A format is handed a copy, which of an Error's fields has only the enumerable ones.
    const chunk = this.format && isError(info) ? withMessage(info) : info
    const call = waiting.get(info)
    if (call === undefined) return super._write(chunk, encoding, callback)
    resume(call, () => super._write(chunk, encoding, callback))
  }

  override _writev(
    chunks: { chunk: Info; encoding: BufferEncoding; callback?: () => void }[],
    callback: (error?: Error | null) => void,
  ): void {
    for (const { chunk, encoding, callback: written } of chunks)
      this._write(chunk, encoding, () => written?.())
    callback()
  }

  override log(info: Info, next: () => void): void {
    const call = current ?? newCall(info)
    if (!call.nested && !sending) {
      call.info = info
      sending = true
      this.#bridge.emit(call)
      sending = false
    }
    next()
    if (this.listenerCount('logged') > 0) setImmediate(() => this.emit('logged', info))
  }
}

/** As winston's own child loggers copy an Error. */
function withMessage(error: Error): Info {
  const { message, stack, cause } = error
  return { ...(error as object), message, stack, ...(cause !== undefined && { cause }) }
}

/** The call that winston is working on: its streams run inside of it as long as no transport is slow. */
let current: Call | undefined
/** Whether a transport is sending a record. What is logged meanwhile is its own doing. */
let sending = false
/** Calls whose record waits in one of winston's streams, by the object that waits. */
const waiting = new WeakMap<object, Call>()
const followed = new WeakSet<object>()

interface ReadableState {
  flowing: boolean | null
  length: number
}

function newCall(logged: Info): Call {
  const args = logged[SPLAT]
  const splat: unknown[] = Array.isArray(args) ? [...args] : []
  const [first] = splat
  return {
    info: logged,
    logged,
    message: read(logged, 'message'),
    splat,
    spread: isError(first) && Object.hasOwn(logged, 'stack') ? first : undefined,
    transformed: false,
    context: undefined,
    time: undefined,
    nested: sending,
  }
}

/** Keeps what is true only during the log call, for a record that will be handed on later. */
function hold(chunk: object, call: Call): void {
  call.context ??= contextApi.active()
  call.time ??= now()
  waiting.set(chunk, call)
}

/** Goes on with a call that had to wait, in the context in which it was made. */
function resume(call: Call, run: () => void): void {
  const outer = current
  current = call
  try {
    contextApi.with(call.context!, run)
  } finally {
    current = outer
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
function followCalls(logger: Logger): void {
  if (followed.has(logger)) return
  followed.add(logger)
  const { write, _transform: transform, push } = logger

  let compared = false
  logger.write = function (this: Logger, ...args: Parameters<Logger['write']>) {
    const info: unknown = args[0]
    if (!compared) {
      compared = true
      warnOfOfficialTransport(logger)
    }
    // Not a record: winston says so.
    if (typeof info !== 'object' || info === null) return write.apply(this, args)
    // The same object may have been logged before.
    waiting.delete(info)
    const outer = current
    const call = (current = newCall(info as Info))
    try {
      return write.apply(this, args)
    } finally {
      current = outer
      if (!call.transformed) hold(info, call)
    }
  } as Logger['write']

  logger._transform = function (info: Info, encoding, callback) {
    const held = waiting.get(info)
    if (held !== undefined) {
      waiting.delete(info)
      resume(held, () => transform.call(this, info, encoding, callback))
    } else {
      if (current) current.transformed = true
      transform.call(this, info, encoding, callback)
    }
  }

  // winston itself looks into this; its first versions have no getters for it.
  const { _readableState: readable } = logger as unknown as { _readableState: ReadableState }
  logger.push = function (chunk: unknown, encoding) {
    if (current && typeof chunk === 'object' && chunk !== null) {
      const isPassedOn = readable.flowing && readable.length === 0
      if (!isPassedOn || current.context !== undefined || current.nested) hold(chunk, current)
    }
    return push.call(this, chunk, encoding)
  }
}
