import { copyFields, now, safeGet, toAnyValue } from '@logbridge/bridge'
import {
  END_TIMEOUT_MILLIS,
  ACCEPTS_ANY_VALUE,
  warnOnce,
  isLoggingSuppressed,
  toAnyValueMap,
} from '@logbridge/bridge/internal'
import type { Logger, LoggerProvider, LogRecord } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import {
  ConsoleLogRecordExporter,
  createLoggerConfigurator,
  LoggerProvider as SdkLoggerProvider,
  type LogRecordProcessor,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs'
import type { LogsConfig } from '../config/config.ts'
import type { ExporterConfig } from '../config/exporter.ts'
import { createTransport } from '../transport/createTransport.ts'
import type { ExitHandler } from '../process/processExit.ts'
import { limitMillis, within } from '../process/timers.ts'
import type { ExitSource } from '../process/exitFlush.ts'
import { type Unsent, shownEndpoint, unsentRecords } from '../process/longWait.ts'
import { type EncodedScope, encodeResource, encodeScope } from '../otlp/openBatch.ts'
import type { EncodableRecord } from '../otlp/recordEncoder.ts'
import { resolveText } from '../otlp/resolveText.ts'
import {
  readableRecord,
  resolveAttributes,
  resolveContext,
  resolveSeverity,
  resolveTime,
  spanContextOf,
} from './recordFields.ts'
import { exitSource, LogPipeline } from './pipeline.ts'
import { toConsole } from '../signals/console.ts'
import { guardedLogRecordProcessor } from '../signals/guarded.ts'
import { PipelineProcessor } from './processor.ts'
import { RecentValues } from './recent.ts'
import { EMPTY_STATS, type LogsStats } from '../queue/stats.ts'

/** Memory for loggers that are kept so that the same scope is the same object. */
const LOGGERS_BYTES = 4 * 1024 * 1024
/**
 * Records within records that processors of the application log. One that logs twice on each record would double them with each
 * level, down to a full stack.
 */
const MAX_NESTED_EMITS = 3
/** Memory that a logger takes beside its encoded scope. */
const LOGGER_BYTES = 1024

/** The API's LoggerProvider, with what its owner needs. */
export interface LogbridgeLoggerProvider extends LoggerProvider {
  /** The account of all records so far. */
  stats(): LogsStats
  /**
   * Sends everything logged before the call. Resolves, never rejects, when all of it is settled or the time is up.
   * @param timeoutMillis default: `exportTimeoutMillis` (30000)
   */
  forceFlush(timeoutMillis?: number): Promise<void>
  /**
   * Flushes, ends, and unregisters; later records are counted as dropped. A second call gives the promise of the first.
   * After a second one line on stderr tells what is waited for.
   * @param timeoutMillis default 3000
   */
  shutdown(timeoutMillis?: number): Promise<void>
}

/** The same with what the end of the process needs. */
export type ManagedLoggerProvider = LogbridgeLoggerProvider &
  Pick<ExitHandler, 'abandon' | 'spillSync' | 'end'> & {
    readonly exitSource?: ExitSource | undefined
    unsent(): Unsent | undefined
  }

/** The same from settled configuration; the caller sees to registration and to the end of the process. */
export function createLoggerProviderFrom(config: LogsConfig, resource: Resource): ManagedLoggerProvider {
  // Whoever has processors of their own expects the official SDK's records in them.
  if (config.processors.length > 0 || config.exporters.includes('console')) {
    return createOfficialProvider(config, resource)
  }
  const { exporter } = config
  if (exporter === undefined || !config.exporters.includes('otlp')) return IDLE_PROVIDER
  return createDirectProvider({ ...config, exporter }, resource)
}

/** Records go straight into the pipeline, whatever values they hold. */
function createDirectProvider(
  config: LogsConfig & { readonly exporter: ExporterConfig },
  resource: Resource,
): ManagedLoggerProvider {
  const transport = createTransport(config)
  const endpoint = shownEndpoint(config.exporter.url)
  const pipeline = new LogPipeline(config, transport)
  const encodedResource = encodeResource(resource)
  const createLogger = loggerFactory(pipeline, config.minimumSeverity)
  const loggers = new RecentValues<Logger>(LOGGERS_BYTES)
  const provider: ManagedLoggerProvider & { [ACCEPTS_ANY_VALUE]: true } = {
    // What the bridge looks for before it spares itself the mapping of values.
    [ACCEPTS_ANY_VALUE]: true,
    getLogger(name, version, options) {
      const scope = encodeScope(
        { ...copyFields(options ?? {}), name, ...(version && { version }) },
        encodedResource,
      )
      // The length of the scope stands in its bytes: no other two texts make the same key.
      const key = scope.bytes + scope.schemaUrl
      let logger = loggers.get(key)
      if (logger === undefined) {
        logger = createLogger(scope)
        loggers.set(key, logger, LOGGER_BYTES + scope.size + key.length)
      }
      return logger
    },
    stats: () => pipeline.stats(),
    forceFlush: (timeoutMillis) => pipeline.forceFlush(timeoutMillis),
    shutdown: (timeoutMillis) => pipeline.shutdown(timeoutMillis),
    abandon: () => transport.abandon?.(),
    spillSync: () => pipeline.spillSync(),
    end: () => pipeline.end(),
    exitSource: exitSource(pipeline, transport),
    unsent: () => unsentRecords(pipeline.stats(), endpoint),
  }
  return provider
}

/** Makes the loggers of one provider. They share all but `emit`: an application may ask for one in each log call. */
function loggerFactory(pipeline: LogPipeline, minimumSeverity: number): (scope: EncodedScope) => Logger {
  function isWanted(severityNumber: number): boolean {
    return severityNumber >= minimumSeverity || severityNumber === 0
  }

  function encodable(record: LogRecord): EncodableRecord | undefined {
    const severityNumber = resolveSeverity(record.severityNumber)
    if (!isWanted(severityNumber) || isLoggingSuppressed()) return undefined
    const { timestamp, observedTimestamp: observed } = record
    const observedTimestamp = resolveTime(observed) ?? now()
    return {
      // A bridge gives one and the same where its library has no time of its own.
      timestamp: timestamp === observed ? observedTimestamp : (resolveTime(timestamp) ?? observedTimestamp),
      observedTimestamp,
      severityNumber,
      severityText: resolveText(record.severityText),
      body: record.body,
      attributes: resolveAttributes(record),
      droppedAttributesCount: 0,
      eventName: resolveText(record.eventName),
      spanContext: spanContextOf(record.context),
    }
  }

  function emit(scope: EncodedScope, record: LogRecord): void {
    try {
      const settled = settle(encodable, record)
      if (settled) pipeline.write(scope, settled)
    } catch (error) {
      try {
        failed(error)
      } catch {
        // The stack is full.
      }
    }
  }

  const enabled: Logger['enabled'] = (options) =>
    isWanted(resolveSeverity(options && safeGet(options, 'severityNumber')))

  return (scope) => ({ emit: (record) => emit(scope, record), enabled })
}

/** Reads a record; one that throws as it is read without the fields that do. */
function settle<T>(take: (record: LogRecord) => T, record: LogRecord): T {
  try {
    return take(record)
  } catch {
    return take(readableRecord(record))
  }
}

function failed(error: unknown): void {
  warnOnce('emit', 'a log record could not be handed on', error)
}

/** Records go through the official LoggerProvider and the user's processors, and end in the same pipeline. */
function createOfficialProvider(config: LogsConfig, resource: Resource): ManagedLoggerProvider {
  const processors: LogRecordProcessor[] = config.processors.map(guardedLogRecordProcessor)
  if (config.exporters.includes('console')) {
    processors.push(new SimpleLogRecordProcessor({ exporter: toConsole(new ConsoleLogRecordExporter()) }))
  }
  const last = config.exporters.includes('otlp') ? new PipelineProcessor(config) : undefined
  const { minimumSeverity } = config
  const official = new SdkLoggerProvider({
    resource,
    processors: last ? [...processors, last] : processors,
    logRecordLimits: config.limits,
    ...(config.meterProvider && { meterProvider: config.meterProvider }),
    loggerConfigurator: createLoggerConfigurator([{ pattern: '*', config: { minimumSeverity } }]),
  })

  /** Not by the SDK: it tells no processor of the deadline, and ours would go on, and hold the process, for its default. */
  async function flush(timeoutMillis: number): Promise<void> {
    const flushes = processors.map((processor) => processor.forceFlush())
    await Promise.all([within(timeoutMillis, flushes), last?.forceFlush({ timeoutMillis })])
  }

  async function end(timeoutMillis: number): Promise<void> {
    const start = performance.now()
    const left = (): number => Math.max(0, timeoutMillis - (performance.now() - start))
    await flush(timeoutMillis)
    // Ours first and by itself: the SDK knows no deadline here, and what is not sent in time has to be counted.
    await last?.shutdown(left())
    await within(left(), [official.shutdown().catch(faulty)])
  }

  let depth = 0
  function unlessNested(severityNumber: number, emit: () => void): void {
    if (depth > MAX_NESTED_EMITS) return last?.refuseNested(severityNumber)
    depth += 1
    try {
      emit()
    } finally {
      depth -= 1
    }
  }

  const loggers = new WeakMap<Logger, Logger>()
  function getLogger(...[name, version, options]: Parameters<LoggerProvider['getLogger']>): Logger {
    const inner = official.getLogger(resolveText(name) ?? '', resolveText(version), options)
    let logger = loggers.get(inner)
    if (logger === undefined) {
      logger = createMappingLogger(inner, unlessNested)
      loggers.set(inner, logger)
    }
    return logger
  }

  let ending: Promise<void> | undefined
  const provider: ManagedLoggerProvider & { [ACCEPTS_ANY_VALUE]: true } = {
    [ACCEPTS_ANY_VALUE]: true,
    getLogger,
    stats: () => last?.stats() ?? EMPTY_STATS,
    forceFlush: (timeoutMillis) => flush(limitMillis(timeoutMillis, config.exportTimeoutMillis)),
    shutdown: (timeoutMillis) => (ending ??= end(limitMillis(timeoutMillis, END_TIMEOUT_MILLIS))),
    abandon: () => last?.abandon(),
    spillSync: () => last?.spillSync(),
    end: () => last?.end(),
    exitSource: last?.exitSource,
    unsent: () => last?.unsent(),
  }
  return provider
}

/** Maps all fields before the official SDK sees them: it bounds nothing that it reads, and throws at a time that is none. */
function createMappingLogger(
  official: Logger,
  unlessNested: (severityNumber: number, emit: () => void) => void,
): Logger {
  function mapped(record: LogRecord): LogRecord {
    const { body } = record
    const attributes = resolveAttributes(record)
    const observedTimestamp = resolveTime(record.observedTimestamp) ?? now()
    const severityText = resolveText(record.severityText)
    const eventName = resolveText(record.eventName)
    return {
      timestamp: resolveTime(record.timestamp) ?? observedTimestamp,
      observedTimestamp,
      severityNumber: resolveSeverity(record.severityNumber),
      ...(severityText !== undefined && { severityText }),
      ...(body !== undefined && { body: toAnyValue(body) }),
      ...(attributes && { attributes: toAnyValueMap(attributes) }),
      ...(eventName !== undefined && { eventName }),
      context: resolveContext(record.context),
    }
  }

  return {
    emit(record) {
      try {
        const settled = settle(mapped, record)
        unlessNested(settled.severityNumber ?? 0, () => official.emit(settled))
      } catch (error) {
        failed(error)
      }
    },
    enabled: (options) => official.enabled?.(options) ?? true,
  }
}

function faulty(error: unknown): void {
  warnOnce('processor', 'a log record processor failed to shut down', error)
}

/** For `OTEL_LOGS_EXPORTER=none`, and for an endpoint that cannot be used. */
const IDLE_PROVIDER: ManagedLoggerProvider = {
  getLogger: () => ({ emit() {}, enabled: () => false }),
  stats: () => EMPTY_STATS,
  forceFlush: async () => {},
  shutdown: async () => {},
  unsent: () => undefined,
}
