import { AsyncLocalStorage } from 'node:async_hooks'
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
import { invalidOption } from '../config/settings.ts'
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
 * Creates the metrics pipeline of the official SDK. Returns `undefined` when the configuration has no reader and no exporter.
 * @throws LogbridgeError `INVALID_OPTION` when the SDK refuses the views
 */
export function createMetrics(
  config: MetricsConfig,
  resource: Resource,
): SignalPipeline<MeterProvider> | undefined {
  checkViews(config)
  const { exporter, exportIntervalMillis, exportTimeoutMillis } = config
  let otlp: OtlpExporter<ResourceMetrics> | undefined

  function createReader(name: MetricsConfig['exporters'][number]): IMetricReader {
    switch (name) {
      case 'otlp': {
        // `exporter` is defined, because `exporters` contains otlp only with a valid endpoint.
        otlp = createOtlpExporter('metrics', { ...config, exporter: exporter! }, ProtobufMetricsSerializer)
        return createPushReader({
          ...otlp,
          selectAggregationTemporality: TEMPORALITY[config.temporalityPreference],
          selectAggregation: (type) => aggregationOf(type, config.histogramAggregation),
        })
      }
      case 'console':
        return createPushReader(toConsole(new ConsoleMetricExporter()))
      case 'prometheus':
        return createPrometheusReader(config.prometheus)
    }
  }

  function createPushReader(pushExporter: PushMetricExporter): IMetricReader {
    return new SuppressedReader({ exporter: pushExporter, exportIntervalMillis, exportTimeoutMillis })
  }

  const readers = [...config.readers.map(guardedMetricReader), ...config.exporters.map(createReader)]
  if (readers.length === 0) return undefined
  const provider = new MeterProvider({ resource, views: [...config.views], readers })
  /** Ends the backoff of an export in progress. The SDK itself calls `forceFlush` of the exporter only after this export. */
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
    lost: () => otlp?.lost(),
  }
}

/**
 * Reader that suppresses the telemetry of its exports. Otherwise a bridged diag logger makes log records of the SDK's warnings about an export.
 * The application's callbacks of observable instruments are not suppressed and may log.
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
    throw invalidOption(
      'option metrics.views is an array that the SDK refuses; it accepts ViewOptions of @opentelemetry/sdk-metrics',
      { cause },
    )
  }
}

function aggregationOf(
  type: InstrumentType,
  histogram: MetricsConfig['histogramAggregation'],
): AggregationOption {
  return type === InstrumentType.HISTOGRAM && histogram === 'base2_exponential_bucket_histogram'
    ? { type: AggregationType.EXPONENTIAL_HISTOGRAM }
    : { type: AggregationType.DEFAULT }
}

/** Creates a reader that serves the metrics to Prometheus. A port in use causes one warning, and startup goes on. */
function createPrometheusReader({ port, host }: MetricsConfig['prometheus']): IMetricReader {
  return new PrometheusExporter({ port, host }, (error) => {
    if (error) warnOnce('prometheus', `Prometheus endpoint failed to listen at ${host}:${port}`, error)
  })
}
