import { Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { getEnvironmentData, parentPort } from 'node:worker_threads'
import {
  bridgeOptionRules,
  checkOptions,
  createBridge,
  LogbridgeError,
  type LoggerProvider,
  type OptionRule,
  rules,
} from '@logbridge/bridge'
import { warnOnce, END_TIMEOUT_MILLIS } from '@logbridge/bridge/internal'
import { createWorkerAdapter } from './convert.ts'
import { createLine } from './line.ts'
import { DEFAULTS, lineConfig, type LoggerConfig } from './logger.ts'
import { createSeverityOf, minimumOf } from './severity.ts'
import {
  type DeliveryOptions,
  NOT_IN_WORKER,
  type TransportOptions,
  type WorkerAdapterOptions,
} from './options.ts'
import { isPinoWorker, obeyMainThread, readPorts } from './workerMessages.ts'

const {
  level,
  severity,
  attributes,
  include,
  exclude,
  scope,
  scopeVersion,
  scopeSchemaUrl,
  scopeAttributes,
} = bridgeOptionRules
const adapterRules: Readonly<Record<keyof WorkerAdapterOptions, OptionRule>> = {
  level,
  severity,
  attributes,
  include,
  exclude,
  scope,
  scopeVersion,
  scopeSchemaUrl,
  scopeAttributes,
  redact: rules.strings,
  nestedKey: rules.string,
  flushTimeoutMillis: {
    accepts: 'a number of milliseconds from 0 to 9000, because pino waits 10 s for its worker',
    test: (value) => rules.millis.test(value) && (value as number) <= 9000,
  },
}
/** Options that pino and thread-stream add to those of a transport. */
const PINO_OPTIONS = new Set(['pinoWillSendConfig', 'levels', 'dedupe', '$context'])

/** Stream that pino writes its lines to. */
export interface TransportStream extends Writable {
  /** Sends all lines so far. pino 10 calls this in `logger.flush(callback)`. */
  flush(): Promise<void>
}

/**
 * Transport for pino's worker. It sends records through a pipeline of `@logbridge/core` in the worker. Without that package it
 * warns once, and records are dropped.
 *
 * @throws LogbridgeError `INVALID_OPTION`; pino emits the error as event `error` of the transport
 * @example
 * const logger = pino({ transport: { target: '@logbridge/pino', options: { serviceName: 'shop' } } })
 */
export async function transport(options: TransportOptions = {}): Promise<TransportStream> {
  const received = (pinoConfig ??= receivePinoConfig())
  const { adapterOptions, deliveryOptions } = splitOptions(options)
  checkOptions('@logbridge/pino', adapterOptions, adapterRules)
  const core = await importCore()
  const loggerProvider = core?.createLoggerProvider({
    ...telemetryOptions(deliveryOptions),
    ...deliveryOptions,
    register: false,
  })
  const { flushTimeoutMillis = END_TIMEOUT_MILLIS } = adapterOptions
  let endTimeoutMillis = flushTimeoutMillis

  let emit: ((text: string) => void) | undefined
  let starting: Promise<void> | undefined
  function start(config: Partial<LoggerConfig> = {}): void {
    emit ??= loggerProvider ? createEmit(adapterOptions, loggerProvider, config) : () => {}
  }
  /**
   * Starts with the first line. pino posts the configuration of its logger before the first line. Without a configuration
   * another writer uses the transport, and pino's defaults apply.
   */
  async function startWithLine(text: string, done: (error?: Error) => void): Promise<void> {
    await readPorts()
    try {
      start()
    } catch (error) {
      return done(error as Error)
    }
    read(text)
    done()
  }

  const decoder = new StringDecoder()
  let rest = ''
  function read(text: string): void {
    const all = rest + text
    // A long line arrives in many parts, and is searched once.
    if (!text.includes('\n')) {
      rest = all
      return
    }
    let from = 0
    for (let end = all.indexOf('\n'); end >= 0; end = all.indexOf('\n', from)) {
      const line = all.slice(from, all[end - 1] === '\r' ? end - 1 : end)
      if (line !== '') emit!(line)
      from = end + 1
    }
    rest = all.slice(from)
  }
  // pino waits for `finish` of a pipeline, and for `close` of any other destination. `final` delays both until delivery.
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      const text = typeof chunk === 'string' ? chunk : decoder.write(chunk)
      if (emit === undefined) {
        starting = startWithLine(text, done)
        return
      }
      read(text)
      done()
    },
    async final(done) {
      read(`${decoder.end()}\n`)
      // The main thread may have posted a limit for the end.
      await readPorts()
      await loggerProvider?.shutdown(endTimeoutMillis)
      done()
    },
  })
  const config = received ? await Promise.race([received, readPorts()]) : {}
  // pino creates its logger before the worker runs, unless the application created the transport first.
  if (config) start(config)
  else received?.then(start).catch((error: unknown) => stream.destroy(error as Error))
  async function flush(timeoutMillis: number): Promise<void> {
    await starting
    await loggerProvider?.forceFlush(timeoutMillis)
  }
  obeyMainThread({ flush, limitEnd: (timeoutMillis) => (endTimeoutMillis = timeoutMillis) })
  return Object.assign(stream, { flush: () => flush(flushTimeoutMillis) })
}

