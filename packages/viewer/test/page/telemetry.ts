/** Telemetry of a small shop: logs by the pipeline of `@logbridge/core`, spans and metrics by the official SDK and its exporters. */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context } from '@opentelemetry/api'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { createLoggerProvider } from '../../../core/dist/index.js'
import type { PageViewer } from '../../src/pageViewer.ts'

export interface LogOptions {
  level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'
  scope?: string
  attributes?: Record<string, unknown>
  context?: Context
  /** Milliseconds since the epoch. */
  time?: number
}

export interface Shop {
  /** Logs a record by the pipeline of core. */
  log(body: unknown, options?: LogOptions): void
  /** Sends what was logged. */
  flush(): Promise<void>
  /** Records a checkout with three services in one trace, whose payment fails. Returns the trace id. */
  checkout(): Promise<string>
  /** Records requests in a counter and a histogram, and exports the metrics of the shop and of the pipeline. */
  measure(): Promise<void>
  close(): Promise<void>
}

/** Span of an earlier trace, which a charge repeats. */
export const EARLIER = {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  traceFlags: 1,
}

const NUMBERS = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 } as const

/** Starts a shop that sends to a viewer. */
export function openShop(viewer: PageViewer, serviceName = 'shop'): Shop {
  const exporter = new OTLPMetricExporter({ url: `${viewer.httpUrl}/v1/metrics` })
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    readers: [reader],
  })
  const loggerProvider = createLoggerProvider({
    endpoint: viewer.grpcUrl,
    serviceName,
    register: false,
    meterProvider,
    shutdownSignals: [],
  })
  const tracers = ['shop', 'payments', 'database'].map((name) => {
    const provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': name }),
      spanProcessors: [
        new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: `${viewer.httpUrl}/v1/traces` }) }),
      ],
    })
    return provider
  })
  const meter = meterProvider.getMeter('shop-metrics')
  const requests = meter.createCounter('http.server.requests', { description: 'Requests of the shop' })
  const duration = meter.createHistogram('http.server.request.duration', { unit: 's' })

  const shop: Shop = {
    log(
      body,
      { level = 'info', scope = 'orders', attributes = {}, context: active = ROOT_CONTEXT, time } = {},
    ) {
      loggerProvider.getLogger(scope).emit({
        body,
        severityNumber: NUMBERS[level],
        severityText: level.toUpperCase(),
        attributes,
        context: active,
        ...(time !== undefined && { timestamp: time }),
      })
    },
    flush: () => loggerProvider.forceFlush(),
    async checkout() {
      const [orders, payments, database] = tracers.map((provider) => provider.getTracer('http'))
      const start = Date.now() - 400
      const at = (millis: number): number => start + millis
      const root = orders!.startSpan(
        'POST /checkout',
        {
          kind: SpanKind.SERVER,
          startTime: at(0),
          attributes: { 'http.route': '/checkout', 'http.response.status_code': 502 },
        },
        ROOT_CONTEXT,
      )
      const inRoot = trace.setSpan(ROOT_CONTEXT, root)
      shop.log('checkout started', { context: inRoot, time: at(4), attributes: { 'order.id': 42 } })
      const query = database!.startSpan('SELECT cart', { kind: SpanKind.CLIENT, startTime: at(20) }, inRoot)
      shop.log('3 rows', {
        level: 'debug',
        scope: 'sql',
        context: trace.setSpan(ROOT_CONTEXT, query),
        time: at(48),
      })
      query.end(at(60))
      const charge = payments!.startSpan(
        'POST /charge',
        {
          kind: SpanKind.SERVER,
          startTime: at(80),
          links: [{ context: EARLIER, attributes: { reason: 'retry' } }],
        },
        inRoot,
      )
      const inCharge = trace.setSpan(ROOT_CONTEXT, charge)
      shop.log('card provider is slow', { level: 'warn', scope: 'payment', context: inCharge, time: at(200) })
      shop.log('payment of order 42 failed', {
        level: 'error',
        scope: 'payment',
        context: inCharge,
        time: at(310),
        attributes: {
          'order.id': 42,
          'exception.type': 'PaymentError',
          'exception.message': 'card declined',
          'exception.stacktrace':
            'PaymentError: card declined\n    at charge (/app/src/payment.js:18:11)\n    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)\nCaused by: Error: connect ECONNREFUSED 10.0.0.7:443\n    at TCPConnectWrap.afterConnect (node:net:1637:16)',
        },
      })
      charge.recordException(
        {
          name: 'PaymentError',
          message: 'card declined',
          stack: 'PaymentError: card declined\n    at charge (/app/src/payment.js:18:11)',
        },
        at(311),
      )
      charge.setStatus({ code: SpanStatusCode.ERROR, message: 'card declined' })
      charge.end(at(320))
      shop.log('checkout failed', {
        level: 'error',
        context: inRoot,
        time: at(390),
        attributes: { 'order.id': 42 },
      })
      root.setStatus({ code: SpanStatusCode.ERROR })
      root.end(at(400))
      await shop.flush()
      for (const provider of tracers) await provider.forceFlush()
      return root.spanContext().traceId
    },
    async measure() {
      for (let index = 0; index < 20; index += 1) {
        const attributes = { 'http.route': index % 3 === 0 ? '/checkout' : '/orders' }
        requests.add(1 + (index % 4), attributes)
        duration.record(0.01 * index, attributes)
      }
      await meterProvider.forceFlush()
    },
    async close() {
      await loggerProvider.shutdown()
      for (const provider of tracers) await provider.shutdown()
      await meterProvider.shutdown()
    },
  }
  return shop
}

/** Logs records like those of a shop at work, over the minutes before now. */
export async function fill(shop: Shop, count: number): Promise<void> {
  const now = Date.now()
  for (let index = 0; index < count; index += 1) {
    const time = now - (count - index) * 300
    const order = 1000 + index
    if (index % 29 === 0)
      shop.log(`payment of order ${order} failed: timed out after ${index % 7} s`, {
        level: 'error',
        scope: 'payment',
        time,
        attributes: { 'order.id': order, 'http.route': '/checkout', 'payment.amount': index },
      })
    else if (index % 11 === 0)
      shop.log(`cache miss for "cart-${index}"`, {
        level: 'warn',
        scope: 'cache',
        time,
        attributes: { 'http.route': '/cart' },
      })
    else if (index % 3 === 0)
      shop.log('health check', {
        level: 'debug',
        scope: 'http',
        time,
        attributes: { 'http.route': '/health' },
      })
    else
      shop.log(`order ${order} placed by customer ${index % 13}`, {
        time,
        attributes: { 'order.id': order, 'http.route': '/orders', 'payment.amount': index },
      })
    if (index % 500 === 499) await shop.flush()
  }
  await shop.flush()
}
