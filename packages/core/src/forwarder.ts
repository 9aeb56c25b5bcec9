import { existsSync } from 'node:fs'
import { LogbridgeError } from '@logbridge/bridge'
import { resolveForwarding, resolveLogs } from './config/config.ts'
import { shownDestination } from './config/file.ts'
import type { LoggerProviderOptions } from './config/options.ts'
import type { Signal } from './config/optionTable.ts'
import { resolveShutdown } from './config/shutdown.ts'
import { startLoggerProvider } from './loggerProvider.ts'
import { createExitHandler } from './logs/exitHandler.ts'
import { LogPipeline } from './logs/pipeline.ts'
import type { LogbridgeLoggerProvider } from './logs/provider.ts'
import { JsonReader, MalformedField } from './otlp/jsonReader.ts'
import { countRecords } from './otlp/logsRequest.ts'
import { onProcessExit } from './process/processExit.ts'
import { createShutdown } from './process/shutdown.ts'
import { checkStart } from './process/startChecks.ts'
import type { TimeLimit } from './process/timers.ts'
import { EMPTY_STATS, type LogsStats } from './queue/counters.ts'
import { createTransport } from './transport/createTransport.ts'

/** Delivers the OTLP requests of other programs, and log records beside them. */
export interface Forwarder {
  /** LoggerProvider whose records share their way to the receiver with the log records of requests. */
  readonly loggerProvider: LogbridgeLoggerProvider
  /**
   * Queues a request in OTLP JSON, a line of the file exporter: resources, scopes, schema URLs, and counts of dropped parts stay as they
   * are. Fields that OTLP does not have are left out. Each signal has its own queue; a file and a spool have one for each signal as well.
   *
   * @param json the request, parsed. Integers beyond the safe integers may be texts or bigints
   * @returns false when the signal is not exported over OTLP, e.g. with `OTEL_TRACES_EXPORTER=none`, and for logs that the official SDK
   * processes
   * @throws LogbridgeError `MALFORMED_REQUEST`, whose message names the path of a field
   * @example
   * ```ts
   * forwarder.forward('traces', JSON.parse(line))
   * ```
   */
  forward(signal: Signal, json: unknown): boolean
  /** Returns the counts of each signal so far: log records, spans, or metrics. */
  stats(): Readonly<Record<Signal, LogsStats>>
  /** See `LogbridgeLoggerProvider`. */
  acknowledged(): Promise<boolean>
  /** See `LogbridgeLoggerProvider`. */
  forceFlush(limit?: TimeLimit): Promise<void>
  /** See `LogbridgeLoggerProvider`. */
  shutdown(limit?: TimeLimit): Promise<void>
}

type ForwardedSignal = Exclude<Signal, 'logs'>

/** Spans or metrics on their way to the receiver. */
type ForwardingPipeline = Pick<LogPipeline, 'forward' | 'stats' | 'acknowledged' | 'forceFlush' | 'shutdown'>

const UNITS = { traces: 'span', metrics: 'metric' } as const
const FORWARDED: readonly ForwardedSignal[] = ['traces', 'metrics']

/**
 * Creates a forwarder. Requests are delivered as log records are: queued, retried, spooled, and counted.
 *
 * @throws LogbridgeError `INVALID_OPTION`; `NODE_VERSION`; `STARTUP_SNAPSHOT` while Node.js builds a startup snapshot
 * @example
 * ```ts
 * const forwarder = createForwarder({ endpoint: 'http://collector:4317', register: false })
 * for await (const line of readline.createInterface(input)) forwarder.forward('logs', JSON.parse(line))
 * await forwarder.shutdown()
 * ```
 */
export function createForwarder(options: LoggerProviderOptions = {}): Forwarder {
  checkStart('createForwarder()')
  const { provider: loggerProvider, forward: forwardLogs } = startLoggerProvider(options)
  const readers: Partial<Record<Signal, JsonReader>> = {}
  /** Pipelines that have begun; `undefined` for a signal that is not exported. */
  const pipelines = new Map<ForwardedSignal, ForwardingPipeline | undefined>()
  const begun = (): ForwardingPipeline[] => [...pipelines.values()].filter((each) => each !== undefined)

  function pipelineOf(signal: ForwardedSignal): ForwardingPipeline | undefined {
    if (!pipelines.has(signal)) pipelines.set(signal, startPipeline(signal, options))
    return pipelines.get(signal)
  }

  // A spool may hold requests of an earlier process.
  for (const signal of FORWARDED) {
    const directory = configOf(signal, options)?.spool?.directory
    if (directory !== undefined && existsSync(directory)) pipelineOf(signal)
  }

  return {
    loggerProvider,
    forward(signal, json) {
      const target = signal === 'logs' ? forwardLogs : pipelineOf(signal)?.forward
      if (target === undefined) return false
      const request = read((readers[signal] ??= new JsonReader(signal)), json)
      const count = countRecords(request)
      if (count > 0) target(request, count)
      return true
    },
    stats: () => ({
      logs: loggerProvider.stats(),
      traces: pipelines.get('traces')?.stats() ?? EMPTY_STATS,
      metrics: pipelines.get('metrics')?.stats() ?? EMPTY_STATS,
    }),
    async acknowledged() {
      const all = await Promise.all([loggerProvider, ...begun()].map((each) => each.acknowledged()))
      return all.every(Boolean)
    },
    // Rest parameters make `length` 0: see `forceFlush` of telemetry.ts.
    async forceFlush(...limit) {
      await Promise.all([loggerProvider, ...begun()].map((each) => each.forceFlush(...limit)))
    },
    async shutdown(...limit) {
      await Promise.all([loggerProvider, ...begun()].map((each) => each.shutdown(...limit)))
    },
  }
}

function read(reader: JsonReader, json: unknown): Uint8Array {
  try {
    return reader.request(json)
  } catch (error) {
    if (!(error instanceof MalformedField)) throw error
    throw new LogbridgeError('MALFORMED_REQUEST', error.message, { cause: error })
  }
}

function configOf(signal: ForwardedSignal, options: LoggerProviderOptions) {
  return resolveForwarding(signal, options, resolveLogs(options, process.env), process.env)
}

/** Starts the pipeline of a signal, and handles the end of the process. */
function startPipeline(
  signal: ForwardedSignal,
  options: LoggerProviderOptions,
): ForwardingPipeline | undefined {
  const config = configOf(signal, options)
  if (config === undefined) return undefined
  const endpoint = shownDestination(config.exporter)
  const transport = createTransport(config, signal, () => exitHandler.unsent()[0]!)
  const pipeline = new LogPipeline(config, transport, undefined, UNITS[signal])
  const exitHandler = createExitHandler(pipeline, transport, endpoint, signal)
  const { shutdownSignals, flushOnExit } = resolveShutdown(options, false)
  const dispose = onProcessExit(exitHandler, { shutdownSignals, flushOnExit })
  const shutdown = createShutdown(
    (timeoutMillis) => pipeline.shutdown(timeoutMillis).finally(dispose),
    exitHandler.unsent,
  )
  return {
    forward: (request, count) => pipeline.forward(request, count),
    stats: () => pipeline.stats(),
    acknowledged: () => pipeline.acknowledged(),
    forceFlush: (...limit) => pipeline.forceFlush(...limit),
    shutdown: (...limit) => shutdown.begin(...limit),
  }
}
