import { Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { parentPort, workerData } from 'node:worker_threads'
import {
  bridgeOptionRules,
  checkOptions,
  createBridge,
  diagnose,
  type LoggerProvider,
  type OptionRule,
  rules,
} from '@logbridge/bridge'
import { createWorkerAdapter } from './convert.ts'
import { createLine } from './line.ts'
import { DEFAULTS, lineConfig, type LoggerConfig } from './logger.ts'
import { createSeverityOf, minimumOf } from './severity.ts'
import type { DeliveryOptions, TransportOptions, WorkerAdapterOptions } from './transportOptions.ts'

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
}
/** What pino and thread-stream add to the options of a transport. */
const PINO_OPTIONS = new Set(['pinoWillSendConfig', 'levels', 'dedupe', '$context'])
/** pino ends its worker when the process exits, and waits 10 seconds for it. */
const SHUTDOWN_MILLIS = 5000
/**
 * pino says how its logger is configured as soon as that is made. A transport without a logger of pino's (behind a
 * wrapper) hears nothing, and goes on with pino's defaults: `expectPinoConfig` of pino-abstract-transport would
 * wait for ever, and the process with it.
 */
const CONFIG_MILLIS = 1000

/** What `pino.transport` pipes its lines into. */
export interface TransportStream extends Writable {
  /** Sends all that was written so far: pino's `logger.flush(callback)`, from pino 10. */
  flush(): Promise<void>
}

/**
 * pino's worker transport: `pino({ transport: { target: '@logbridge/pino', options } })`. It has an export pipeline of
 * its own, made by `@logbridge/core`. Where that is not installed, stderr is told so once and records go nowhere.
 *
 * @throws LogbridgeError `invalid-option`; pino emits it as `error` of the transport
 */
export async function transport(options: TransportOptions = {}): Promise<TransportStream> {
  const received = (pinoConfig ??= receivePinoConfig())
  const { adapterOptions, deliveryOptions } = splitOptions(options)
  checkOptions('@logbridge/pino', adapterOptions, adapterRules)
  const core = await importCore()
  const loggerProvider = core?.createLoggerProvider({ ...deliveryOptions, register: false })
  const emit = loggerProvider ? createEmit(adapterOptions, loggerProvider, await received) : () => {}

  const decoder = new StringDecoder()
  let rest = ''
  function read(text: string): void {
    const lines = (rest + text).split(/\r?\n/)
    rest = lines.pop()!
    for (const line of lines) if (line !== '') emit(line)
  }
  // The end of a pipeline is waited for until `finish`, any other destination until `close`: a stream that finishes when
  // all is delivered does for both.
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      read(typeof chunk === 'string' ? chunk : decoder.write(chunk))
      done()
    },
    async final(done) {
      read(`${decoder.end()}\n`)
      await loggerProvider?.shutdown(SHUTDOWN_MILLIS)
      done()
    },
  })
  return Object.assign(stream, { flush: async () => loggerProvider?.forceFlush() })
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
  const isOurs = ([name]: [string, unknown]) => Object.hasOwn(adapterRules, name)
  return {
    adapterOptions: Object.fromEntries(given.filter(isOurs)),
    deliveryOptions: Object.fromEntries(given.filter((entry) => !isOurs(entry))),
  }
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
    diagnose(
      'missing-peer',
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

/** How the logger is configured: a message that pino sends into the worker. */
function receivePinoConfig(): Promise<Partial<LoggerConfig>> {
  const { workerData: data } = (workerData ?? {}) as { workerData?: { pinoWillSendConfig?: boolean } }
  const port = parentPort
  if (port === null || data?.pinoWillSendConfig !== true) return Promise.resolve({})
  return new Promise((resolve) => {
    const settle = (config: Partial<LoggerConfig> = {}) => {
      port.off('message', listen)
      clearTimeout(timer)
      resolve(config)
    }
    const listen = ({ code, config }: PinoMessage) => {
      if (code === 'PINO_CONFIG') settle(config)
    }
    const timer = setTimeout(settle, CONFIG_MILLIS)
    port.on('message', listen)
  })
}
