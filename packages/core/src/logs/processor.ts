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

/** Feeds a pipeline from the official SDK's records, encoding each in `onEmit`. */
export class PipelineProcessor implements LogRecordProcessor {
  /** `undefined`: there is no endpoint that can be used. */
  private readonly pipeline: LogPipeline | undefined
  private readonly transport: ExportTransport | undefined
  /** Without its secrets, which whoever prints this would see. */
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

  /** See `LogPipeline`. */
  refuseNested(severityNumber: number): void {
    this.pipeline?.refuseNested(severityNumber)
  }

  /** The account of all records so far. */
  stats(): LogsStats {
    return this.pipeline?.stats() ?? EMPTY_STATS
  }

  async forceFlush(options?: ForceFlushOptions): Promise<void> {
    await this.pipeline?.forceFlush(options?.timeoutMillis)
  }

  async shutdown(timeoutMillis?: number): Promise<void> {
    await this.pipeline?.shutdown(timeoutMillis)
  }

  /** See `Ending`. */
  abandon(): void {
    this.transport?.abandon?.()
  }

  /** See `Ending`. */
  spillSync(): void {
    this.pipeline?.spillSync()
  }

  /** See `Ending`. */
  get exitSource(): ExitSource | undefined {
    return this.pipeline && this.transport && exitSource(this.pipeline, this.transport)
  }

  /** See `Ending`. */
  unsent(): Unsent | undefined {
    return this.endpoint === undefined ? undefined : unsentRecords(this.stats(), this.endpoint)
  }

  /** See `Ending`. */
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

/** The options of `createLoggerProvider` that are not the SDK's own business. */
export type OtlpLogRecordProcessorOptions = ExporterOptions &
  Omit<LogsOptions, 'limits' | 'processors'> &
  Pick<LoggerProviderOptions, 'meterProvider'> &
  Pick<ShutdownOptions, 'flushOnExit'>

/**
 * The pipeline of `createLoggerProvider` as a LogRecordProcessor of the official SDK 3.x, for whoever keeps their own
 * NodeSDK: `new NodeSDK({ logRecordProcessors: [new OtlpLogRecordProcessor()] })`. It takes the place of a
 * BatchLogRecordProcessor and its exporter.
 */
export class OtlpLogRecordProcessor extends PipelineProcessor {
  private readonly dispose: () => void
  private ending: Promise<void> | undefined

  /** @throws LogbridgeError `INVALID_OPTION`; `STARTUP_SNAPSHOT` while Node builds one */
  constructor(options: OtlpLogRecordProcessorOptions = {}) {
    refuseInSnapshot('OtlpLogRecordProcessor')
    super(resolveLogs(options, process.env))
    this.dispose = onProcessExit(
      {
        forceFlush: (timeoutMillis) => this.forceFlush({ timeoutMillis }),
        stats: () => this.stats(),
        activity: () => this.stats().created,
        abandon: () => this.abandon(),
        spillSync: () => this.spillSync(),
        end: () => this.end(),
        exitSources: [this.exitSource],
        unsent: () => [this.unsent()],
      },
      { flushOnExit: options.flushOnExit },
    )
  }

  /** @param timeoutMillis default 3000 */
  override shutdown(timeoutMillis?: number): Promise<void> {
    const millis = limitMillis(timeoutMillis, END_TIMEOUT_MILLIS)
    const ended = (): Promise<void> => super.shutdown(millis).finally(this.dispose)
    return (this.ending ??= withLongWaitNoted(ended(), () => [this.unsent()], millis))
  }
}
