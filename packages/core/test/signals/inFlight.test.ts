import { timers } from '@logbridge/bridge/internal'
import { metrics, trace } from '@opentelemetry/api'
import { ExportResultCode, type ExportResult } from '@opentelemetry/core'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MetricReader } from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type HttpAnswer,
  type ScriptedReceiver,
  startHttpReceiver,
} from '@logbridge/test-support/scriptedReceiver'
import {
  flushOnFreeze,
  type MetricsOptions,
  startTelemetry,
  type Telemetry,
  type TelemetryOptions,
  type TracesOptions,
} from '../../src/index.ts'
import { resolveTelemetry } from '../../src/config/config.ts'
import { createTraces } from '../../src/signals/traces.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'

// Each wait for log records includes exports of spans and metrics that a timer of the SDK has started.

const warnings = capturedWarnings()
let receiver: ScriptedReceiver<HttpAnswer>
let telemetry: Telemetry
beforeEach(async () => {
  receiver = await startHttpReceiver()
})
afterEach(async () => {
  await telemetry?.shutdown(100)
  await receiver.close()
  vi.useRealTimers()
  vi.unstubAllEnvs()
})

function start(options: TelemetryOptions): void {
  telemetry = startTelemetry({ endpoint: receiver.url, protocol: 'http/protobuf', ...options })
}

/** Lets a timer of the SDK export one span or one metric. Resolves when the receiver has the request. */
const BEGIN = {
  async traces(options: TracesOptions = {}) {
    start({ metrics: false, traces: { scheduledDelayMillis: 1, ...options } })
    trace.getTracer('t').startSpan('work').end()
    await arrived()
  },
  async metrics(options: MetricsOptions = {}) {
    vi.useFakeTimers({ toFake: ['setInterval'] })
    start({ traces: false, metrics: options })
    metrics.getMeter('m').createCounter('jobs').add(1)
    await vi.advanceTimersByTimeAsync(60_000)
    await arrived()
  },
} as const

const arrived = (count = 1): Promise<void> =>
  vi.waitFor(() => expect(receiver.requests.length).toBeGreaterThanOrEqual(count), {
    timeout: 10_000,
    interval: 5,
  })

/** Delays the answer to a request. */
function hold(held = 1): (answer?: HttpAnswer) => void {
  const released = Promise.withResolvers<HttpAnswer>()
  receiver.answer = (_, n) => (n === held ? released.promise : {})
  return (answer = {}) => released.resolve(answer)
}

/** Returns true when a promise has resolved after some requests to the receiver. */
async function isOver(promise: Promise<unknown>): Promise<boolean> {
  let over = false
  void promise.then(() => (over = true))
  for (let n = 0; n < 20; n += 1) await fetch(receiver.url, { method: 'POST' })
  return over
}

describe.each(['traces', 'metrics'] as const)('startTelemetry with %s', (signal) => {
  const begin = BEGIN[signal]

  test.each(['forceFlush', 'shutdown'] as const)(
    '%s waits for an export that a timer of the SDK has started',
    async (end) => {
      const release = hold()
      await begin()
      const ended = telemetry[end]()
      expect(await isOver(ended)).toBe(false)
      release()
      await ended
      expect(warnings).toEqual([])
    },
  )

  test.each(['forceFlush', 'shutdown'] as const)(
    '%s ends the backoff of an export that a timer of the SDK has started',
    async (end) => {
      // The first backoff lasts 500 s.
      vi.spyOn(Math, 'random').mockReturnValue(1000)
      const started = vi.spyOn(timers, 'setTimeout')
      receiver.answer = (_, n) => (n === 1 ? { status: 503 } : {})
      await begin()
      await vi.waitFor(() => expect(started).toHaveBeenCalledWith(expect.any(Function), 500_000))
      await telemetry[end](20_000)
      expect(receiver.requests.length).toBeGreaterThan(1)
      expect(warnings).toEqual([])
    },
  )

  test('flushOnFreeze waits for an export that a timer of the SDK has started', async () => {
    const release = hold()
    const result = flushOnFreeze(() => begin(), { timeoutMillis: 20_000 })()
    await arrived()
    expect(await isOver(result)).toBe(false)
    release()
    await result
  })
})