function createEmit(
  options: WorkerAdapterOptions,
  loggerProvider: LoggerProvider,
  pinoConfig: Partial<LoggerConfig>,
): (text: string) => void {
  const config = lineConfig({ ...DEFAULTS, nestedKey: options.nestedKey, ...pinoConfig })
  const severityOf = createSeverityOf(options.severity)
  const adapter = createWorkerAdapter(severityOf, typeof options.scope !== 'string', config)
  const minimum = minimumOf(options.level, config.levels, severityOf)
  const bridge = createBridge(adapter, { ...options, loggerProvider }, minimum)
  return (text) => bridge.emit(createLine(text))
}

function splitOptions(options: object): {
  adapterOptions: WorkerAdapterOptions
  deliveryOptions: DeliveryOptions
} {
  const given = Object.entries(options).filter(([name]) => !PINO_OPTIONS.has(name))
  for (const [name, value] of given) refuseOutOfReach(name, value)
  const isOurs = ([name]: [string, unknown]) => Object.hasOwn(adapterRules, name)
  return {
    adapterOptions: Object.fromEntries(given.filter(isOurs)),
    deliveryOptions: Object.fromEntries(given.filter((entry) => !isOurs(entry))),
  }
}

/** Options that `startTelemetry()` of `@logbridge/core` gives to workers. */
interface SharedOptions {
  readonly options: DeliveryOptions
  readonly unshared: readonly string[]
}

/**
 * Returns the options of `startTelemetry()` in the main thread, by which the worker sends to the same receiver. A transport with an
 * endpoint takes the names of the service alone, because its receiver must not get the headers of another.
 */
function telemetryOptions({ endpoint }: DeliveryOptions): DeliveryOptions {
  const shared = getEnvironmentData('logbridge.telemetry.1') as SharedOptions | undefined
  if (shared === undefined || !isPinoWorker()) return {}
  const { options, unshared } = shared
  if (endpoint !== undefined) {
    const { serviceName, resource } = options
    return { ...(serviceName && { serviceName }), ...(resource && { resource }) }
  }
  if (unshared.length > 0) {
    warnOnce(
      'worker-options',
      `@logbridge/pino: pino's worker cannot use ${unshared.join(' and ')} of startTelemetry(), because it cannot be ` +
        'posted to a thread. Give the options of the transport plain values, or use otelStream() in the main thread',
    )
  }
  return options
}

/** @throws LogbridgeError for an option that nothing in a worker can honor */
function refuseOutOfReach(name: string, value: unknown): void {
  if (value === undefined) return
  const reason = Object.hasOwn(NOT_IN_WORKER, name)
    ? NOT_IN_WORKER[name]
    : typeof value === 'function' && 'a function cannot cross into it. Use otelStream() in the main thread'
  if (!reason) return
  throw new LogbridgeError(
    'INVALID_OPTION',
    `@logbridge/pino: option ${name} has no effect in pino's worker: ${reason}`,
  )
}

/** Imports core, an optional peer that this transport alone needs. */
async function importCore(): Promise<typeof import('@logbridge/core') | undefined> {
  try {
    return await import('@logbridge/core')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' && message.includes("package '@logbridge/core'")
    if (!isMissing) throw error
    // A warning, because pino would emit an error as an event that ends a process without a listener.
    warnOnce(
      'MISSING_PEER',
      "@logbridge/pino sends nothing from pino's worker: run npm install @logbridge/core",
    )
    return undefined
  }
}

interface PinoMessage {
  code?: string
  config?: Partial<LoggerConfig>
}

/** Shared by the transports of the worker, because a transport of a pipeline is created after the message has arrived. */
let pinoConfig: Promise<Partial<LoggerConfig>> | undefined

/** Receives the logger's configuration, which pino posts to its worker. `undefined` outside of pino's worker. */
function receivePinoConfig(): Promise<Partial<LoggerConfig>> | undefined {
  const port = parentPort
  if (port === null || !isPinoWorker()) return undefined
  return new Promise((resolve) => {
    port.on('message', function listen({ code, config }: PinoMessage) {
      if (code !== 'PINO_CONFIG') return
      port.off('message', listen)
      resolve(config ?? {})
    })
  })
}
