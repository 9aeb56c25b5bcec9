import { END_TIMEOUT_MILLIS, isLoggingSuppressed } from '@logbridge/bridge/internal'
import type { InstrumentationScope } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import type { ForceFlushOptions, LogRecordProcessor, ReadWriteLogRecord } from '@opentelemetry/sdk-logs'
import type {
  ShutdownOptions,
  ExporterOptions,
  LoggerProviderOptions,
  LogsOptions,
} from '../config/options.ts'
import { type LogsConfig, resolveLogs } from '../config/config.ts'
import { createTransport, type ExportTransport } from '../transport/createTransport.ts'
import type { ExitSource } from '../process/exitFlush.ts'
import { onProcessExit } from '../process/processExit.ts'
import { limitMillis } from '../process/timers.ts'
import { type Unsent, shownEndpoint, unsentRecords, withLongWaitNoted } from '../process/longWait.ts'
import { refuseInSnapshot } from '../process/snapshot.ts'
import { type EncodedResource, type EncodedScope, encodeResource, encodeScope } from '../otlp/openBatch.ts'
import { resolveSeverity } from './recordFields.ts'
import { resolveText } from '../otlp/resolveText.ts'
import { exitSource, LogPipeline } from './pipeline.ts'
import { EMPTY_STATS, type LogsStats } from '../queue/stats.ts'

/** Encodes the official SDK's records in `onEmit` into a pipeline. */
export class PipelineProcessor implements LogRecordProcessor {
  /** `undefined` when the configured endpoint is invalid. */
  private readonly pipeline: LogPipeline | undefined
  private readonly transport: ExportTransport | undefined
  /** The receiver, without secrets, because anyone may print this object. */
  private readonly endpoint: string | undefined
  private readonly minimumSeverity: number
  private readonly resources = new WeakMap<Resource, EncodedResource>()
  private readonly scopes = new WeakMap<InstrumentationScope, EncodedScope>()

  constructor(config: LogsConfig) {
    const { exporter } = config
    this.transport = exporter && createTransport({ ...config, exporter })
    this.pipeline = this.transport && new LogPipeline(config, this.transport, true)
    this.endpoint = exporter && shownEndpoint(exporter.url)
    this.minimumSeverity = config.minimumSeverity
  }

  enabled({ severityNumber }: { severityNumber?: number }): boolean {
    return this.pipeline !== undefined && this.isWanted(resolveSeverity(severityNumber))
  }

  onEmit(record: ReadWriteLogRecord): void {
    const severityNumber = resolveSeverity(record.severityNumber)
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

  async forceFlush(options?: ForceFlushOptions): Promise<void> {
    await this.pipeline?.forceFlush(options?.timeoutMillis)
  }

  async shutdown(timeoutMillis?: number): Promise<void> {
    await this.pipeline?.shutdown(timeoutMillis)
  }

  abandon(): void {
    this.transport?.abandon?.()
  }

  spillSync(): void {
    this.pipeline?.spillSync()
  }

  get exitSource(): ExitSource | undefined {
    return this.pipeline && this.transport && exitSource(this.pipeline, this.transport)
  }

  unsent(): Unsent | undefined {
    return this.endpoint === undefined ? undefined : unsentRecords(this.stats(), this.endpoint)
  }

  end(): void {
    this.pipeline?.end()
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
  private readonly processor: PipelineProcessor
  private readonly dispose: () => void
  private ending: Promise<void> | undefined

  /** @throws LogbridgeError `INVALID_OPTION`; `STARTUP_SNAPSHOT` while Node.js builds a startup snapshot */
  constructor(options: OtlpLogRecordProcessorOptions = {}) {
    refuseInSnapshot('OtlpLogRecordProcessor')
    const processor = new PipelineProcessor(resolveLogs(options, process.env))
    this.processor = processor
    this.dispose = onProcessExit(
      {
        forceFlush: (timeoutMillis) => processor.forceFlush({ timeoutMillis }),
        stats: () => processor.stats(),
        activity: () => processor.stats().created,
        abandon: () => processor.abandon(),
        spillSync: () => processor.spillSync(),
        end: () => processor.end(),
        exitSources: [processor.exitSource],
        unsent: () => [processor.unsent()],
      },
      { flushOnExit: options.flushOnExit },
    )
  }

  /** Returns true for a severity that is exported, so that the logger can skip other records. */
  enabled(options: { severityNumber?: number }): boolean {
    return this.processor.enabled(options)
  }

  /** Encodes a record into the current batch. */
  onEmit(record: ReadWriteLogRecord): void {
    this.processor.onEmit(record)
  }

  /** Returns the counts of all records so far. */
  stats(): LogsStats {
    return this.processor.stats()
  }

  /**
   * Sends all records that were emitted before the call.
   * @param options `timeoutMillis`: default `exportTimeoutMillis` (30000)
   * @returns a promise that never rejects
   */
  forceFlush(options?: ForceFlushOptions): Promise<void> {
    return this.processor.forceFlush(options)
  }

  /**
   * Flushes and ends the pipeline. Records emitted later count as `already_shutdown`.
   * @param timeoutMillis default 3000
   * @returns the same promise for each call; never rejects
   */
  shutdown(timeoutMillis?: number): Promise<void> {
    const millis = limitMillis(timeoutMillis, END_TIMEOUT_MILLIS)
    const ended = (): Promise<void> => this.processor.shutdown(millis).finally(this.dispose)
    return (this.ending ??= withLongWaitNoted(ended(), () => [this.processor.unsent()], millis))
  }
}
