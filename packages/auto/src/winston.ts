/* oxlint-disable no-underscore-dangle -- Node's streams name their methods so */
import type { Logger as WinstonLogger } from 'winston'
import { loadAdapter, loggerCreated } from './adapters.ts'
import { beforeCalls } from './beforeCalls.ts'
import { isInjecting } from './inject.ts'
import { noteOther, sendsToOpenTelemetry } from './official.ts'

interface Logger extends WinstonLogger {
  /** Transport of this package; `null` where the application sends the records itself. */
  [TRANSPORT]?: WinstonLogger['transports'][number] | null | undefined
}

type Format = ReturnType<typeof import('@logbridge/winston').traceContext>
type Transform = (this: Logger, info: Parameters<Format['transform']>[0], ...rest: unknown[]) => unknown
type Write = (this: Logger, ...args: unknown[]) => boolean

const TRANSPORT = Symbol('logbridge.auto.transport')

/**
 * Adds a transport to every logger of a copy of winston at its first record, also to the default logger and to loggers that
 * have lost their transports by `clear()` or `configure()`. The transports of the application come first in `logger.transports`.
 */
export function attachWinston(winston: Pick<typeof import('winston'), 'createLogger' | 'version'>): void {
  if (!winston.version.startsWith('3.')) throw new Error(`winston ${winston.version} is no winston 3`)
  // winston 3.0 does not export its class Logger, which the class of each logger extends.
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf(winston.createLogger())) as Logger
  const { pipe } = prototype
  const write = prototype.write as Write
  if (isInjecting) injectInto(prototype as unknown as { _transform: Transform })

  beforeCalls(prototype, 'configure', loggerCreated)
  beforeCalls(prototype, 'clear', (logger) => {
    logger[TRANSPORT] = undefined
  })
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
      this[TRANSPORT] = null
      noteOther('winston')
    }
    return pipe.call(this, transport, ...rest)
  } as Logger['pipe']
}

function attachTo(logger: Logger): void {
  logger[TRANSPORT] = null
  if (logger.transports.some(sendsToOpenTelemetry)) return noteOther('winston')
  const adapter = loadAdapter('winston')
  if (!adapter) return
  const transport = new adapter.OtelTransport()
  logger[TRANSPORT] = transport
  logger.add(transport)
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
