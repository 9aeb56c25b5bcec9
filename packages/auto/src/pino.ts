import type { OtelStream } from '@logbridge/pino'
import { TAKES_LINES } from '@logbridge/bridge/internal'
import { loadAdapter, loggerCreated } from './adapters.ts'
import { beforeCalls } from './beforeCalls.ts'
import { isInjecting } from './inject.ts'
import { noteOther, sendsToOpenTelemetry } from './official.ts'
import { isFirstPatch } from './patches.ts'

type AsJson = (this: Logger, object: unknown, message: unknown, level: number, time: string) => string
type Hooks = { streamWrite?: ((line: string) => string) | undefined }
type Mixin = import('pino').LoggerOptions['mixin']
type Logger = Record<symbol, unknown>

interface Pino {
  (options: object, stream: object): Logger
  symbols: Readonly<
    Record<'asJsonSym' | 'setLevelSym' | 'streamSym' | 'hooksSym' | 'mixinSym' | 'timeSliceIndexSym', symbol>
  >
}

interface Multistream {
  streams?: { stream: unknown }[]
}

/** Metadata that pino sets on a stream before each line. https://getpino.io/#/docs/api?id=metadata */
interface Metadata {
  lastLevel: number
  lastObj: unknown
  lastMsg: unknown
  lastTime: string
  lastLogger: Logger
}

/** Worker threads that send the records, by their stream. */
const sendingWorkers = new WeakSet<object>()
const SENDING_TARGETS = new Set(['@logbridge/pino', 'pino-opentelemetry-transport'])

/**
 * Sends every line that a copy of pino makes. All loggers of a copy inherit `asJson`, which makes the line after redaction,
 * serializers, and formatters. A logger's hook `streamWrite` changes the line afterwards, so that the line is taken from the hook.
 */
export function attachPino(pino: Pino): void {
  const { asJsonSym, setLevelSym, streamSym, hooksSym, mixinSym, timeSliceIndexSym } = pino.symbols
  const prototype = holderOf(asJsonSym, pino({ base: null, timestamp: false }, { write() {} }))
  if (!isFirstPatch(prototype)) return
  const asJson = prototype[asJsonSym] as AsJson
  const wrappedHooks = new WeakSet<Hooks>()
  const injectingMixins = new Set<Mixin>()
  let destination: (OtelStream & Metadata) | undefined
  let isLoaded = false
  let isHookPending = false
  let lastStream: Multistream | undefined
  let lastLength: number | undefined
  let isLastSent = false

  /** Tests if the stream of a logger sends the records. A multistream can get more streams later. */
  function isSent(stream: Multistream): boolean {
    const length = stream.streams?.length
    if (stream !== lastStream || length !== lastLength) {
      lastStream = stream
      lastLength = length
      isLastSent =
        isSending(stream) || stream.streams?.some((entry) => isSending(entry.stream as object)) === true
      if (isLastSent) noteOther('pino')
    }
    return isLastSent
  }

  /**
   * Lets the hook `streamWrite` of a logger pass its line on to the destination.
   *
   * @returns `false` when the logger has no such hook
   */
  function wrapStreamWrite(logger: Logger): boolean {
    const hooks = logger[hooksSym] as Hooks | undefined
    if (!hooks?.streamWrite || wrappedHooks.has(hooks)) return hooks?.streamWrite !== undefined
    const wrapped: Hooks = {
      ...hooks,
      streamWrite(line) {
        const shown = hooks.streamWrite!.call(this, line)
        if (isHookPending) {
          isHookPending = false
          destination!.write(shown)
        }
        return shown
      },
    }
    wrappedHooks.add(wrapped)
    logger[hooksSym] = wrapped
    return true
  }

  /** Lets a new logger print the active span. A child has the mixin of its parent. */
  function injectInto(logger: Logger): void {
    const own = logger[mixinSym] as Mixin
    if (injectingMixins.has(own)) return
    const mixin = loadAdapter('pino')?.traceContext(own && { mixin: own }).mixin
    injectingMixins.add(mixin)
    logger[mixinSym] = mixin
  }

  beforeCalls(prototype, setLevelSym, (logger) => {
    loggerCreated()
    if (isInjecting) injectInto(logger)
    wrapStreamWrite(logger)
  })
  prototype[asJsonSym] = function (this: Logger, object, message, level, time) {
    const line = asJson.call(this, object, message, level, time)
    if (isSent(this[streamSym] as Multistream)) return line
    if (!isLoaded) {
      isLoaded = true
      destination = loadAdapter('pino')?.otelStream() as typeof destination
      // The adapter then reads the logged values in place of the line, as for a stream of the logger.
      if (destination) Object.assign(destination, { [TAKES_LINES]: true })
    }
    if (destination === undefined) return line
    destination.lastLevel = level
    destination.lastObj = object
    destination.lastMsg = message
    destination.lastTime = time.slice(this[timeSliceIndexSym] as number)
    destination.lastLogger = this
    if (wrapStreamWrite(this)) isHookPending = true
    else destination.write(line)
    return line
  } satisfies AsJson
}

function holderOf(symbol: symbol, logger: Logger): Logger {
  let holder = logger
  while (!Object.hasOwn(holder, symbol)) holder = Object.getPrototypeOf(holder) as Logger
  return holder
}

function isSending(stream: object): boolean {
  return sendingWorkers.has(stream) || sendsToOpenTelemetry(stream)
}

interface Target {
  target?: string
  targets?: readonly Target[]
  pipeline?: readonly Target[]
}

/** Wraps `pino.transport`, and notes the workers whose transport sends to OpenTelemetry. */
export function watchTransports(transport: (options: Target) => object): (options: Target) => object {
  return function (options) {
    const stream = transport(options)
    if (hasSendingTarget(options)) sendingWorkers.add(stream)
    return stream
  }
}

function hasSendingTarget({ target = '', targets = [], pipeline = [] }: Target): boolean {
  return SENDING_TARGETS.has(target) || [...targets, ...pipeline].some(hasSendingTarget)
}