test.each(['forceFlush', 'shutdown'] as const)(
  '%s waits for all batches of spans when the receiver refuses one of them',
  async (end) => {
    const release = hold(3)
    const { answer } = receiver
    receiver.answer = (request, n) => (n === 2 ? { status: 400 } : answer(request, n))
    start({ metrics: false, traces: { scheduledDelayMillis: 60_000, maxExportBatchSize: 5 } })
    // The SDK exports the first batch when it is full; the flush exports two more.
    for (let n = 0; n < 13; n += 1) trace.getTracer('t').startSpan('work').end()
    const ended = telemetry[end]()
    await arrived(3)
    expect(await isOver(ended)).toBe(false)
    release()
    await ended
    expect(warnings).toEqual([expect.stringMatching(/^export failed, spans dropped/)])
  },
)

test.each(['forceFlush', 'shutdown'] as const)(
  '%s waits for spans that a timer exports when attributes of their resource are pending',
  async (end) => {
    const id = Promise.withResolvers<string>()
    const { traces } = resolveTelemetry(
      { endpoint: receiver.url, protocol: 'http/protobuf', traces: { scheduledDelayMillis: 1 } },
      {},
    )
    const { provider, ...pipeline } = createTraces(traces!, resourceFromAttributes({ id: id.promise }))!
    provider.getTracer('t').startSpan('work').end()
    // The timer of the SDK fires before a timer that was started later.
    await new Promise((resolve) => setTimeout(resolve, 5))
    const ended = pipeline[end](20_000)
    expect(await isOver(ended)).toBe(false)
    id.resolve('i-1')
    await ended
    expect(receiver.requests.map(({ path }) => path)).toContain('/v1/traces')
  },
)

test.each(['forceFlush', 'shutdown'] as const)(
  "%s waits for an export that a timer of the application's BatchSpanProcessor has started",
  async (end) => {
    const release = Promise.withResolvers<void>()
    const exported = Promise.withResolvers<void>()
    let finish = (): void => {}
    const exporter: SpanExporter = {
      export(_spans: ReadableSpan[], done: (result: ExportResult) => void) {
        finish = () => done({ code: ExportResultCode.SUCCESS })
        exported.resolve()
      },
      forceFlush: () => release.promise,
      shutdown: () => release.promise,
    }
    const processor = new BatchSpanProcessor({ exporter, scheduledDelayMillis: 1 })
    start({ metrics: false, traces: { processors: [processor] } })
    trace.getTracer('t').startSpan('work').end()
    await exported.promise
    const ended = telemetry[end]()
    expect(await isOver(ended)).toBe(false)
    finish()
    release.resolve()
    await ended
    expect(warnings).toEqual([])
  },
)

test.each(['forceFlush', 'shutdown'] as const)(
  '%s waits for an export to Zipkin that a timer has started',
  async (end) => {
    vi.stubEnv('OTEL_TRACES_EXPORTER', 'zipkin')
    vi.stubEnv('OTEL_EXPORTER_ZIPKIN_ENDPOINT', receiver.url)
    const release = hold()
    await BEGIN.traces()
    const ended = telemetry[end]()
    expect(await isOver(ended)).toBe(false)
    release({ status: 202 })
    await ended
    expect(warnings).toEqual([])
  },
)

test.each(['forceFlush', 'shutdown'] as const)(
  '%s waits for an export of metrics when a reader of the application fails',
  async (end) => {
    const failing = new FailingReader()
    const release = hold()
    start({ traces: false, metrics: { readers: [failing] } })
    metrics.getMeter('m').createCounter('jobs').add(1)
    const ended = telemetry[end]()
    await arrived()
    expect(await isOver(ended)).toBe(false)
    release()
    await ended
    expect(warnings).toEqual(['a metric reader failed to flush or shut down: no'])
  },
)

class FailingReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.reject(new Error('no'))
  }
  protected override onShutdown(): Promise<void> {
    return Promise.reject(new Error('no'))
  }
}
