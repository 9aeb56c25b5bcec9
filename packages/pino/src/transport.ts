import { Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { parentPort } from 'node:worker_threads'
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
} from './transportOptions.ts'
import { isPinoWorker, obeyMainThread, readPorts } from './workerMessages.ts'

const { level, severity, attributes, include, exclude, scope } = bridgeOptionRules
const adapterRules: Readonly<Record<keyof WorkerAdapterOptions, OptionRule>> = {
  level,
  severity,
  attributes,
  include,
  exclude,
  scope,
  redact: rules.strings,
  nestedKey: rules.string,
  flushTimeoutMillis: {
    accepts: 'a number of milliseconds from 0 to 9000, because pino waits 10 s for its worker',
    test: (value) => rules.millis.test(value) && (value as number) <= 9000,
  },
}
/** What pino and thread-stream add to the options of a transport. */
const PINO_OPTIONS = new Set(['pinoWillSendConfig', 'levels', 'dedupe', '$context'])

/** What `pino.transport` pipes its lines into. */
export interface TransportStream extends Writable {
  /** Sends all that was written so far: pino's `logger.flush(callback)`, from pino 10. */
  flush(): Promise<void>
}

/**
 * pino's worker transport: `pino({ transport: { target: '@logbridge/pino', options } })`. It has an export pipeline of
 * its own, made by `@logbridge/core`. Where that is not installed, stderr is told so once and records go nowhere.
 *
 * @throws LogbridgeError `INVALID_OPTION`; pino emits it as `error` of the transport
 */
export async function transport(options: TransportOptions = {}): Promise<TransportStream> {
  const received = (pinoConfig ??= receivePinoConfig())
  const { adapterOptions, deliveryOptions } = splitOptions(options)
  checkOptions('@logbridge/pino', adapterOptions, adapterRules)
  const core = await importCore()
  const loggerProvider = core?.createLoggerProvider({ ...deliveryOptions, register: false })
  const { flushTimeoutMillis = END_TIMEOUT_MILLIS } = adapterOptions
  let endTimeoutMillis = flushTimeoutMillis

  let emit: ((text: string) => void) | undefined
  let starting: Promise<void> | undefined
  function start(config: Partial<LoggerConfig> = {}): void {
    emit ??= loggerProvider ? createEmit(adapterOptions, loggerProvider, config) : () => {}
  }
  /**
   * However long after the transport a logger is made, pino posts its config before its first line. When it has not come
   * with that, there is no logger of pino's (behind a wrapper), and pino's defaults are taken.
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
    // A long line comes in many parts, and is looked through once.
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
  // The end of a pipeline is waited for until `finish`, any other destination until `close`: a stream that finishes when
  // all is delivered does for both.
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
      // The main thread may have said how long the end may take.
      await readPorts()
      await loggerProvider?.shutdown(endTimeoutMillis)
      done()
    },
  })
  const config = received ? await Promise.race([received, readPorts()]) : {}
  // pino makes its logger before a worker is up, unless the transport was made first.
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
  const adapter = createWorkerAdapter(severityOf, options.scope === undefined, config)
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

/** An optional peer: only this transport needs it. */
async function importCore(): Promise<typeof import('@logbridge/core') | undefined> {
  try {
    return await import('@logbridge/core')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' && message.includes("package '@logbridge/core'")
    if (!isMissing) throw error
    // Not thrown: pino would emit it as an error event, which ends a process that does not listen.
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

/** One for the whole worker: a transport in a pipeline is made when those of the targets have heard the message. */
let pinoConfig: Promise<Partial<LoggerConfig>> | undefined

/** How the logger is configured: a message that pino sends into the worker. `undefined` outside of pino's worker. */
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
