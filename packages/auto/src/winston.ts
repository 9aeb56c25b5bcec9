/* oxlint-disable no-underscore-dangle -- Node's streams name their methods so */
import type { Logger as WinstonLogger } from 'winston'
import { loadAdapter, loggerCreated } from './adapters.ts'
import { isInjecting } from './inject.ts'
import { noteOther, sendsToOpenTelemetry } from './official.ts'
import { isFirstPatch, onFirstInstance } from './patches.ts'

interface Logger extends WinstonLogger {
  /** Transport of this package; `null` where the application sends the records itself. */
  [TRANSPORT]?: Transport | null | undefined
}

type Transport = WinstonLogger['transports'][number]
type Format = ReturnType<typeof import('@logbridge/winston').traceContext>
type Transform = (this: Logger, info: Parameters<Format['transform']>[0], ...rest: unknown[]) => unknown
type Write = (this: Logger, ...args: unknown[]) => boolean

const TRANSPORT = Symbol('logbridge.auto.transport')
/** Transports of this package. */
const transports = new WeakSet<Transport>()

/**
 * Adds a transport to every logger of a copy of winston at its first record, also to the default logger and to loggers that
 * have lost their transports by `clear()` or `configure()`. The transports of the application come first in `logger.transports`.
 */
export function attachWinston(winston: Pick<typeof import('winston'), 'createLogger' | 'version'>): void {
  if (!winston.version.startsWith('3.')) throw new Error(`winston ${winston.version} is no winston 3`)
  // winston 3.0 does not export its class Logger, which the class of each logger extends.
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf(winston.createLogger())) as Logger
  if (!isFirstPatch(prototype)) return
  const { pipe, clear } = prototype
  const write = prototype.write as Write
  if (isInjecting) injectInto(prototype as unknown as { _transform: Transform })

  // The constructor assigns the property by its method `configure`.
  onFirstInstance(prototype, 'exceptions', loggerCreated)
  prototype.clear = function (this: Logger) {
    noteTransport(this, undefined)
    return clear.call(this)
  }
  prototype.write = function (this: Logger, ...args) {
    if (this[TRANSPORT] !== undefined) return write.apply(this, args)
    const isTracked = Object.hasOwn(this, 'write')
    attachTo(this)
    // The first transport of a logger replaces its `write`, by which it knows the log call.
    return isTracked ? write.apply(this, args) : (this.write as Write).apply(this, args)
  } as Write as Logger['write']
  // `add` passes each transport that it accepts to `pipe`.
  prototype.pipe = function (this: Logger, transport, ...rest) {
    if (this[TRANSPORT] && !Object.is(transport, this[TRANSPORT]) && sendsToOpenTelemetry(transport)) {
      this.remove(this[TRANSPORT])
      noteTransport(this, null)
      noteOther('winston')
    }
    return pipe.call(this, transport, ...rest)
  } as Logger['pipe']
}

function attachTo(logger: Logger): void {
  // The default logger is older than the patch.
  loggerCreated()
  // A copy of a logger by `Object.assign` has the transports of that logger.
  const shared = logger.transports.find((transport) => transports.has(transport))
  noteTransport(logger, shared ?? null)
  if (shared) return
  if (logger.transports.some(sendsToOpenTelemetry)) return noteOther('winston')
  const adapter = loadAdapter('winston')
  if (!adapter) return
  const transport = new adapter.OtelTransport()
  transports.add(transport)
  noteTransport(logger, transport)
  logger.add(transport)
}

/** Sets a property that `util.inspect` does not print. */
function noteTransport(logger: Logger, value: Transport | null | undefined): void {
  Object.defineProperty(logger, TRANSPORT, { configurable: true, value, writable: true })
}

/** Lets all loggers add the active span to each record, before their formats. */
function injectInto(prototype: { _transform: Transform }): void {
  const { _transform: transform } = prototype
  let format: Format | undefined
  prototype._transform = function (info, ...rest) {
    format ??= loadAdapter('winston')?.traceContext()
    const injected = format?.transform(info)
    return transform.call(this, typeof injected === 'object' ? injected : info, ...rest)
  }
}
