import { warnOnce } from '@logbridge/bridge/internal'
import type { Attributes, MeterProvider, Observable, ObservableCallback } from '@opentelemetry/api'
import type { ExporterConfig } from '../config/exporter.ts'
import type { ExportObserver, ExportOutcome } from '../transport/transport.ts'
import { type PipelineCounters, errorType } from '../queue/counters.ts'
import type { DropReason } from '../config/dropReasons.ts'

const METER = '@logbridge/core'
const RECORDS = { unit: '{log_record}' }
/** The SDK's own are for milliseconds; these are of the conventions for the duration of requests, and for what is tried again. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300]
const PROCESSOR = 'batching_log_processor'
const EXPORTER = { grpc: 'otlp_grpc_log_exporter', 'http/protobuf': 'otlp_http_log_exporter' }
/** Where the conventions have names of their own. */
const ERROR_TYPE: Partial<Record<DropReason, string>> = {
  queue_full: 'queue_full',
  shutdown: 'already_shutdown',
}

/** Each pipeline of a process is a component of its own. */
let pipelines = 0

/**
 * Shows the account of a pipeline as metrics.
 * https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/#log-metrics
 *
 * @param config.maxQueueSize records; without it the queue is bounded by bytes, for which there is no metric
 * @param createdElsewhere the SDK in front of the pipeline counts `otel.sdk.log.created` itself
 */
export function observePipeline(
  meterProvider: MeterProvider,
  config: { readonly exporter: ExporterConfig; readonly maxQueueSize: number | undefined },
  counters: PipelineCounters,
  createdElsewhere: boolean,
): ExportObserver {
  const meter = meterProvider.getMeter(METER)
  const instance = pipelines
  pipelines += 1
  const processor = component(PROCESSOR, instance)
  const exporter = {
    ...component(EXPORTER[config.exporter.protocol], instance),
    ...serverOf(config.exporter.url),
  }
  // Not taken back at a shutdown: counters go on to tell the account as it was in the end.
  const observe = (instrument: Observable, callback: ObservableCallback): void =>
    instrument.addCallback(callback)

  if (!createdElsewhere) {
    observe(meter.createObservableCounter('otel.sdk.log.created', RECORDS), (result) =>
      result.observe(counters.created),
    )
  }
  observe(meter.createObservableCounter('otel.sdk.processor.log.processed', RECORDS), (result) => {
    result.observe(counters.exported, processor)
    for (const [reason, count] of Object.entries(counters.enqueueFailed)) {
      const type = ERROR_TYPE[reason as DropReason] ?? reason
      result.observe(count, { ...processor, 'error.type': type })
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
      warnOnce('meter', 'the MeterProvider has failed on the duration of an export', error)
    }
  }
}

function component(type: string, instance: number): Attributes {
  return { 'otel.component.type': type, 'otel.component.name': `${type}/${instance}` }
}

function resultOf(outcome: ExportOutcome, { exporter }: { readonly exporter: ExporterConfig }): Attributes {
  const { status } = outcome
  const isFull = outcome.kind === 'delivered' && outcome.rejected === 0
  const type = outcome.kind === 'delivered' ? 'rejected' : errorType(outcome)
  return {
    ...(!isFull && { 'error.type': type }),
    ...(status !== undefined && exporter.protocol !== 'grpc' && { 'http.response.status_code': status }),
  }
}

/** Nothing for a gRPC target that is no URL: it may stand for several servers. */
function serverOf(url: string): Attributes {
  if (!/^https?:/i.test(url)) return {}
  const { hostname, port, protocol } = new URL(url)
  return { 'server.address': hostname, 'server.port': Number(port || (protocol === 'https:' ? 443 : 80)) }
}
