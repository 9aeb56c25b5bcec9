import { type LogsConfig, resolveForwarding, resolveLogs } from './config/config.ts'
import { shownDestination } from './config/file.ts'
import type { LoggerProviderOptions } from './config/options.ts'
import type { Signal } from './config/optionTable.ts'
import { type EndingPart, startLoggerProvider } from './loggerProvider.ts'
import { createExitHandler } from './logs/exitHandler.ts'
import { LogPipeline } from './logs/pipeline.ts'
import type { LogbridgeLoggerProvider } from './logs/provider.ts'
import { JsonReader } from './otlp/jsonReader.ts'
import { countRecords } from './otlp/logsRequest.ts'
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
  /**
   * Checks that a request is OTLP JSON, as `forward` does, and queues nothing.
   *
   * @throws LogbridgeError `MALFORMED_REQUEST`, whose message names the path of a field
   */
  check(signal: Signal, json: unknown): void
  /**
   * Returns the counts of each signal so far: log records, spans, or metrics. A receiver counts the data points that it rejects, of
   * which each counts as one metric here, up to the metrics of the request.
   */
  stats(): Readonly<Record<Signal, LogsStats>>
  /** See `LogbridgeLoggerProvider`. */
  acknowledged(): Promise<boolean>
  /** See `LogbridgeLoggerProvider`. */
  forceFlush(limit?: TimeLimit): Promise<void>
  /** See `LogbridgeLoggerProvider`. */
  shutdown(limit?: TimeLimit): Promise<void>
}

const UNITS = { traces: 'span', metrics: 'metric' } as const

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
  const config = resolveLogs(options, process.env)
  const traces = createPart('traces', options, config)
  const metrics = createPart('metrics', options, config)
  const others = [traces, metrics].filter((part) => part !== undefined)
  const { provider: loggerProvider, forward } = startLoggerProvider(options, config, others)
  const targets = { logs: forward && { forward }, traces: traces?.pipeline, metrics: metrics?.pipeline }
  const parts = [loggerProvider, ...others.map(({ pipeline }) => pipeline)]
  const readers: Partial<Record<Signal, JsonReader>> = {}
  const encode = (signal: Signal, json: unknown): Uint8Array =>
    (readers[signal] ??= new JsonReader(signal)).request(json)
  return {
    loggerProvider,
    forward(signal, json) {
      const target = targets[signal]
      if (target === undefined) return false
      const request = encode(signal, json)
      const count = countRecords(request)
      if (count > 0) target.forward(request, count)
      return true
    },
    check: (signal, json) => void encode(signal, json),
    stats: () => ({
      logs: loggerProvider.stats(),
      traces: traces?.pipeline.stats() ?? EMPTY_STATS,
      metrics: metrics?.pipeline.stats() ?? EMPTY_STATS,
    }),
    acknowledged: async () => (await Promise.all(parts.map((part) => part.acknowledged()))).every(Boolean),
    // Rest parameters make `length` 0: see `forceFlush` of telemetry.ts.
    async forceFlush(...limit) {
      await Promise.all(parts.map((part) => part.forceFlush(...limit)))
    },
    // The provider ends the other parts, too.
    shutdown: (...limit) => loggerProvider.shutdown(...limit),
  }
}

/** Spans or metrics of other programs on their way to the receiver. */
interface ForwardingPart extends EndingPart {
  readonly pipeline: LogPipeline
}

/** Creates the pipeline of a signal. Returns `undefined` for a signal that is not exported over OTLP. */
function createPart(
  signal: 'traces' | 'metrics',
  options: LoggerProviderOptions,
  logs: LogsConfig,
): ForwardingPart | undefined {
  const config = resolveForwarding(signal, options, logs, process.env)
  if (config === undefined) return undefined
  const transport = createTransport(config, signal, () => exitHandler.unsent()[0]!)
  const pipeline = new LogPipeline(config, transport, undefined, UNITS[signal])
  const exitHandler = createExitHandler(pipeline, transport, shownDestination(config.exporter))
  return { pipeline, exitHandler, shutdown: (timeoutMillis) => pipeline.shutdown(timeoutMillis) }
}
