import { type AnyValue, copyFields } from '@logbridge/bridge'
import { ACCEPTS_ANY_VALUE, resolveText, toAnyValueMap, warnOnce } from '@logbridge/bridge/internal'
import type { Attributes, Logger, LoggerProvider } from '@opentelemetry/api'
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import {
  ConsoleLogRecordExporter,
  createLoggerConfigurator,
  LoggerProvider as SdkLoggerProvider,
  type LogRecordProcessor,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs'
import type { LogsConfig } from '../config/config.ts'
import { type DestinationConfig, shownDestination } from '../config/file.ts'
import { createTransport } from '../transport/createTransport.ts'
import { unsentRecords } from '../process/longWait.ts'
import { createShutdown } from '../process/shutdown.ts'
import { limitMillis, type TimeLimit, within } from '../process/timers.ts'
import { encodeResource, encodeScope } from '../otlp/openBatch.ts'
import { createExitHandler, IDLE_EXIT_HANDLER, type LogsExitHandler } from './exitHandler.ts'
import { createMappingLogger, loggerFactory } from './logger.ts'
import { LogPipeline } from './pipeline.ts'
import { toConsole } from '../signals/console.ts'
import { guardedLogRecordProcessor } from '../signals/guarded.ts'
import { PipelineProcessor } from './processor.ts'
import { RecentValues } from './recent.ts'
import { EMPTY_STATS, type LogsStats } from '../queue/counters.ts'

/** Memory for recently used loggers, so that each scope has one logger object. */
const LOGGERS_BYTES = 4 * 1024 * 1024
/**
 * Depth of records that processors of the application emit on each record. A processor that emits twice on each record doubles
 * their number with each level, until the stack is full.
 */
const MAX_REENTRANT_EMITS = 3
/** Memory of a logger, without its encoded scope. */
const LOGGER_BYTES = 1024

/** LoggerProvider of the Logs API, with counts, flush, and shutdown. */
export interface LogbridgeLoggerProvider extends LoggerProvider {
  /**
   * Returns a LoggerProvider whose records have another resource and the same way to the receiver, because one process may pass on the
   * records of several services.
   *
   * @param attributes replace and complete the attributes of this provider's resource. Keep the returned provider: each call encodes the
   * resource
   * @example
   * ```ts
   * const shop = loggerProvider.forResource({ 'service.name': 'shop' })
   * ```
   */
  forResource(attributes: Attributes): LoggerProvider
  /** Returns the counts of all records so far. */
  stats(): LogsStats
  /**
   * Sends all records that were emitted before the call. Unsent records stay in the queue after the timeout.
   *
   * @param limit default: `exportTimeoutMillis` (30000)
   * @returns a promise that never rejects
   * @throws LogbridgeError `INVALID_OPTION`
   * @example
   * ```ts
   * await loggerProvider.forceFlush({ timeoutMillis: 5000 })
   * ```
   */
  forceFlush(limit?: TimeLimit): Promise<void>
  /**
   * Waits until each record that was emitted before the call has the final answer of the receiver, or is in the spool. Sends nothing by
   * itself. A program that reads records from a file stores its position in the file after this wait, so that the program reads again
   * what was not delivered before a crash.
   *
   * @returns a promise of true; of false when the shutdown has ended the wait with unsent records. Never rejects
   * @example
   * ```ts
   * const { position } = reader
   * if (await loggerProvider.acknowledged()) store(position)
   * ```
   */
  acknowledged(): Promise<boolean>
  /**
   * Flushes, ends, and unregisters. Records emitted later count as `already_shutdown`. A wait of more than one second is
   * reported on stderr.
   *
   * @param limit default 3000
   * @returns the same promise for each call; never rejects
   * @throws LogbridgeError `INVALID_OPTION`
   */
  shutdown(limit?: TimeLimit): Promise<void>
}

/** LoggerProvider that takes values of any type. */
type DirectLoggerProvider = LoggerProvider & { readonly [ACCEPTS_ANY_VALUE]: true }

/** LoggerProvider, and the parts of its pipeline that the end of the process needs. */
export interface ManagedLoggerProvider {
  readonly provider: LogbridgeLoggerProvider
  readonly exitHandler: LogsExitHandler
  /** Queues a request of another program, with its number of records. Absent where records go elsewhere than to OTLP alone. */
  forward?(request: Uint8Array, count: number): void
}

/** Creates a LoggerProvider from resolved configuration. The caller registers it and handles the end of the process. */
export function createLoggerProviderFrom(config: LogsConfig, resource: Resource): ManagedLoggerProvider {
  // Processors of the application expect records of the official SDK.
  if (config.processors.length > 0 || config.exporters.includes('console')) {
    return createOfficialProvider(config, resource)
  }
  const { exporter } = config
  if (exporter === undefined || !config.exporters.includes('otlp')) return IDLE_PROVIDER
  return createDirectProvider({ ...config, exporter }, resource)
}

/** Creates a provider that writes records of any values into the pipeline without the official SDK. */
function createDirectProvider(
  config: LogsConfig & { readonly exporter: DestinationConfig },
  resource: Resource,
): ManagedLoggerProvider {
  const endpoint = shownDestination(config.exporter)
  const transport = createTransport(config, 'logs', () => unsentRecords(pipeline.stats(), endpoint))
  const pipeline = new LogPipeline(config, transport)
  const createLogger = loggerFactory(pipeline, config.minimumSeverity)
  function providerOf(of: Resource): DirectLoggerProvider {
    const encodedResource = encodeResource(of)
    const loggers = new RecentValues<Logger>(LOGGERS_BYTES)
    return {
      // The bridge skips mapping of values when a provider has this key.
      [ACCEPTS_ANY_VALUE]: true,
      getLogger(name, version, options) {
        const { attributes, ...others } = copyFields(options ?? {})
        const scope = encodeScope(
          { ...others, attributes: inOrder(attributes), name, ...(version && { version }) },
          encodedResource,
        )
        // Keys are unique because the encoded scope holds its length.
        const key = scope.bytes + scope.schemaUrl
        let logger = loggers.get(key)
        if (logger === undefined) {
          logger = createLogger(scope)
          loggers.set(key, logger, LOGGER_BYTES + scope.size + key.length)
        }
        return logger
      },
    }
  }
  const provider: LogbridgeLoggerProvider = {
    ...providerOf(resource),
    forResource: (attributes) => providerOf(resource.merge(resourceFromAttributes(attributes))),
    stats: () => pipeline.stats(),
    acknowledged: () => pipeline.acknowledged(),
    // Rest parameters make `length` 0: see `forceFlush` of telemetry.ts.
    forceFlush: (...limit) => pipeline.forceFlush(...limit),
    shutdown: (...limit) => pipeline.shutdown(...limit),
  }
  return {
    provider,
    exitHandler: createExitHandler(pipeline, transport, endpoint),
    forward: (request, count) => pipeline.forward(request, count),
  }
}

/** Sorts the keys of attributes and of the maps among them, because scopes with equal attributes are equal in any order. */
function inOrder(attributes: unknown): unknown {
  return typeof attributes === 'object' && attributes !== null ? sorted(toAnyValueMap(attributes)) : undefined
}

function sorted(value: AnyValue): AnyValue {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  if (Array.isArray(value)) return value.map(sorted)
  const fields = Object.entries(value).map(([name, field]) => [name, sorted(field)] as const)
  return Object.fromEntries(fields.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Creates a provider whose records pass the official LoggerProvider and the application's processors, then enter the pipeline. */
function createOfficialProvider(config: LogsConfig, resource: Resource): ManagedLoggerProvider {
  const processors: LogRecordProcessor[] = config.processors.map(guardedLogRecordProcessor)
  if (config.exporters.includes('console')) {
    processors.push(new SimpleLogRecordProcessor({ exporter: toConsole(new ConsoleLogRecordExporter()) }))
  }
  const { minimumSeverity, limits } = config
  // The SDK cuts characters in two, and takes a length of 0 for no limit.
  const lengthLimit = { attributeValueLengthLimit: limits.attributeValueLengthLimit }
  const last = config.exporters.includes('otlp') ? new PipelineProcessor(config, lengthLimit) : undefined
  const officialOf = (of: Resource): SdkLoggerProvider =>
    new SdkLoggerProvider({
      resource: of,
      processors: last ? [...processors, last] : processors,
      logRecordLimits: { ...limits, attributeValueLengthLimit: Infinity },
      ...(config.meterProvider && { meterProvider: config.meterProvider }),
      loggerConfigurator: createLoggerConfigurator([{ pattern: '*', config: { minimumSeverity } }]),
    })
  const official = officialOf(resource)

  /** Flushes processors directly because the SDK does not forward the timeout; ours would block for its default. */
  async function flush(timeoutMillis: number): Promise<void> {
    const flushes = processors.map((processor) => processor.forceFlush())
    await Promise.all([within(timeoutMillis, flushes), last?.forceFlush({ timeoutMillis })])
  }

  const shutdown = createShutdown(async (timeoutMillis) => {
    const start = performance.now()
    const remaining = (): number => Math.max(0, timeoutMillis - (performance.now() - start))
    await flush(timeoutMillis)
    // Shut our processor down before the SDK because the SDK knows no deadline, and unsent records must be counted at the deadline.
    await last?.shutdown(remaining())
    await within(remaining(), [official.shutdown().catch(warnShutdownFailed)])
  })

  let depth = 0
  function emitBounded(severityNumber: number, emit: () => void): void {
    if (depth > MAX_REENTRANT_EMITS) return last?.dropReentrant(severityNumber)
    depth += 1
    try {
      emit()
    } finally {
      depth -= 1
    }
  }

  const loggers = new WeakMap<Logger, Logger>()
  const providerOf = (from: SdkLoggerProvider): DirectLoggerProvider => ({
    [ACCEPTS_ANY_VALUE]: true,
    getLogger(name, version, options) {
      const inner = from.getLogger(resolveText(name) ?? '', resolveText(version), options)
      let logger = loggers.get(inner)
      if (logger === undefined) {
        logger = createMappingLogger(inner, lengthLimit, emitBounded)
        loggers.set(inner, logger)
      }
      return logger
    },
  })

  const provider: LogbridgeLoggerProvider = {
    ...providerOf(official),
    forResource: (attributes) => providerOf(officialOf(resource.merge(resourceFromAttributes(attributes)))),
    stats: () => last?.stats() ?? EMPTY_STATS,
    acknowledged: () => last?.acknowledged() ?? Promise.resolve(true),
    forceFlush: (...[limit]) => flush(limitMillis(limit, config.flushTimeoutMillis)),
    shutdown: (...limit) => shutdown.begin(...limit),
  }
  const exitHandler = last?.exitHandler ?? IDLE_EXIT_HANDLER
  return { provider, exitHandler: { ...exitHandler, forceFlush: flush } }
}

function warnShutdownFailed(error: unknown): void {
  warnOnce('processor', 'shutdown of a log record processor failed', error)
}

/** The provider for `OTEL_LOGS_EXPORTER=none` and for an invalid endpoint. */
const IDLE_LOGGER: Logger = { emit() {}, enabled: () => false }
const IDLE_PROVIDER: ManagedLoggerProvider = {
  provider: {
    getLogger: () => IDLE_LOGGER,
    forResource: () => ({ getLogger: () => IDLE_LOGGER }),
    stats: () => EMPTY_STATS,
    acknowledged: async () => true,
    forceFlush: async () => {},
    shutdown: async () => {},
  },
  exitHandler: IDLE_EXIT_HANDLER,
}
