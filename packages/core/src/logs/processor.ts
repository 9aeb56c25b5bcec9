import { isLoggingSuppressed, resolveText, validSeverity, type ValueLimits } from '@logbridge/bridge/internal'
import type { InstrumentationScope } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import type { LogRecordProcessor, ReadWriteLogRecord } from '@opentelemetry/sdk-logs'
import type {
  ShutdownOptions,
  ExporterOptions,
  LoggerProviderOptions,
  LogsOptions,
} from '../config/options.ts'
import { type LogsConfig, resolveLogs } from '../config/config.ts'
import { createTransport } from '../transport/createTransport.ts'
import { shownDestination } from '../config/file.ts'
import { unsentRecords } from '../process/longWait.ts'
import { onProcessExit } from '../process/processExit.ts'
import { createShutdown, type Shutdown } from '../process/shutdown.ts'
import type { TimeLimit } from '../process/timers.ts'
import { checkStart } from '../process/startChecks.ts'
import { type EncodedResource, type EncodedScope, encodeResource, encodeScope } from '../otlp/openBatch.ts'
import { createExitHandler, IDLE_EXIT_HANDLER, type LogsExitHandler } from './exitHandler.ts'
import { LogPipeline } from './pipeline.ts'
import { EMPTY_STATS, type LogsStats } from '../queue/counters.ts'

/** Encodes the official SDK's records in `onEmit` into a pipeline. */
export class PipelineProcessor implements LogRecordProcessor {
  readonly exitHandler: LogsExitHandler
  /** `undefined` when the configured endpoint is invalid. */
  private readonly pipeline: LogPipeline | undefined
  private readonly minimumSeverity: number
  private readonly resources = new WeakMap<Resource, EncodedResource>()
  private readonly scopes = new WeakMap<InstrumentationScope, EncodedScope>()

  /** @param limits limits that the official SDK does not apply */
  constructor(config: LogsConfig, limits: ValueLimits = {}) {
    const { exporter } = config
    const endpoint = exporter && shownDestination(exporter)
    const transport =
      exporter &&
      createTransport({ ...config, exporter }, 'logs', () => unsentRecords(this.stats(), endpoint!))
    this.pipeline = transport && new LogPipeline(config, transport, limits)
    this.exitHandler =
      this.pipeline && transport ? createExitHandler(this.pipeline, transport, endpoint!) : IDLE_EXIT_HANDLER
    this.minimumSeverity = config.minimumSeverity
  }

  enabled({ severityNumber }: { severityNumber?: number }): boolean {
    return this.pipeline?.isClosed === false && this.isWanted(validSeverity(severityNumber))
  }

  onEmit(record: ReadWriteLogRecord): void {
    const severityNumber = validSeverity(record.severityNumber)
    if (!this.pipeline || !this.isWanted(severityNumber)) return
    this.pipeline.write(this.scope(record), {
      timestamp: record.hrTime,
      observedTimestamp: record.hrTimeObserved,
      severityNumber,
      severityText: resolveText(record.severityText),
      body: record.body,
      attributes: record.attributes,
      droppedAttributesCount: record.droppedAttributesCount,
      eventName: resolveText(record.eventName),
      spanContext: record.spanContext,
    })
  }

  /** Counts a record that a processor emitted on each record, recursively. */
  dropReentrant(severityNumber: number): void {
    this.pipeline?.dropReentrant(severityNumber)
  }

  /** Returns the counts of all records so far. */
  stats(): LogsStats {
    return this.pipeline?.stats() ?? EMPTY_STATS
  }

  /** See `LogPipeline`. */
  acknowledged(): Promise<boolean> {
    return this.pipeline?.acknowledged() ?? Promise.resolve(true)
  }

  forceFlush(limit?: TimeLimit): Promise<void> {
    return this.pipeline?.forceFlush(limit) ?? Promise.resolve()
  }

  shutdown(limit?: TimeLimit): Promise<void> {
    return this.pipeline?.shutdown(limit) ?? Promise.resolve()
  }

  private isWanted(severityNumber: number): boolean {
    return (severityNumber === 0 || severityNumber >= this.minimumSeverity) && !isLoggingSuppressed()
  }

  private scope({ instrumentationScope, resource }: ReadWriteLogRecord): EncodedScope {
    let encodedResource = this.resources.get(resource)
    if (encodedResource === undefined) {
      encodedResource = encodeResource(resource)
      this.resources.set(resource, encodedResource)
    }
    let scope = this.scopes.get(instrumentationScope)
    if (scope?.resource !== encodedResource) {
      scope = encodeScope(instrumentationScope, encodedResource)
      this.scopes.set(instrumentationScope, scope)
    }
    return scope
  }
}

/** Options of `createLoggerProvider`, without those that the official SDK has itself. */
export type OtlpLogRecordProcessorOptions = ExporterOptions &
  Omit<LogsOptions, 'limits' | 'processors'> &
  Pick<LoggerProviderOptions, 'meterProvider'> &
  Pick<ShutdownOptions, 'flushOnExit'>

/**
 * LogRecordProcessor for the official SDK 3.x with the pipeline of `createLoggerProvider`. Replaces a
 * BatchLogRecordProcessor and its exporter.
 *
 * @example
 * ```ts
 * const sdk = new NodeSDK({ logRecordProcessors: [new OtlpLogRecordProcessor()] })
 * ```
 */
export class OtlpLogRecordProcessor implements LogRecordProcessor {
  readonly #processor: PipelineProcessor
  readonly #shutdown: Shutdown

  /** @throws LogbridgeError `INVALID_OPTION`; `NODE_VERSION`; `STARTUP_SNAPSHOT` while Node.js builds a startup snapshot */
  constructor(options: OtlpLogRecordProcessorOptions = {}) {
    checkStart('OtlpLogRecordProcessor')
    const processor = new PipelineProcessor(resolveLogs(options, process.env))
    const { exitHandler } = processor
    const dispose = onProcessExit(exitHandler, { flushOnExit: options.flushOnExit })
    this.#processor = processor
    this.#shutdown = createShutdown(
      (timeoutMillis) => processor.shutdown(timeoutMillis).finally(dispose),
      exitHandler.unsent,
    )
  }

  /** Tells if a record of this severity would be sent. */
  enabled(options: { severityNumber?: number }): boolean {
    return this.#processor.enabled(options)
  }

  /** Encodes a record. Later changes of the record have no effect. */
  onEmit(record: ReadWriteLogRecord): void {
    this.#processor.onEmit(record)
  }

  /** Returns the counts of all records so far. */
  stats(): LogsStats {
    return this.#processor.stats()
  }

  /**
   * Sends all records that were emitted before the call. Unsent records stay in the queue after the timeout.
   *
   * @param limit default: `exportTimeoutMillis` (30000)
   * @returns a promise that never rejects
   * @throws LogbridgeError `INVALID_OPTION`
   */
  forceFlush(limit?: TimeLimit): Promise<void> {
    return this.#processor.forceFlush(limit)
  }

  /**
   * Flushes, then ends. Records emitted later count as `already_shutdown`. A wait of more than one second is reported on
   * stderr.
   *
   * @param limit default 3000
   * @returns the same promise for each call; never rejects
   * @throws LogbridgeError `INVALID_OPTION`
   */
  shutdown(limit?: TimeLimit): Promise<void> {
    return this.#shutdown.begin(limit)
  }
}
