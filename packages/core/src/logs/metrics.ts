import { warnOnce } from '@logbridge/bridge/internal'
import type { Attributes, MeterProvider, Observable, ObservableCallback } from '@opentelemetry/api'
import { type DestinationConfig, takesLines } from '../config/file.ts'
import { GRPC_STATUS_NAMES } from '../transport/grpcCall.ts'
import type { ExportObserver, ExportOutcome } from '../transport/transport.ts'
import { type PipelineCounters, errorType } from '../queue/counters.ts'

const METER = '@logbridge/core'
const RECORDS = { unit: '{log_record}' }
/** Bounds of the duration histogram: those of the semantic conventions for requests, and longer ones for retries. The SDK's defaults are for milliseconds. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300]
const PROCESSOR = 'batching_log_processor'
const EXPORTER = {
  grpc: 'otlp_grpc_log_exporter',
  'http/protobuf': 'otlp_http_log_exporter',
  // The conventions name no exporter for files.
  file: 'otlp_file_log_exporter',
  stdout: 'otlp_stdout_log_exporter',
}

/** Pipelines of this process so far. Each pipeline is a component with its own number. */
let pipelines = 0

/**
 * Exports the counters of a pipeline as metrics of the semantic conventions.
 * https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/#log-metrics
 *
 * @param config.maxQueueSize records. `undefined`: the queue is bounded by bytes, for which the conventions have no metric
 * @param isBehindSdk true when the official SDK counts `otel.sdk.log.created`
 * @returns records the duration of each export
 */
export function observePipeline(
  meterProvider: MeterProvider,
  config: { readonly exporter: DestinationConfig; readonly maxQueueSize: number | undefined },
  counters: PipelineCounters,
  isBehindSdk: boolean,
): ExportObserver {
  const meter = meterProvider.getMeter(METER)
  const instance = pipelines
  pipelines += 1
  const processor = component(PROCESSOR, instance)
  const exporter = {
    ...component(EXPORTER[config.exporter.protocol], instance),
    ...serverOf(config.exporter),
  }
  // Callbacks stay after a shutdown because cumulative counters keep their last values.
  const observe = (instrument: Observable, callback: ObservableCallback): void =>
    instrument.addCallback(callback)

  if (!isBehindSdk) {
    observe(meter.createObservableCounter('otel.sdk.log.created', RECORDS), (result) =>
      result.observe(counters.created),
    )
  }
  observe(meter.createObservableCounter('otel.sdk.processor.log.processed', RECORDS), (result) => {
    result.observe(counters.exported, processor)
    for (const [reason, count] of Object.entries(counters.enqueueFailed)) {
      result.observe(count, { ...processor, 'error.type': reason })
    }
  })
  observe(meter.createObservableUpDownCounter('otel.sdk.processor.log.queue.size', RECORDS), (result) =>
    result.observe(counters.queued, processor),
  )
  if (config.maxQueueSize !== undefined) {
    const capacity = config.maxQueueSize
    observe(meter.createObservableUpDownCounter('otel.sdk.processor.log.queue.capacity', RECORDS), (result) =>
      result.observe(capacity, processor),
    )
  }
  observe(meter.createObservableUpDownCounter('otel.sdk.exporter.log.inflight', RECORDS), (result) =>
    result.observe(counters.inFlight, exporter),
  )
  observe(meter.createObservableCounter('otel.sdk.exporter.log.exported', RECORDS), (result) => {
    result.observe(counters.delivered, exporter)
    if (counters.rejected > 0) result.observe(counters.rejected, { ...exporter, 'error.type': 'rejected' })
    for (const [type, count] of counters.sendFailed)
      result.observe(count, { ...exporter, 'error.type': type })
  })
  const duration = meter.createHistogram('otel.sdk.exporter.operation.duration', {
    unit: 's',
    advice: { explicitBucketBoundaries: SECONDS },
  })

  return (outcome, seconds) => {
    try {
      duration.record(seconds, { ...exporter, ...resultOf(outcome, config) })
    } catch (error) {
      warnOnce('meter', 'the MeterProvider failed to record the duration of an export', error)
    }
  }
}

function component(type: string, instance: number): Attributes {
  return { 'otel.component.type': type, 'otel.component.name': `${type}/${instance}` }
}

function resultOf(
  outcome: ExportOutcome,
  { exporter }: { readonly exporter: DestinationConfig },
): Attributes {
  const { status } = outcome
  const isComplete = outcome.kind === 'delivered' && outcome.rejected === 0
  const type = outcome.kind === 'delivered' ? 'rejected' : errorType(outcome)
  return {
    ...(!isComplete && { 'error.type': type }),
    ...(status !== undefined && statusOf(status, exporter.protocol)),
  }
}

function statusOf(status: number, protocol: DestinationConfig['protocol']): Attributes {
  return protocol === 'grpc'
    ? { 'rpc.response.status_code': GRPC_STATUS_NAMES[status] ?? String(status) }
    : { 'http.response.status_code': status }
}

/** Returns no attributes for files, and for a gRPC target without a URL scheme, because the target may stand for several servers. */
function serverOf(exporter: DestinationConfig): Attributes {
  if (takesLines(exporter) || !/^https?:/i.test(exporter.url)) return {}
  const { url } = exporter
  const { hostname, port, protocol } = new URL(url)
  return { 'server.address': hostname, 'server.port': Number(port || (protocol === 'https:' ? 443 : 80)) }
}
