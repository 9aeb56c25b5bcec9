import { AsyncLocalStorage } from 'node:async_hooks'
import { LogbridgeError } from '@logbridge/bridge'
import { warnOnce } from '@logbridge/bridge/internal'
import {
  CumulativeTemporalitySelector,
  DeltaTemporalitySelector,
  LowMemoryTemporalitySelector,
} from '@opentelemetry/exporter-metrics-otlp-http'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer'
import type { Resource } from '@opentelemetry/resources'
import {
  type AggregationOption,
  AggregationType,
  ConsoleMetricExporter,
  type IMetricReader,
  InstrumentType,
  MeterProvider,
  type MetricReader,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics'
import type { MetricsConfig } from '../config/config.ts'
import { withSuppressedTelemetry } from '../transport/suppressed.ts'
import { toConsole } from './console.ts'
import { createOtlpExporter, type OtlpExporter } from './exporter.ts'
import type { SignalPipeline } from './signalPipeline.ts'
import { guardedMetricReader } from './guarded.ts'

const TEMPORALITY = {
  cumulative: CumulativeTemporalitySelector,
  delta: DeltaTemporalitySelector,
  lowmemory: LowMemoryTemporalitySelector,
}

/**
 * Creates the metrics pipeline of the official SDK. Returns `undefined` without any reader.
 * @throws LogbridgeError `INVALID_OPTION` when the SDK refuses the views
 */
export function createMetrics(
  config: MetricsConfig,
  resource: Resource,
): SignalPipeline<MeterProvider> | undefined {
  checkViews(config)
  const { exporter, exportIntervalMillis, exportTimeoutMillis } = config
  let otlp: OtlpExporter<ResourceMetrics> | undefined

  function reader(name: MetricsConfig['exporters'][number]): IMetricReader {
    switch (name) {
      case 'otlp': {
        // `exporters` contains otlp only with a valid endpoint.
        otlp = createOtlpExporter('metrics', { ...config, exporter: exporter! }, ProtobufMetricsSerializer)
        return push({
          ...otlp,
          selectAggregationTemporality: TEMPORALITY[config.temporalityPreference],
          selectAggregation: (type) => aggregation(type, config.histogramAggregation),
        })
      }
      case 'console':
        return push(toConsole(new ConsoleMetricExporter()))
      case 'prometheus':
        return prometheus(config.prometheus)
    }
  }

  function push(exporter: PushMetricExporter): IMetricReader {
    return new SuppressedReader({ exporter, exportIntervalMillis, exportTimeoutMillis })
  }

  const readers = [...config.readers.map(guardedMetricReader), ...config.exporters.map(reader)]
  if (readers.length === 0) return undefined
  const provider = new MeterProvider({ resource, views: [...config.views], readers })
  /** Ends the backoff of an export in progress, because the SDK flushes the exporter only after that export. */
  function endBackoff(): void {
    void otlp?.forceFlush()
  }
  return {
    provider,
    forceFlush(timeoutMillis) {
      endBackoff()
      return provider.forceFlush({ timeoutMillis })
    },
    shutdown(timeoutMillis) {
      endBackoff()
      return provider.shutdown({ timeoutMillis })
    },
    abandon: () => otlp?.abandon(),
    close: async () => otlp?.close(),
    unsent: () => otlp?.unsent(),
  }
}

/**
 * Reader that suppresses telemetry about its exports: warnings of the SDK become no log records when the diag logger is bridged. The
 * callbacks of the application run unsuppressed and may log.
 */
class SuppressedReader extends PeriodicExportingMetricReader {
  readonly #asApplication = AsyncLocalStorage.snapshot()

  override collect(options?: Parameters<MetricReader['collect']>[0]): ReturnType<MetricReader['collect']> {
    return this.#asApplication(() => super.collect(options))
  }
  protected override onInitialized(): void {
    withSuppressedTelemetry(() => super.onInitialized())
  }
  protected override onForceFlush(): Promise<void> {
    return withSuppressedTelemetry(() => super.onForceFlush())
  }
  protected override onShutdown(): Promise<void> {
    return withSuppressedTelemetry(() => super.onShutdown())
  }
}

/** Checks the views before any reader exists, because a reader would have to be shut down after an error. */
function checkViews({ views }: MetricsConfig): void {
  try {
    void new MeterProvider({ views: [...views] })
  } catch (cause) {
    throw new LogbridgeError(
      'INVALID_OPTION',
      '@logbridge/core: option metrics.views is not what the SDK accepts',
      {
        cause,
      },
    )
  }
}

function aggregation(
  type: InstrumentType,
  histogram: MetricsConfig['histogramAggregation'],
): AggregationOption {
  return type === InstrumentType.HISTOGRAM && histogram === 'base2_exponential_bucket_histogram'
    ? { type: AggregationType.EXPONENTIAL_HISTOGRAM }
    : { type: AggregationType.DEFAULT }
}

/** Creates a reader that listens in the background. A port in use causes one warning and no error. */
function prometheus({ port, host }: MetricsConfig['prometheus']): IMetricReader {
  return new PrometheusExporter({ port, host }, (error) => {
    if (error) warnOnce('prometheus', `Prometheus endpoint failed to listen at ${host}:${port}`, error)
  })
}
